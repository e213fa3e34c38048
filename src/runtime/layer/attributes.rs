//! Owners, times and extended attributes of files: how they are written, and which belong to overlay and not to the layer.

use std::ffi::{CStr, OsStr};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags};
use rustix::io::Errno;

use super::Owners;

/// The attribute that holds an owner that the file system does not: `uid:gid` in decimal.
pub const OWNER_ATTRIBUTE: &str = "user.layerwise.owner";
/// Bytes of one attribute; the kernel's `XATTR_SIZE_MAX`.
const LARGEST_ATTRIBUTE: usize = 64 << 10;

/// Whether an attribute is the file system's or ours and no part of a layer.
///
/// A layer that could set overlay's attributes could redirect a folder to another, or a file to another's content.
pub(in crate::runtime) fn is_private(name: &[u8]) -> bool {
    let overlay: [&[u8]; 3] = [b"trusted.overlay.", b"user.overlay.", b"user.layerwise."];
    overlay.iter().any(|prefix| name.starts_with(prefix)) || name == b"security.selinux"
}

/// Gives a file that was opened for reading or writing its owner.
pub(super) fn set_owner(file: BorrowedFd<'_>, owners: Owners, uid: u32, gid: u32) -> rustix::io::Result<()> {
    if owners != Owners::Recorded {
        return rustix::fs::fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    }
    if (uid, gid) == (0, 0) {
        return match rustix::fs::fremovexattr(file, OWNER_ATTRIBUTE) {
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
            other => other,
        };
    }
    rustix::fs::fsetxattr(file, OWNER_ATTRIBUTE, format!("{uid}:{gid}").as_bytes(), XattrFlags::empty())
}

/// Gives what cannot be opened (a link, a device) its owner. Where owners are recorded it stays the user's: such files
/// take no attributes.
pub(super) fn set_owner_at(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    owners: Owners,
    uid: u32,
    gid: u32,
) -> rustix::io::Result<()> {
    if owners == Owners::Recorded {
        return Ok(());
    }
    let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    rustix::fs::chownat(folder, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
}

/// Times for a call: the time of access stays as it is.
pub(super) fn times(modified: (i64, u32)) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: modified.0, tv_nsec: modified.1.into() },
    }
}

/// The owner that a file has for the layer.
pub fn recorded_owner(path: &Path, stat: &Stat, owners: Owners) -> io::Result<(u32, u32)> {
    if owners != Owners::Recorded {
        return Ok((stat.st_uid, stat.st_gid));
    }
    let Some(value) = attribute(path, OWNER_ATTRIBUTE)? else { return Ok((0, 0)) };
    let text = String::from_utf8_lossy(&value);
    let owner = text.split_once(':').and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?)));
    Ok(owner.unwrap_or((0, 0)))
}

/// An attribute of a file that is not followed; none where it has none.
pub(super) fn attribute(path: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = [0; 256];
    match rustix::fs::lgetxattr(path, name, &mut buffer) {
        Ok(length) => return Ok(Some(buffer[..length].to_vec())),
        Err(Errno::RANGE) => {}
        Err(Errno::NODATA | Errno::OPNOTSUPP) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut buffer = vec![0; LARGEST_ATTRIBUTE];
    let length = rustix::fs::lgetxattr(path, name, &mut buffer)?;
    buffer.truncate(length);
    Ok(Some(buffer))
}

/// The attributes of a file that belong to the layer, sorted by name. Links are not followed.
pub(super) fn attributes(path: &Path) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut small = [0u8; 1024];
    let names = match rustix::fs::llistxattr(path, &mut small) {
        Ok(0) | Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
        Ok(length) => small[..length].to_vec(),
        Err(Errno::RANGE) => {
            let mut large = vec![0u8; LARGEST_ATTRIBUTE];
            let length = rustix::fs::llistxattr(path, &mut large)?;
            large.truncate(length);
            large
        }
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for name in names.split_inclusive(|byte| *byte == 0) {
        let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
        let Ok(text) = name.to_str() else { continue };
        if is_private(name.to_bytes()) || text.starts_with("system.") {
            continue;
        }
        if let Some(value) = attribute(path, text)? {
            found.push((name.to_bytes().to_vec(), value));
        }
    }
    found.sort();
    Ok(found)
}

/// Sets the attributes of a layer's entry. What the file system or the kernel refuses is left out, as Docker does.
pub(super) fn set_attributes(
    attributes: &[(Vec<u8>, Vec<u8>)],
    mut set: impl FnMut(&OsStr, &[u8]) -> rustix::io::Result<()>,
) -> rustix::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    for (name, value) in attributes {
        if is_private(name) || name.is_empty() || name.contains(&0) {
            continue;
        }
        match set(OsStr::from_bytes(name), value) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::PERM | Errno::INVAL | Errno::RANGE | Errno::ACCESS) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A path that leads to what cannot be opened, through the folder that was.
pub(super) fn path_at(folder: BorrowedFd<'_>, name: &OsStr) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name)
}

/// Gives a folder the permissions and owner that one has of which nothing is said: 0755, and this process's user, who is
/// the image's root.
pub fn set_folder_metadata(to: BorrowedFd<'_>, owners: Owners) -> io::Result<()> {
    let (uid, gid) = match owners {
        Owners::Recorded => (0, 0),
        Owners::Kept | Owners::Mapped => (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
    };
    set_owner(to, owners, uid, gid)?;
    Ok(rustix::fs::fchmod(to, Mode::from_raw_mode(0o755))?)
}

/// Gives the folder `to` the permissions, owner and attributes of the folder `from`. Times are not touched.
pub fn copy_folder_metadata(from: &Path, to: BorrowedFd<'_>, owners: Owners) -> io::Result<()> {
    let stat = rustix::fs::lstat(from)?;
    let (uid, gid) = recorded_owner(from, &stat, owners)?;
    set_owner(to, owners, uid, gid)?;
    rustix::fs::fchmod(to, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
    let found = attributes(from)?;
    set_attributes(&found, |name, value| rustix::fs::fsetxattr(to.as_fd(), name, value, XattrFlags::empty()))?;
    Ok(())
}
