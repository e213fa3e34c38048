//! Bounds on what is read of an image, so that a few kilobytes that stand for terabytes end in an error, and not with all
//! memory or a day of work. No honest image meets them.
//!
//! The crate `tar` reads extension headers of any size: what it may read on its way to the next entry is bounded here.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that the layers of an image may unpack to.
const UNPACKED: u64 = 256 << 30;

/// Bytes of memory for what is kept of an image: names, links, attributes, checksums of blocks.
const KEPT: u64 = 2 << 30;

/// Bytes of memory for an entry, besides its texts.
const ENTRY: u64 = 256;

/// Bytes that the headers of one entry may have, with those that extend them.
const HEADERS: u64 = 4 << 20;

/// What may still be read of an image.
#[derive(Debug)]
pub(super) struct Allowance {
    unpacked: Cell<u64>,
    kept: Cell<u64>,
    /// Bytes until an entry must have begun; `None` where content is read.
    headers: Cell<Option<u64>>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self::new(UNPACKED, KEPT)
    }
}

impl Allowance {
    fn new(unpacked: u64, kept: u64) -> Self {
        Self { unpacked: Cell::new(unpacked), kept: Cell::new(kept), headers: Cell::new(None) }
    }

    /// So many bytes come out of a layer.
    ///
    /// # Errors
    /// Where the image is too large.
    pub(super) fn unpack(&self, bytes: u64) -> io::Result<()> {
        taken(&self.unpacked, bytes).ok_or_else(|| beyond("its layers unpack to", UNPACKED))
    }

    /// So many bytes of memory are kept.
    ///
    /// # Errors
    /// Where the image has too much to be kept.
    pub(super) fn keep(&self, bytes: u64) -> io::Result<()> {
        taken(&self.kept, bytes).ok_or_else(|| beyond("the names and attributes of its files take", KEPT))
    }

    /// An entry is kept, and so many bytes of texts with it.
    ///
    /// # Errors
    /// Where the image has too much to be kept.
    pub(super) fn keep_entry(&self, texts: usize) -> io::Result<()> {
        self.keep(ENTRY.saturating_add(texts as u64))
    }

    /// What is read from now on are headers, until [`Self::expect_content`].
    pub(super) fn expect_headers(&self) {
        self.headers.set(Some(HEADERS));
    }

    /// What is read from now on is content.
    pub(super) fn expect_content(&self) {
        self.headers.set(None);
    }
}

/// Takes bytes from what is left; `None` where there are not as many.
fn taken(left: &Cell<u64>, bytes: u64) -> Option<()> {
    left.set(left.get().checked_sub(bytes)?);
    Some(())
}

fn beyond(what: &str, most: u64) -> io::Error {
    let reason = format!("{what} more than {}, which no image is read with", crate::text::size_in_words(most));
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// A reader that reads no more than it is allowed to, and counts.
#[derive(Debug)]
pub(super) struct Bounded<'a, R> {
    inner: R,
    allowance: &'a Allowance,
    /// Whether what is read comes out of a layer.
    unpacks: bool,
    count: u64,
}

impl<'a, R> Bounded<'a, R> {
    /// Around the unpacked bytes of a layer.
    pub(super) fn layer(inner: R, allowance: &'a Allowance) -> Self {
        Self { inner, allowance, unpacks: true, count: 0 }
    }

    /// Around a file that is as large as it is.
    pub(super) fn file(inner: R, allowance: &'a Allowance) -> Self {
        Self { inner, allowance, unpacks: false, count: 0 }
    }

    /// What it is allowed.
    pub(super) fn allowance(&self) -> &'a Allowance {
        self.allowance
    }

    /// How many bytes were read.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(left) = self.allowance.headers.get() {
            let left = left.checked_sub(count as u64);
            self.allowance.headers.set(Some(left.ok_or_else(|| beyond("the headers of an entry have", HEADERS))?));
        }
        if self.unpacks {
            self.allowance.unpack(count as u64)?;
        }
        self.count += count as u64;
        Ok(count)
    }
}

impl<R: Seek> Seek for Bounded<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_until_it_is_too_much() {
        let allowance = Allowance::new(1000, 0);
        let mut out = Vec::new();
        let mut reader = Bounded::layer(io::repeat(1).take(600), &allowance);
        assert_eq!(reader.read_to_end(&mut out).unwrap(), 600);
        assert_eq!(reader.count(), 600);
        let error = Bounded::layer(io::repeat(1), &allowance).read_to_end(&mut out).unwrap_err();
        assert!(error.to_string().starts_with("its layers unpack to more than"), "{error}");
        assert!(allowance.keep_entry(0).is_err());
    }

    #[test]
    fn headers_end_before_content_does() {
        let allowance = Allowance::default();
        let much = HEADERS + 1;
        let read = || Bounded::file(io::repeat(1).take(much), &allowance).read_to_end(&mut Vec::new());
        allowance.expect_headers();
        assert!(read().is_err());
        allowance.expect_content();
        assert_eq!(read().unwrap() as u64, much);
    }
}
