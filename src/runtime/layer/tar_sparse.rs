//! Sparse files of GNU's tar: a map of the pieces that hold something, and their bytes one after the other.
//!
//! Source: <https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html>, "Old GNU Format".

use std::io::Read;

use tar::{GnuExtSparseHeader, GnuHeader, GnuSparseHeader};

use super::LayerError;
use super::tar_reader::{BLOCK, block, damaged};

/// Pieces that a file may have: the map stands in memory, and a few bytes can be decompressed to a map without end.
const MOST: usize = 100_000;

/// Where the content of a sparse file lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct Sparse {
    /// Offset and length of each piece, in order; they do not overlap and end within the file.
    pub(in crate::runtime) pieces: Vec<(u64, u64)>,
    /// Bytes of the file with its holes.
    pub(in crate::runtime) size: u64,
}

impl Sparse {
    /// Reads the map of a file with so many bytes of content; what does not fit into the header follows it.
    pub(super) fn read(header: &GnuHeader, content: u64, from: &mut impl Read) -> Result<Self, LayerError> {
        let mut sparse = Self { pieces: Vec::new(), size: header.real_size().map_err(damaged)? };
        sparse.add(&header.sparse)?;
        let mut more = header.is_extended();
        while more {
            let bytes = block(from)?.ok_or(LayerError::Truncated(None))?;
            let mut next = GnuExtSparseHeader::new();
            next.as_mut_bytes().copy_from_slice(&bytes[..BLOCK]);
            sparse.add(next.sparse())?;
            more = next.is_extended();
        }
        let wrong = || LayerError::Damaged("the map of a sparse file makes no sense".to_owned());
        let (mut end, mut total) = (0u64, 0u64);
        for (offset, length) in &sparse.pieces {
            if *offset < end {
                return Err(wrong());
            }
            end = offset.checked_add(*length).ok_or_else(wrong)?;
            total = total.checked_add(*length).ok_or_else(wrong)?;
        }
        if end > sparse.size || total != content { Err(wrong()) } else { Ok(sparse) }
    }

    fn add(&mut self, headers: &[GnuSparseHeader]) -> Result<(), LayerError> {
        for header in headers.iter().filter(|header| !header.is_empty()) {
            self.pieces.push((header.offset().map_err(damaged)?, header.length().map_err(damaged)?));
        }
        if self.pieces.len() > MOST {
            return Err(LayerError::Damaged(format!("a sparse file of more than {MOST} pieces")));
        }
        Ok(())
    }
}
