//! Layers: tar archives read into entries, each file by its digest.

use std::collections::BTreeMap;
use std::io::{self, Read};

use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

use super::timeless::timeless;
use super::tree::{BLOCK, LayerEntries, LayerEntry, Node, NodeKind};

/// Bytes of the largest file that is looked into for what tells the time.
const LOOK_INTO: u64 = 64 * 1024 * 1024;

/// Bytes that are read at once: whole blocks.
const PIECE: u64 = 128 * BLOCK as u64;

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
        // What would lead out of the root, and a root that is no directory.
        if path.split('/').any(|part| part == "..") || path.is_empty() && !entry.header().entry_type().is_dir() {
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
        // It describes the archive, and no file.
        EntryType::XGlobalHeader => return Ok(None),
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
        NodeKind::File => content(entry, path, &mut node)?,
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

/// A file's size, its digest, its digest without what tells the time, and the blocks of a program.
fn content<R: Read>(entry: &mut Entry<'_, R>, path: &str, node: &mut Node) -> io::Result<()> {
    let mut hash = Sha256::new();
    let mut buffer = Vec::new();
    if super::timeless::may_tell_time(path) && entry.size() <= LOOK_INTO {
        entry.read_to_end(&mut buffer)?;
        hash.update(&buffer);
        (node.size, node.timeless) = (buffer.len() as u64, timeless(path, &buffer));
    } else {
        loop {
            buffer.clear();
            if Read::take(&mut *entry, PIECE).read_to_end(&mut buffer)? == 0 {
                break;
            }
            if node.size == 0 && is_program(&buffer) || !node.blocks.is_empty() {
                node.blocks.extend(buffer.chunks(BLOCK).map(checksum));
            }
            node.size += buffer.len() as u64;
            hash.update(&buffer);
        }
    }
    node.digest = hex(&hash.finalize());
    Ok(())
}

/// Whether bytes begin as those of a program or a library do: ELF, PE, Mach-O (of both orders) and its archives, WebAssembly.
fn is_program(bytes: &[u8]) -> bool {
    const STARTS: [&[u8]; 7] = [
        b"\x7fELF",
        b"MZ",
        b"\0asm",
        &[0xfe, 0xed, 0xfa, 0xce],
        &[0xfe, 0xed, 0xfa, 0xcf],
        &[0xcf, 0xfa, 0xed, 0xfe],
        &[0xca, 0xfe, 0xba, 0xbe],
    ];
    STARTS.iter().any(|start| bytes.starts_with(start))
}

fn checksum(block: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(block);
    crc.sum()
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
        let entries = read(builder.into_inner().unwrap().as_slice()).unwrap();
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

    #[test]
    fn a_broken_archive_is_an_error() {
        let mut bytes = archive();
        bytes.truncate(700);
        assert!(read(bytes.as_slice()).is_err());
        bytes[3] ^= 1;
        assert!(read(bytes.as_slice()).is_err());
    }
}
