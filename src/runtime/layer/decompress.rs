//! Streams that count, hash and decompress.

use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::runtime::image::{Compression, Digest, Hasher};

/// Bytes that a Zstandard decoder may look back, as much as `zstd` takes without being told.
const LARGEST_WINDOW: u64 = 128 << 20;

/// Hashes and counts what passes.
#[derive(Debug)]
pub struct Hashed<T> {
    inner: T,
    hasher: Hasher,
    count: u64,
}

impl<T> Hashed<T> {
    /// Around a reader or a writer.
    pub fn new(inner: T) -> Self {
        Self { inner, hasher: Hasher::default(), count: 0 }
    }

    /// How many bytes passed.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What it stands around, the digest and the number of bytes.
    pub fn finish(self) -> (T, Digest, u64) {
        (self.inner, self.hasher.finish(), self.count)
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.count += count as u64;
        Ok(count)
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// How a stream is compressed, by its first four bytes.
pub fn detect(start: &[u8]) -> Compression {
    match start {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        // A skippable frame, with which some programs begin.
        [low, 0x2a, 0x4d, 0x18, ..] if low & 0xf0 == 0x50 => Compression::Zstd,
        _ => Compression::None,
    }
}

/// The plain bytes of a stream. Its first bytes say how it is compressed: media types are not always right.
pub enum Decompressor<R: Read> {
    /// As it is.
    Plain(BufReader<R>),
    /// One or more members of gzip.
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
    /// One or more frames of Zstandard.
    Zstd(Box<Frames<BufReader<R>>>),
}

impl<R: Read> Decompressor<R> {
    /// Looks at the first bytes.
    pub fn new(from: R) -> io::Result<Self> {
        let mut from = BufReader::with_capacity(256 << 10, from);
        let compression = detect(from.fill_buf()?);
        Ok(match compression {
            Compression::None => Self::Plain(from),
            Compression::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(from))),
            Compression::Zstd => Self::Zstd(Box::new(Frames { from, decoder: FrameDecoder::new(), open: false })),
        })
    }

    /// How the stream is compressed.
    pub fn compression(&self) -> Compression {
        match self {
            Self::Plain(_) => Compression::None,
            Self::Gzip(_) => Compression::Gzip,
            Self::Zstd(_) => Compression::Zstd,
        }
    }
}

impl<R: Read> Read for Decompressor<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(from) => from.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(frames) => frames.read(buffer),
        }
    }
}

/// The frames of a Zstandard stream one after the other.
pub struct Frames<R> {
    from: R,
    decoder: FrameDecoder,
    /// Whether a frame has begun.
    open: bool,
}

impl<R: BufRead> Frames<R> {
    /// Begins the next frame; false at the end of the stream.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.from.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.from) {
                Ok(()) => {
                    self.open = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut (&mut self.from).take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(invalid(&error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.open && !self.begin()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let strategy = BlockDecodingStrategy::UptoBytes(buffer.len().min(LARGEST_WINDOW as usize));
                self.decoder.decode_blocks(&mut self.from, strategy).map_err(|error| invalid(&error))?;
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            self.open = false;
        }
    }
}

fn invalid(error: &dyn std::error::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("zstd: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Decompressor::new(bytes)?.read_to_end(&mut out).map(|_| out)
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// `pigz` and `zstd:chunked` write streams of several parts.
    #[test]
    fn streams_of_several_parts_are_read_to_their_end() {
        let text: Vec<u8> = (0..400_000u32).flat_map(u32::to_le_bytes).collect();
        for compress in [zstd, gzip] {
            let joined = [compress(&text), compress(b""), compress(b"end")].concat();
            assert_eq!(plain(&joined).unwrap(), [&text[..], b"end"].concat());
        }
        let skippable =
            [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd(b"a"), &[0x5f, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]];
        assert_eq!(plain(&skippable.concat()).unwrap(), b"a");
        assert_eq!(plain(b"").unwrap(), b"");
        assert_eq!(plain(b"plain").unwrap(), b"plain");
    }

    #[test]
    fn streams_that_break_off_are_errors() {
        let text = vec![7; 100_000];
        for compress in [zstd, gzip] {
            let whole = compress(&text);
            for end in [5, whole.len() / 2, whole.len() - 1] {
                assert!(plain(&whole[..end]).is_err(), "{end} of {}", whole.len());
            }
        }
    }
}
