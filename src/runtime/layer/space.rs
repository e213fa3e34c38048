//! Room on the disk: a layer that unpacks to more than there is stops before the disk is full.
//!
//! A few kilobytes of Zstandard can stand for terabytes of zeros. What a disk can take is the only bound that no honest
//! image meets, so a part of the disk stays free.

use std::os::fd::AsFd;
use std::path::PathBuf;

use super::LayerError;

/// Bytes between two looks at the disk.
const INTERVAL: u64 = 64 << 20;
/// What stays free, at most.
const RESERVE: u64 = 512 << 20;

/// Watches the disk of a folder.
pub(in crate::runtime) struct Space {
    folder: PathBuf,
    /// Bytes until the next look.
    left: u64,
}

impl Space {
    pub(in crate::runtime) fn new(folder: PathBuf) -> Self {
        Self { folder, left: 0 }
    }

    /// Before `bytes` are written to the disk of `to`.
    pub(in crate::runtime) fn take(&mut self, bytes: u64, to: impl AsFd) -> Result<(), LayerError> {
        if let Some(left) = self.left.checked_sub(bytes) {
            self.left = left;
            return Ok(());
        }
        self.left = INTERVAL;
        // A file system that does not say how full it is says so when it is full.
        let Ok(disk) = rustix::fs::fstatvfs(to) else { return Ok(()) };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let reserve = RESERVE.min(disk.f_blocks.saturating_mul(disk.f_frsize) / 20);
        // Near the end of the disk every look counts.
        self.left = INTERVAL.min(free.saturating_sub(reserve) / 2);
        if bytes.saturating_add(reserve) > free {
            return Err(LayerError::Full { folder: self.folder.clone(), left: free });
        }
        Ok(())
    }
}
