//! Whether a file of a layer is the same as the one below it, and how one is copied up.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, Stat, XattrFlags};

use super::Owners;
use super::attributes::{attributes, path_at, recorded_owner, set_attributes, set_owner, set_owner_at, times};
use super::node::create_file;
use super::tree::kind_of;

/// Whether `own` is `below` in everything that a layer holds, its time to the nanosecond included.
///
/// A file with several names never is: the others may be new.
pub(super) fn unchanged(own: (&Path, &Stat), below: (&Path, &Stat), owners: Owners) -> io::Result<bool> {
    let ((own, stat), (other, lower)) = (own, below);
    let kind = kind_of(stat);
    let is_folder = kind == FileType::Directory;
    let equal = stat.st_mode == lower.st_mode
        && (stat.st_mtime, stat.st_mtime_nsec) == (lower.st_mtime, lower.st_mtime_nsec)
        && (is_folder || (stat.st_size == lower.st_size && stat.st_nlink == 1))
        && stat.st_rdev == lower.st_rdev;
    if !equal
        || recorded_owner(own, stat, owners)? != recorded_owner(other, lower, owners)?
        || attributes(own)? != attributes(other)?
    {
        return Ok(false);
    }
    match kind {
        FileType::RegularFile => same_content(own, other),
        FileType::Symlink => {
            let target = |path: &Path| rustix::fs::readlink(path, Vec::new());
            Ok(target(own)? == target(other)?)
        }
        _ => Ok(true),
    }
}

fn same_content(own: &Path, other: &Path) -> io::Result<bool> {
    let open = |path: &Path| Ok::<_, io::Error>(BufReader::with_capacity(64 << 10, File::open(path)?));
    let (mut own, mut other) = (open(own)?, open(other)?);
    loop {
        let (left, right) = (own.fill_buf()?, other.fill_buf()?);
        let count = left.len().min(right.len());
        if count == 0 {
            return Ok(left.len() == right.len());
        }
        if left[..count] != right[..count] {
            return Ok(false);
        }
        own.consume(count);
        other.consume(count);
    }
}

/// Copies a file of a lower layer to a name of a folder, with all that a layer holds of it.
pub(super) fn copy_up(
    from: &Path,
    stat: &Stat,
    folder: BorrowedFd<'_>,
    name: &OsStr,
    owners: Owners,
) -> io::Result<()> {
    let (uid, gid) = recorded_owner(from, stat, owners)?;
    let modified = times((stat.st_mtime, stat.st_mtime_nsec as u32));
    let found = attributes(from)?;
    let permissions = Mode::from_raw_mode(stat.st_mode & 0o7777);
    match kind_of(stat) {
        FileType::RegularFile => {
            let mut made = File::from(create_file(folder, name)?);
            io::copy(&mut File::open(from)?, &mut made)?;
            set_owner(made.as_fd(), owners, uid, gid)?;
            rustix::fs::fchmod(&made, permissions)?;
            set_attributes(&found, |key, value| rustix::fs::fsetxattr(&made, key, value, XattrFlags::empty()))?;
            rustix::fs::futimens(&made, &modified)?;
            return Ok(());
        }
        FileType::Symlink => {
            let target = rustix::fs::readlink(from, Vec::new())?;
            rustix::fs::symlinkat(&target, folder, name)?;
        }
        kind => rustix::fs::mknodat(folder, name, kind, permissions, stat.st_rdev)?,
    }
    set_owner_at(folder, name, owners, uid, gid)?;
    let place = path_at(folder, name);
    set_attributes(&found, |key, value| rustix::fs::lsetxattr(&place, key, value, XattrFlags::empty()))?;
    rustix::fs::utimensat(folder, name, &modified, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(())
}
