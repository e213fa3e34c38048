//! Writes tars whose bytes depend on nothing but the entries.
//!
//! Plain ustar where it suffices, else a pax header before the entry: for names over 100 bytes that do not split, numbers
//! over 21 bits (owners) or 33 bits (sizes), and attributes. Times are whole seconds, as in the layers of other builders.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tar::{EntryType, Header};

/// The largest number of a header's fields for owners: seven octal digits.
const LARGEST_ID: u32 = 0o777_7777;
/// The largest number of the fields for sizes and times: eleven octal digits.
const LARGEST_SIZE: u64 = 0o777_7777_7777;
/// Zeros to fill up blocks.
const ZEROS: [u8; 1024] = [0; 1024];

/// An entry without its content.
pub(super) struct Record<'a> {
    pub(super) path: &'a Path,
    pub(super) kind: EntryType,
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
    /// Seconds.
    pub(super) modified: i64,
    pub(super) size: u64,
    pub(super) link: Option<&'a OsStr>,
    pub(super) device: (u32, u32),
    pub(super) attributes: &'a [(Vec<u8>, Vec<u8>)],
}

/// Writes entries one after the other.
pub(in crate::runtime) struct TarWriter<W> {
    out: W,
}

impl<W: Write> TarWriter<W> {
    pub(in crate::runtime) fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes a file of root's, made in 1970, whose content has `size` bytes.
    pub(in crate::runtime) fn file(&mut self, name: &str, content: impl Read, size: u64) -> io::Result<()> {
        let kind = EntryType::Regular;
        let (owner, device) = ((0, 0), (0, 0));
        let path = Path::new(name);
        self.record(&Record {
            path,
            kind,
            mode: 0o644,
            owner,
            modified: 0,
            size,
            link: None,
            device,
            attributes: &[],
        })?;
        if io::copy(&mut content.take(size), &mut self.out)? < size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.pad(size)
    }

    /// Writes an entry's headers. Its content follows by [`TarWriter::content`].
    pub(super) fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
        let mut name = record.path.as_os_str().as_bytes().to_vec();
        if record.kind == EntryType::Directory {
            name.push(b'/');
        }
        let mut header = Header::new_ustar();
        let mut pax = Pax::default();
        header.set_entry_type(record.kind);
        header.set_mode(record.mode);
        if !set_name(&mut header, &name) {
            pax.add(b"path", &name);
            set_short(&mut header.as_old_mut().name, &name);
        }
        let link = record.link.map(OsStr::as_bytes).unwrap_or_default();
        if link.len() > 100 {
            pax.add(b"linkpath", link);
        }
        set_short(&mut header.as_old_mut().linkname, link);
        let id = |pax: &mut Pax, key: &[u8], id: u32| {
            if id > LARGEST_ID {
                pax.add(key, id.to_string().as_bytes());
            }
            u64::from(if id > LARGEST_ID { 0 } else { id })
        };
        header.set_uid(id(&mut pax, b"uid", record.owner.0));
        header.set_gid(id(&mut pax, b"gid", record.owner.1));
        if record.size > LARGEST_SIZE {
            pax.add(b"size", record.size.to_string().as_bytes());
        }
        header.set_size(if record.size > LARGEST_SIZE { 0 } else { record.size });
        let seconds = u64::try_from(record.modified).ok().filter(|seconds| *seconds <= LARGEST_SIZE);
        if seconds.is_none() {
            pax.add(b"mtime", record.modified.to_string().as_bytes());
        }
        header.set_mtime(seconds.unwrap_or(0));
        if matches!(record.kind, EntryType::Char | EntryType::Block) {
            header.set_device_major(record.device.0)?;
            header.set_device_minor(record.device.1)?;
        }
        for (key, value) in record.attributes {
            pax.add(&[b"SCHILY.xattr.", &key[..]].concat(), value);
        }
        if !pax.records.is_empty() {
            self.extension(record.path, &pax.records)?;
        }
        header.set_cksum();
        self.out.write_all(header.as_bytes())
    }

    /// The header that holds what the plain one cannot.
    fn extension(&mut self, path: &Path, records: &[u8]) -> io::Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::XHeader);
        let name = [b"PaxHeaders.0/", path.file_name().unwrap_or_default().as_bytes()].concat();
        set_short(&mut header.as_old_mut().name, &name);
        header.set_size(records.len() as u64);
        header.set_cksum();
        self.out.write_all(header.as_bytes())?;
        self.out.write_all(records)?;
        self.pad(records.len() as u64)
    }

    /// Where the content of the last entry goes: exactly as many bytes as it said.
    pub(super) fn content(&mut self) -> &mut W {
        &mut self.out
    }

    /// Fills up the block after `size` bytes of content.
    pub(super) fn pad(&mut self, size: u64) -> io::Result<()> {
        let over = (size % 512) as usize;
        if over == 0 { Ok(()) } else { self.out.write_all(&ZEROS[..512 - over]) }
    }

    /// Ends the tar.
    pub(in crate::runtime) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&ZEROS)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// As much as fits.
fn set_short(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

/// Sets the name where the header's two fields can hold it: up to 100 bytes, or up to 155 more before a slash.
fn set_name(header: &mut Header, name: &[u8]) -> bool {
    if name.len() <= 100 {
        set_short(&mut header.as_old_mut().name, name);
        return true;
    }
    let Some(ustar) = header.as_ustar_mut() else { return false };
    // The last slash is the folder's own.
    let inner = &name[..name.len() - 1];
    let split = inner.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(place, _)| place);
    let Some(place) = split.rev().find(|place| *place <= 155 && name.len() - place - 1 <= 100) else { return false };
    set_short(&mut ustar.prefix, &name[..place]);
    set_short(&mut ustar.name, &name[place + 1..]);
    place > 0
}

/// Records of a pax header.
#[derive(Default)]
struct Pax {
    records: Vec<u8>,
}

impl Pax {
    /// `LENGTH KEY=VALUE\n`, where the length counts its own digits.
    fn add(&mut self, key: &[u8], value: &[u8]) {
        let rest = key.len() + value.len() + 3;
        let mut length = rest;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        self.records.extend(format!("{length} ").into_bytes());
        self.records.extend([key, b"=", value, b"\n"].concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::layer::tar_reader::TarReader;

    fn record(path: &str) -> Record<'_> {
        Record {
            path: Path::new(path),
            kind: EntryType::Symlink,
            mode: 0o777,
            owner: (0, 0),
            modified: 0,
            size: 0,
            link: Some(OsStr::new("x")),
            device: (0, 0),
            attributes: &[],
        }
    }

    /// What is written is read back by our reader and by the crate's.
    #[test]
    fn names_of_every_length_come_back() {
        let names: Vec<String> = (1..400)
            .step_by(7)
            .flat_map(|length| {
                let plain = "n".repeat(length.min(255));
                let deep = "d/".repeat(length / 2) + "n";
                let long = format!("{}/{}", "p".repeat(length.min(200)), "é".repeat(60));
                [plain, deep, long]
            })
            .collect();
        let mut writer = TarWriter::new(Vec::new());
        for name in &names {
            writer.record(&record(name)).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let mut ours = TarReader::new(&bytes[..]);
        let mut crates = tar::Archive::new(&bytes[..]);
        let mut theirs = crates.entries().unwrap();
        for name in &names {
            assert_eq!(ours.next().unwrap().unwrap().name, name.as_bytes());
            assert_eq!(theirs.next().unwrap().unwrap().path_bytes(), name.as_bytes());
        }
        assert!(ours.next().unwrap().is_none());
    }

    #[test]
    fn large_numbers_come_back() {
        let attributes = [(b"user.x".to_vec(), vec![0, b'\n', 255])];
        let mut writer = TarWriter::new(Vec::new());
        let wanted = Record { owner: (4_000_000_000, 3_000_000), modified: -5, attributes: &attributes, ..record("a") };
        writer.record(&wanted).unwrap();
        let bytes = writer.finish().unwrap();
        let entry = TarReader::new(&bytes[..]).next().unwrap().unwrap();
        assert_eq!((entry.uid, entry.gid, entry.modified), (4_000_000_000, 3_000_000, (-5, 0)));
        assert_eq!(entry.attributes, attributes);
    }
}
