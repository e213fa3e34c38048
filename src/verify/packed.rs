//! Layers as images have them: packed with gzip or zstd, or plain.

use std::io::{self, BufReader, Read};

use super::bounds::{Allowance, Bounded};
use super::layer;
use super::tree::LayerEntries;

/// The entries of a layer that may be packed, and the bytes of its unpacked archive. Both readers read it from its start.
///
/// # Errors
/// Where it is broken, or larger than is allowed.
pub(super) fn unpacked(
    mut first: impl Read,
    again: impl Read,
    allowance: &Allowance,
) -> io::Result<(LayerEntries, u64)> {
    let mut start = [0; 4];
    let read = first.read(&mut start)?;
    let bytes = BufReader::new(again);
    match start.get(..read).unwrap_or_default() {
        [0x1f, 0x8b, ..] => counted(flate2::bufread::MultiGzDecoder::new(bytes), allowance),
        [0x28, 0xb5, 0x2f, 0xfd] => counted(zstd(bytes)?, allowance),
        // A frame to skip, with which some programs begin.
        [low, 0x2a, 0x4d, 0x18] if low & 0xf0 == 0x50 => counted(zstd(bytes)?, allowance),
        _ => counted(bytes, allowance),
    }
}

/// The entries of an archive and its bytes, those after its end too.
fn counted(archive: impl Read, allowance: &Allowance) -> io::Result<(LayerEntries, u64)> {
    let mut archive = Bounded::layer(archive, allowance);
    let entries = layer::read(&mut archive)?;
    io::copy(&mut archive, &mut io::sink())?;
    Ok((entries, archive.count()))
}

#[cfg(all(feature = "runtime", target_os = "linux"))]
fn zstd(bytes: impl Read) -> io::Result<impl Read> {
    crate::runtime::layer::Decompressor::new(bytes)
}

#[cfg(not(all(feature = "runtime", target_os = "linux")))]
fn zstd<R: Read>(_: R) -> io::Result<R> {
    let reason = "its layers are packed with zstd; have the builder write gzip";
    Err(io::Error::new(io::ErrorKind::Unsupported, reason))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, "a", &b"1"[..]).unwrap();
        builder.into_inner().unwrap()
    }

    fn names(layer: &[u8]) -> (Vec<String>, u64) {
        let (entries, bytes) = unpacked(layer, layer, &Allowance::default()).unwrap();
        (entries.into_iter().map(|(path, _)| path).collect(), bytes)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn layers_may_be_packed() {
        let plain = archive();
        let read = (vec!["a".to_owned()], plain.len() as u64);
        assert_eq!(names(&plain), read);
        assert_eq!(names(&gzip(&plain)), read);
        assert_eq!(names(b""), (Vec::new(), 0));
    }

    #[test]
    #[cfg(all(feature = "runtime", target_os = "linux"))]
    fn layers_may_be_packed_with_zstd() {
        let plain = archive();
        let layer = ruzstd::encoding::compress_to_vec(plain.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
        assert_eq!(layer[..4], [0x28, 0xb5, 0x2f, 0xfd]);
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9], layer.as_slice()].concat();
        for layer in [layer, skipped] {
            assert_eq!(names(&layer), (vec!["a".to_owned()], plain.len() as u64));
        }
    }

    /// A few kilobytes for one name of a gigabyte.
    #[test]
    fn a_bomb_is_an_error() {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(1 << 30);
        header.set_cksum();
        let bomb = gzip(&[header.as_bytes().as_slice(), &vec![b'a'; 8 << 20]].concat());
        assert!(bomb.len() < 64 << 10);
        let error = unpacked(bomb.as_slice(), bomb.as_slice(), &Allowance::default()).unwrap_err().to_string();
        assert!(error.starts_with("the headers of an entry have more than"), "{error}");
    }
}
