//! Reads tars from strangers: memory stays bounded whatever their headers say.
//!
//! Formats: ustar, GNU (long names, large numbers) and pax, as Docker's builders, `tar` and Go write them. The crate `tar`
//! knows the fields of a header; its own reader takes extension headers of any size.

use std::io::{ErrorKind, Read};

use tar::{EntryType, Header};

use super::tar_entry::{Entry, Kind, unless_blank};
use super::tar_sparse::Sparse;
use super::{LayerError, shown};

pub(super) const BLOCK: usize = 512;
/// Bytes that an extension header may have; Go's reader takes as many.
const LARGEST_EXTENSION: u64 = 1 << 20;

/// Reads the entries of a tar one after the other.
pub(in crate::runtime) struct TarReader<R> {
    from: R,
    /// Content of the current entry that was not read.
    left: u64,
    /// Zero bytes after it.
    padding: u64,
}

/// What extension headers say of the entry that follows.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    uid: Option<u64>,
    gid: Option<u64>,
    size: Option<u64>,
    modified: Option<(i64, u32)>,
    attributes: Vec<(Vec<u8>, Vec<u8>)>,
    sparse: bool,
}

impl<R: Read> TarReader<R> {
    pub(in crate::runtime) fn new(from: R) -> Self {
        Self { from, left: 0, padding: 0 }
    }

    /// The next entry; none at the end.
    pub(in crate::runtime) fn next(&mut self) -> Result<Option<Entry>, LayerError> {
        let mut extensions = Extensions::default();
        loop {
            self.skip()?;
            let Some(block) = self.header()? else { return Ok(None) };
            let header = Header::from_byte_slice(&block);
            let size = unless_blank(&header.as_old().size, header.entry_size()).map_err(damaged)?;
            match header.entry_type() {
                EntryType::XHeader => extensions.read_pax(&self.extension(size)?)?,
                EntryType::XGlobalHeader => drop(self.extension(size)?),
                EntryType::GNULongName => extensions.name = Some(text(&self.extension(size)?)),
                EntryType::GNULongLink => extensions.link = Some(text(&self.extension(size)?)),
                _ => return self.entry(header, extensions).map(Some),
            }
        }
    }

    /// Reads content of the current entry; 0 at its end.
    pub(in crate::runtime) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, LayerError> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        match retried(|| self.from.read(&mut buffer[..wanted])).map_err(LayerError::Stream)? {
            0 => Err(LayerError::Truncated(None)),
            count => {
                self.left -= count as u64;
                Ok(count)
            }
        }
    }

    fn skip(&mut self) -> Result<(), LayerError> {
        let mut wanted = self.left + self.padding;
        (self.left, self.padding) = (0, 0);
        let mut buffer = [0; 8192];
        while wanted > 0 {
            let part = usize::try_from(wanted).unwrap_or(usize::MAX).min(buffer.len());
            match retried(|| self.from.read(&mut buffer[..part])).map_err(LayerError::Stream)? {
                0 => return Err(LayerError::Truncated(None)),
                count => wanted -= count as u64,
            }
        }
        Ok(())
    }

    /// The next header, its checksum verified. A zero block ends the tar, and so does the end of the bytes.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, LayerError> {
        let Some(block) = block(&mut self.from)? else { return Ok(None) };
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let (mut unsigned, mut signed) = (0u32, 0i32);
        for (place, byte) in block.iter().enumerate() {
            let byte = if (148..156).contains(&place) { b' ' } else { *byte };
            unsigned += u32::from(byte);
            signed += i32::from(byte.cast_signed());
        }
        let said = Header::from_byte_slice(&block).cksum().map_err(damaged)?;
        // Some old programs summed signed characters.
        if said == unsigned || i64::from(said) == i64::from(signed) {
            return Ok(Some(block));
        }
        Err(LayerError::Damaged("a header's checksum is wrong".to_owned()))
    }

    /// The content of an extension header.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>, LayerError> {
        if size > LARGEST_EXTENSION {
            return Err(LayerError::Damaged(format!("an extension header of {size} bytes")));
        }
        self.left = size;
        self.padding = padding(size);
        let mut bytes = vec![0; size as usize];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += self.read(&mut bytes[filled..])?;
        }
        Ok(bytes)
    }

    fn entry(&mut self, header: &Header, extensions: Extensions) -> Result<Entry, LayerError> {
        let name = extensions.name.unwrap_or_else(|| header.path_bytes().into_owned());
        let link = extensions.link.unwrap_or_else(|| header.link_name_bytes().unwrap_or_default().into_owned());
        let unsupported = |what: String| LayerError::Unsupported { path: shown(&name), what };
        if extensions.sparse {
            return Err(unsupported("a sparse file".to_owned()));
        }
        let kind = match header.entry_type() {
            // Before POSIX, a folder was a file whose name ends in a slash.
            EntryType::Regular if header.as_bytes()[156] == 0 && name.ends_with(b"/") => Kind::Folder,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Link => Kind::Hardlink,
            EntryType::Char => Kind::CharacterDevice,
            EntryType::Block => Kind::BlockDevice,
            EntryType::Fifo => Kind::Fifo,
            other => return Err(unsupported(format!("of the type {:?}", char::from(other.as_byte())))),
        };
        let size = match extensions.size {
            Some(size) => size,
            None => unless_blank(&header.as_old().size, header.entry_size()).map_err(damaged)?,
        };
        // Only files have content; some programs give the size of the file to its links, without the bytes.
        let content = if kind == Kind::File { size } else { 0 };
        if content > u64::MAX / 4 {
            return Err(LayerError::Damaged(format!("`{}` has {content} bytes", shown(&name))));
        }
        let sparse = match header.as_gnu().filter(|_| header.entry_type() == EntryType::GNUSparse) {
            Some(header) => Some(Sparse::read(header, content, &mut self.from)?),
            None => None,
        };
        self.left = content;
        self.padding = padding(content);
        let id = |said: Option<u64>, field: std::io::Result<u64>| -> Result<u32, LayerError> {
            let id = said.map_or(field, Ok).map_err(damaged)?;
            u32::try_from(id).ok().filter(|id| *id != u32::MAX).ok_or_else(|| unsupported(format!("owned by {id}")))
        };
        let number = |field: std::io::Result<Option<u32>>| field.ok().flatten().unwrap_or(0);
        let old = header.as_old();
        let time = unless_blank(&old.mtime, header.mtime()).map_err(damaged)?;
        Ok(Entry {
            kind,
            mode: unless_blank(&old.mode, header.mode()).map_err(damaged)? & 0o7777,
            uid: id(extensions.uid, unless_blank(&old.uid, header.uid()))?,
            gid: id(extensions.gid, unless_blank(&old.gid, header.gid()))?,
            modified: extensions.modified.unwrap_or((time.cast_signed(), 0)),
            device: (number(header.device_major()), number(header.device_minor())),
            attributes: extensions.attributes,
            sparse,
            link,
            name,
        })
    }
}

impl Extensions {
    /// Records are `LENGTH KEY=VALUE\n`; values may hold any byte.
    fn read_pax(&mut self, mut bytes: &[u8]) -> Result<(), LayerError> {
        let damaged = || LayerError::Damaged("a pax header".to_owned());
        while !bytes.is_empty() {
            let space = bytes.iter().take(21).position(|byte| *byte == b' ').ok_or_else(damaged)?;
            let length: usize =
                std::str::from_utf8(&bytes[..space]).ok().and_then(|text| text.parse().ok()).ok_or_else(damaged)?;
            if length > bytes.len() || length < space + 3 || bytes[length - 1] != b'\n' {
                return Err(damaged());
            }
            let record = &bytes[space + 1..length - 1];
            bytes = &bytes[length..];
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(damaged)?;
            self.set(&record[..equals], &record[equals + 1..]).ok_or_else(damaged)?;
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
        match key {
            // An empty value takes back what a global header said; those are not read.
            _ if value.is_empty() && !key.starts_with(b"SCHILY.xattr.") => {}
            b"path" => self.name = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"uid" => self.uid = Some(number()?),
            b"gid" => self.gid = Some(number()?),
            b"size" => self.size = Some(number()?),
            b"mtime" => self.modified = Some(time(std::str::from_utf8(value).ok()?)?),
            _ if key.starts_with(b"GNU.sparse.") => self.sparse = true,
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.attributes.push((name.to_vec(), value.to_vec()));
                }
            }
        }
        Some(())
    }
}

/// Seconds with a fraction: `1700000000.123`, `-1.5`.
fn time(text: &str) -> Option<(i64, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanoseconds: u32 = digits.parse().ok()?;
    match (whole.starts_with('-'), nanoseconds) {
        (true, 1..) => Some((seconds.checked_sub(1)?, 1_000_000_000 - nanoseconds)),
        _ => Some((seconds, nanoseconds)),
    }
}

/// The next block; none at the end of the bytes.
pub(super) fn block(from: &mut impl Read) -> Result<Option<[u8; BLOCK]>, LayerError> {
    let mut block = [0; BLOCK];
    let mut filled = 0;
    while filled < BLOCK {
        match retried(|| from.read(&mut block[filled..])).map_err(LayerError::Stream)? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(LayerError::Truncated(None)),
            count => filled += count,
        }
    }
    Ok(Some(block))
}

fn padding(size: u64) -> u64 {
    (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64
}

/// The text of a GNU long name: it ends with a zero byte.
fn text(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(super) fn damaged(error: std::io::Error) -> LayerError {
    LayerError::Damaged(error.to_string().escape_debug().to_string().chars().take(200).collect())
}

fn retried(mut read: impl FnMut() -> std::io::Result<usize>) -> std::io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_fractions() {
        assert_eq!(time("12"), Some((12, 0)));
        assert_eq!(time("12.5"), Some((12, 500_000_000)));
        assert_eq!(time("-1.25"), Some((-2, 750_000_000)));
        assert_eq!(time("1.x"), None);
    }

    /// A reader of lines would break the value apart.
    #[test]
    fn values_hold_any_byte() {
        let mut extensions = Extensions::default();
        extensions.read_pax(b"30 SCHILY.xattr.user.x=a\nb=c\n\n10 uid=12\n").unwrap();
        assert_eq!(extensions.attributes, [(b"user.x".to_vec(), b"a\nb=c\n".to_vec())]);
        assert_eq!(extensions.uid, Some(12));
        for bytes in
            [&b"x"[..], b"99 a=b\n", b"3 a\n", b"5 a=b", b"0 =\n", b"99999999999999999999999 a=b\n", b"6 a b\n"]
        {
            assert!(Extensions::default().read_pax(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn sizes_do_not_decide_on_memory() {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::GNULongName);
        header.set_size(u64::MAX / 2);
        header.set_cksum();
        let mut reader = TarReader::new(&header.as_bytes()[..]);
        assert!(matches!(reader.next(), Err(LayerError::Damaged(_))));
    }
}
