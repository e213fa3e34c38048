//! Contents without what only tells the time of the build, so that two builds can be compared.
//!
//! Known are Python's compiled modules, files packed with gzip, and zip archives such as those of Java. Anything else stays
//! as it is: two builds of one file show what of it differs by itself.

use sha2::{Digest, Sha256};

use super::layer::hex;

/// Ends of the names of zip archives.
const ZIP_ENDS: [&str; 8] = [".zip", ".jar", ".war", ".ear", ".whl", ".egg", ".nupkg", ".apk"];

/// Whether a file of that path may hold what [`timeless`] takes out.
pub(super) fn may_tell_time(path: &str) -> bool {
    is_compiled(path) || is_gzip(path) || is_zip(path)
}

fn is_compiled(path: &str) -> bool {
    has_end(path, &[".pyc"])
}

fn is_gzip(path: &str) -> bool {
    has_end(path, &[".gz", ".tgz"])
}

fn is_zip(path: &str) -> bool {
    has_end(path, &ZIP_ENDS)
}

fn has_end(path: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| path.ends_with(end))
}

/// The SHA-256 in hexadecimal of a file without what tells the time; `None` where nothing of the kind is known.
pub(super) fn timeless(path: &str, bytes: &[u8]) -> Option<String> {
    let digest = |bytes: &[u8]| hex(&Sha256::digest(bytes));
    if is_compiled(path) {
        return compiled_python(bytes).map(|bytes| digest(&bytes));
    }
    if is_gzip(path) && bytes.starts_with(&[0x1f, 0x8b]) {
        // RFC 1952, 2.3: MTIME is in bytes 4 to 7.
        return without(bytes, 4..8).map(|bytes| digest(&bytes));
    }
    if is_zip(path) {
        return zip_listing(bytes).map(|listing| digest(&listing));
    }
    None
}

fn without(bytes: &[u8], range: std::ops::Range<usize>) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    bytes.get_mut(range)?.fill(0);
    Some(bytes)
}

/// A module whose bytes 4 to 7 are 0 tells the time of its source in bytes 8 to 11; one with a hash tells no time.
/// <https://peps.python.org/pep-0552/>
fn compiled_python(bytes: &[u8]) -> Option<Vec<u8>> {
    (bytes.get(4..8)? == [0; 4]).then(|| without(bytes, 8..12)).flatten()
}

/// Of every entry of a zip archive the name, the method, the checksum, the size, the attributes and the comment, from its
/// central directory, and what stands before the first entry, such as the script of a jar that starts itself. Archives with
/// more entries or bytes than the plain form can tell of are left as they are.
/// <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>, 4.3.12 and 4.3.16
fn zip_listing(bytes: &[u8]) -> Option<Vec<u8>> {
    const END: [u8; 4] = *b"PK\x05\x06";
    const ENTRY: [u8; 4] = *b"PK\x01\x02";
    let number = |at: usize, length: usize| -> Option<usize> {
        let bytes = bytes.get(at..at.checked_add(length)?)?;
        Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte)))
    };
    let end = bytes.windows(4).rposition(|window| window == END)?;
    let (entries, size, told) = (number(end + 10, 2)?, number(end + 12, 4)?, number(end + 16, 4)?);
    if entries == 0xffff || size == 0xffff_ffff || told == 0xffff_ffff {
        return None;
    }
    // Where something was put in front of the archive, places may still be told from its old beginning.
    let mut at = end.checked_sub(size)?;
    let moved = at.checked_sub(told)?;
    let (mut listing, mut first) = (Vec::new(), at);
    for _ in 0..entries {
        if bytes.get(at..at + 4)? != ENTRY {
            return None;
        }
        let (name, extra, comment) = (number(at + 28, 2)?, number(at + 30, 2)?, number(at + 32, 2)?);
        first = first.min(number(at + 42, 4)?.checked_add(moved)?);
        let rest = at + 46 + name + extra;
        // Method; checksum; size; external attributes; name; comment.
        let parts = [
            at + 10..at + 12,
            at + 16..at + 20,
            at + 24..at + 28,
            at + 38..at + 42,
            at + 46..at + 46 + name,
            rest..rest + comment,
        ];
        for part in parts {
            listing.extend_from_slice(bytes.get(part)?);
        }
        listing.push(0);
        at = rest + comment;
    }
    // What follows the directory: its end tells where things are, and its comment.
    listing.extend_from_slice(bytes.get(end + 20..)?);
    listing.extend_from_slice(&Sha256::digest(bytes.get(..first)?));
    Some(listing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiled_module_tells_the_time_of_its_source() {
        let module = |flags: u8, time: u8, code: u8| {
            let mut bytes = vec![0; 20];
            (bytes[4], bytes[8], bytes[19]) = (flags, time, code);
            bytes
        };
        let plain = timeless("a/b.pyc", &module(0, 1, 1));
        assert!(plain.is_some());
        assert_eq!(plain, timeless("a/b.pyc", &module(0, 2, 1)));
        assert_ne!(plain, timeless("a/b.pyc", &module(0, 1, 2)));
        // With a hash there is no time to take out.
        assert_eq!(timeless("a/b.pyc", &module(1, 2, 1)), None);
        assert_eq!(timeless("a/b.pyc", &[0; 3]), None);
    }

    #[test]
    fn gzip_tells_the_time_in_its_header() {
        let packed = |time: u8, data: u8| [0x1f, 0x8b, 8, 0, time, 0, 0, 0, 0, 3, data];
        assert_eq!(timeless("a.tar.gz", &packed(1, 9)), timeless("a.tar.gz", &packed(2, 9)));
        assert_ne!(timeless("a.tar.gz", &packed(1, 9)), timeless("a.tar.gz", &packed(1, 8)));
        assert_eq!(timeless("a.gz", b"no"), None);
    }

    #[test]
    fn a_zip_archive_is_compared_by_its_entries() {
        let zip = |time: u8, checksum: u8| archive(&[], time, checksum);
        assert!(timeless("a.jar", &zip(1, 1)).is_some());
        assert_eq!(timeless("a.jar", &zip(1, 1)), timeless("a.jar", &zip(2, 1)));
        assert_ne!(timeless("a.jar", &zip(1, 1)), timeless("a.jar", &zip(1, 2)));
        assert_eq!(timeless("a.jar", b"PK\x05\x06"), None);
        assert_eq!(timeless("a.jar", &zip(1, 1)[..60]), None);
    }

    /// A zip archive of one entry that is told of and has no bytes, after `before`.
    fn archive(before: &[u8], time: u8, checksum: u8) -> Vec<u8> {
        let mut entry = vec![0; 46];
        entry[..4].copy_from_slice(b"PK\x01\x02");
        (entry[12], entry[16], entry[28]) = (time, checksum, 1);
        entry.push(b'a');
        let mut end = vec![0; 22];
        end[..4].copy_from_slice(b"PK\x05\x06");
        (end[10], end[12]) = (1, 47);
        [before, &entry, &end].concat()
    }

    #[test]
    fn what_stands_before_a_zip_archive_counts() {
        let plain = timeless("a.jar", &archive(b"", 1, 1));
        let script = timeless("a.jar", &archive(b"#!/bin/sh\n", 1, 1));
        assert!(script.is_some() && script != plain);
        assert_eq!(script, timeless("a.jar", &archive(b"#!/bin/sh\n", 2, 1)));
        assert_ne!(script, timeless("a.jar", &archive(b"#!/bin/ls\n", 1, 1)));
    }

    #[test]
    fn a_zip_archive_with_entries_that_are_told_elsewhere_stays_as_it_is() {
        let mut large = archive(b"", 1, 1);
        let end = large.len() - 22;
        large[end + 10..end + 12].fill(0xff);
        assert_eq!(timeless("a.jar", &large), None);
    }
}
