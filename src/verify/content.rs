//! What stands in a file of a layer: digests, and of programs the blocks.

use std::io::{self, Read};

use sha2::{Digest, Sha256};
use tar::Entry;

use super::bounds::Allowance;
use super::layer::hex;
use super::timeless::{may_tell_time, timeless};
use super::tree::{BLOCK, Node};

/// Bytes of the largest file that is looked into for what tells the time.
const LOOK_INTO: u64 = 64 * 1024 * 1024;

/// Bytes that are read at once: whole blocks.
const PIECE: u64 = 128 * BLOCK as u64;

/// A file's size, its digest, its digest without what tells the time, and the blocks of a program.
pub(super) fn read<R: Read>(
    entry: &mut Entry<'_, R>,
    path: &str,
    node: &mut Node,
    allowance: &Allowance,
) -> io::Result<()> {
    let mut hash = Sha256::new();
    let mut buffer = Vec::new();
    if may_tell_time(path) && entry.size() <= LOOK_INTO {
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
                allowance.keep(buffer.len().div_ceil(BLOCK) as u64 * size_of::<u32>() as u64)?;
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
