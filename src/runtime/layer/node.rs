//! Files, devices and pipes at a name of a folder.

use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::tar_entry::{Entry, Kind};
use super::tree::remove_at;

/// A device or a named pipe.
pub(super) struct Node {
    kind: FileType,
    device: u64,
}

impl Node {
    pub(super) fn of(entry: &Entry) -> Self {
        let device = rustix::fs::makedev(entry.device.0, entry.device.1);
        match entry.kind {
            Kind::BlockDevice => Self { kind: FileType::BlockDevice, device },
            Kind::CharacterDevice => Self { kind: FileType::CharacterDevice, device },
            _ => Self { kind: FileType::Fifo, device: 0 },
        }
    }

    pub(super) fn is_device(&self) -> bool {
        self.kind != FileType::Fifo
    }

    pub(super) fn make(&self, folder: BorrowedFd<'_>, name: &OsStr, mode: u32) -> rustix::io::Result<()> {
        rustix::fs::mknodat(folder, name, self.kind, Mode::from_raw_mode(mode), self.device)
    }
}

pub(super) fn create_file(folder: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    replace(folder, name, |folder, name| rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(0o600)))
}

/// Makes something at a name; what stood there goes.
pub(super) fn replace<T>(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    make: impl Fn(BorrowedFd<'_>, &OsStr) -> rustix::io::Result<T>,
) -> rustix::io::Result<T> {
    match make(folder, name) {
        Err(Errno::EXIST) => {
            remove_at(folder, name)?;
            make(folder, name)
        }
        other => other,
    }
}
