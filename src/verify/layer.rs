//! Layers: tar archives read into entries, each file by its digest.

use std::collections::BTreeMap;
use std::io::{self, Read};

use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

use super::timeless::timeless;
use super::tree::{LayerEntries, LayerEntry, Node, NodeKind};

/// Bytes of the largest file that is looked into for what tells the time.
const LOOK_INTO: u64 = 64 * 1024 * 1024;

/// The prefix of extended attributes in the extended headers that GNU tar and Go write.
const ATTRIBUTE: &str = "SCHILY.xattr.";

/// The entries of a layer.
///
/// # Errors
/// Where the archive is broken.
pub fn read(archive: impl Read) -> io::Result<LayerEntries> {
    let mut entries = LayerEntries::new();
    for entry in Archive::new(archive).entries()? {
        let mut entry = entry?;
        let path = clean(&entry.path_bytes());
        // The root itself, and what would lead out of it.
        if path.is_empty() || path.split('/').any(|part| part == "..") {
            continue;
        }
        if let Some(read) = read_entry(&mut entry, &path)? {
            entries.push((path, read));
        }
    }
    Ok(entries)
}

fn read_entry<R: Read>(entry: &mut Entry<'_, R>, path: &str) -> io::Result<Option<LayerEntry>> {
    let kind = match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => NodeKind::File,
        EntryType::Directory => NodeKind::Directory,
        EntryType::Symlink => NodeKind::Link,
        EntryType::Link => return Ok(Some(LayerEntry::HardLink(clean(&link_name(entry))))),
        EntryType::Char | EntryType::Block | EntryType::Fifo => NodeKind::Special,
        _ => return Ok(None),
    };
    let attributes = attributes(entry)?;
    let header = entry.header();
    let mut node = Node {
        kind,
        mode: header.mode()? & 0o7777,
        owner: (header.uid()?, header.gid()?),
        size: 0,
        digest: String::new(),
        timeless: None,
        target: String::new(),
        attributes,
        identity: 0,
        layer: 0,
    };
    match kind {
        NodeKind::File => (node.size, node.digest, node.timeless) = content(entry, path)?,
        NodeKind::Link => node.target = String::from_utf8_lossy(&link_name(entry)).into_owned(),
        NodeKind::Special => node.target = device(entry)?,
        NodeKind::Directory => {}
    }
    Ok(Some(LayerEntry::Node(node)))
}

fn link_name<R: Read>(entry: &Entry<'_, R>) -> Vec<u8> {
    entry.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default()
}

fn device<R: Read>(entry: &Entry<'_, R>) -> io::Result<String> {
    let header = entry.header();
    let letter = match header.entry_type() {
        EntryType::Char => "c",
        EntryType::Block => "b",
        _ => return Ok("pipe".to_owned()),
    };
    let (major, minor) = (header.device_major()?.unwrap_or(0), header.device_minor()?.unwrap_or(0));
    Ok(format!("{letter} {major}:{minor}"))
}

fn attributes<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for extension in entry.pax_extensions()?.into_iter().flatten() {
        let extension = extension?;
        let name = String::from_utf8_lossy(extension.key_bytes()).into_owned();
        if let Some(name) = name.strip_prefix(ATTRIBUTE) {
            found.insert(name.to_owned(), extension.value_bytes().to_vec());
        }
    }
    Ok(found)
}

/// A file's size, its digest, and its digest without what tells the time.
fn content<R: Read>(entry: &mut Entry<'_, R>, path: &str) -> io::Result<(u64, String, Option<String>)> {
    let mut hash = Sha256::new();
    if super::timeless::may_tell_time(path) && entry.size() <= LOOK_INTO {
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        hash.update(&bytes);
        return Ok((bytes.len() as u64, hex(&hash.finalize()), timeless(path, &bytes)));
    }
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let count = entry.read(&mut buffer)?;
        if count == 0 {
            return Ok((size, hex(&hash.finalize()), None));
        }
        size += count as u64;
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}

/// A digest in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        use std::fmt::Write;
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A path of an archive without `.` parts and doubled or outer slashes.
fn clean(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o100_640);
        header.set_uid(7);
        header.set_gid(8);
        header.set_size(2);
        builder.append_pax_extensions([("SCHILY.xattr.user.a", b"1".as_slice())]).unwrap();
        builder.append_data(&mut header, "./d/f", b"hi".as_slice()).unwrap();
        let mut link = header.clone();
        link.set_entry_type(EntryType::Link);
        link.set_size(0);
        builder.append_link(&mut link, "d/g", "./d/f").unwrap();
        link.set_entry_type(EntryType::Symlink);
        builder.append_link(&mut link, "d/s", "../x").unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn reads_what_an_archive_says_of_its_entries() {
        let entries = read(archive().as_slice()).unwrap();
        let names: Vec<&str> = entries.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(names, ["d/f", "d/g", "d/s"]);
        let LayerEntry::Node(file) = &entries[0].1 else { panic!("{:?}", entries[0]) };
        assert_eq!((file.mode, file.owner, file.size), (0o640, (7, 8), 2));
        assert_eq!(file.attributes["user.a"], b"1");
        assert!(file.digest.starts_with("8f434346"), "{}", file.digest);
        assert_eq!(entries[1].1, LayerEntry::HardLink("d/f".to_owned()));
        let LayerEntry::Node(link) = &entries[2].1 else { panic!("{:?}", entries[2]) };
        assert_eq!((link.kind, link.target.as_str()), (NodeKind::Link, "../x"));
    }

    #[test]
    fn a_broken_archive_is_an_error() {
        let mut bytes = archive();
        bytes.truncate(700);
        assert!(read(bytes.as_slice()).is_err());
        bytes[3] ^= 1;
        assert!(read(bytes.as_slice()).is_err());
    }
}
