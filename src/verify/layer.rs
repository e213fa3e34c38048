//! Layers: tar archives read into entries, each file by its digest.

use std::collections::BTreeMap;
use std::io::{self, Read};

use tar::{Archive, Entry, EntryType};

use super::bounds::{Allowance, Bounded};
use super::content;
use super::tree::{LayerEntries, LayerEntry, Node, NodeKind};

/// The prefix of extended attributes in the extended headers that GNU tar and Go write.
const ATTRIBUTE: &str = "SCHILY.xattr.";

/// The entries of a layer.
///
/// # Errors
/// Where the archive is broken, or larger than is allowed.
pub(super) fn read<R: Read>(archive: &mut Bounded<'_, R>) -> io::Result<LayerEntries> {
    let allowance = archive.allowance();
    let mut read = LayerEntries::new();
    let mut archive = Archive::new(archive);
    let mut entries = archive.entries()?;
    loop {
        allowance.expect_headers();
        let entry = entries.next().transpose()?;
        allowance.expect_content();
        let Some(mut entry) = entry else { return Ok(read) };
        if entry.header().entry_type() == EntryType::GNUSparse {
            // Holes are no bytes of the archive.
            allowance.unpack(entry.size())?;
        }
        let path = clean(&entry.path_bytes());
        // What would lead out of the root, and a root that is no directory.
        let is_outside =
            path.split('/').any(|part| part == "..") || path.is_empty() && !entry.header().entry_type().is_dir();
        if !is_outside && let Some(found) = read_entry(&mut entry, &path, allowance)? {
            allowance.keep_entry(path.len() + texts(&found))?;
            read.push((path, found));
        }
        // The way to the next entry leads through its headers alone.
        io::copy(&mut entry, &mut io::sink())?;
    }
}

/// Bytes of what stands in an entry besides its path.
fn texts(entry: &LayerEntry) -> usize {
    match entry {
        LayerEntry::HardLink(target) => target.len(),
        LayerEntry::Node(node) => {
            let attributes = node.attributes.iter().map(|(name, value)| name.len() + value.len());
            node.target.len() + attributes.sum::<usize>()
        }
    }
}

fn read_entry<R: Read>(entry: &mut Entry<'_, R>, path: &str, allowance: &Allowance) -> io::Result<Option<LayerEntry>> {
    let kind = match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => NodeKind::File,
        EntryType::Directory => NodeKind::Directory,
        EntryType::Symlink => NodeKind::Link,
        EntryType::Link => return Ok(Some(LayerEntry::HardLink(clean(&link_name(entry))))),
        // It describes the archive or another entry, and no file.
        EntryType::XGlobalHeader | EntryType::XHeader => return Ok(None),
        // Devices and pipes. Of other types only their writers know what they are; that they are the same can be told.
        _ => NodeKind::Special,
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
        blocks: Vec::new(),
        target: String::new(),
        attributes,
        identity: 0,
        layer: 0,
    };
    match kind {
        NodeKind::File => content::read(entry, path, &mut node, allowance)?,
        NodeKind::Link => node.target = text(&link_name(entry)),
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
        EntryType::Fifo => return Ok("pipe".to_owned()),
        other => return Ok(format!("type {}", other.as_byte())),
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
    text(path).split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// A name as text: bytes that are no UTF-8 become characters of a private range, so that no two names fall together.
fn text(bytes: &[u8]) -> String {
    const FIRST: u32 = 0x10_ff00;
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(FIRST + u32::from(*byte))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::tree::BLOCK;

    fn read(archive: &[u8]) -> io::Result<LayerEntries> {
        super::read(&mut Bounded::layer(archive, &Allowance::default()))
    }

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
        let entries = read(&archive()).unwrap();
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

    fn node(bytes: &[u8], path: &[u8], kind: EntryType) -> (String, Node) {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(bytes.len() as u64);
        header.set_entry_type(kind);
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, bytes).unwrap();
        let entries = read(&builder.into_inner().unwrap()).unwrap();
        match entries.into_iter().next() {
            Some((path, LayerEntry::Node(node))) => (path, node),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_falls_together() {
        let of_name = |name: &[u8]| node(b"", name, EntryType::Regular).0;
        assert_ne!(of_name(b"a\xff"), of_name(b"a\xfe"));
        // A type that nobody knows, and the root itself.
        assert_eq!(node(b"", b"a", EntryType::new(b'Q')).1.target, "type 81");
        assert_eq!(node(b"", b"./", EntryType::Directory).0, "");
    }

    #[test]
    fn programs_have_blocks() {
        let mut bytes = b"\x7fELF".to_vec();
        bytes.resize(100_000, 1);
        let program = node(&bytes, b"a", EntryType::Regular).1;
        assert_eq!((program.blocks.len(), program.size), (100_000_usize.div_ceil(BLOCK), 100_000));
        bytes[99_000] = 2;
        let other = node(&bytes, b"a", EntryType::Regular).1;
        let places = program.blocks.iter().zip(&other.blocks).enumerate().filter(|(_, (one, other))| one != other);
        assert_eq!(places.map(|(at, _)| at).collect::<Vec<_>>(), [99_000 / BLOCK]);
        assert!(node(b"#!/bin/sh", b"a", EntryType::Regular).1.blocks.is_empty());
    }

    /// A header with this type and size, and so many bytes of content.
    fn claim(kind: EntryType, claimed: u64, real: u64) -> (tar::Header, io::Take<io::Repeat>) {
        let mut header = tar::Header::new_gnu();
        header.set_path("a").unwrap();
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_entry_type(kind);
        header.set_size(claimed);
        (header, io::repeat(b'a').take(real))
    }

    #[test]
    fn no_header_decides_on_memory_or_time() {
        const MUCH: u64 = 1 << 50;
        for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
            let (mut header, content) = claim(kind, MUCH, MUCH);
            header.set_cksum();
            let error = super::read(&mut Bounded::layer(header.as_bytes().chain(content), &Allowance::default()));
            assert!(error.unwrap_err().to_string().starts_with("the headers of an entry have more than"), "{kind:?}");
        }
        // One hole and nothing else.
        let (mut header, _) = claim(EntryType::GNUSparse, 0, 0);
        let fields = header.as_gnu_mut().unwrap();
        fields.realsize = number(MUCH);
        fields.sparse[0].offset = number(MUCH);
        fields.sparse[0].numbytes = number(0);
        header.set_cksum();
        let error = read(&header.as_bytes()[..]).unwrap_err().to_string();
        assert!(error.starts_with("its layers unpack to more than"), "{error}");
    }

    /// A field of twelve bytes for a number that has no room in octal digits.
    fn number(value: u64) -> [u8; 12] {
        let mut field = [0; 12];
        field[4..].copy_from_slice(&value.to_be_bytes());
        field[0] = 0x80;
        field
    }

    #[test]
    fn a_broken_archive_is_an_error() {
        let mut bytes = archive();
        bytes.truncate(700);
        assert!(read(&bytes).is_err());
        bytes[3] ^= 1;
        assert!(read(&bytes).is_err());
    }
}
