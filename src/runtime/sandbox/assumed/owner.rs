//! Owners of files, kept as attributes: what a `chown` would have done.
//!
//! The thread stands where the process stands, in its tree, root and working directory, so that the kernel follows paths
//! as it would have. Links, devices, pipes and sockets take no such attribute: they stay root's.

use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, XattrFlags, chmodat, openat, statat};
use rustix::io::Errno;
use rustix::process::{chroot, fchdir};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

use super::call::FilePlace;
use super::descriptor;
use super::ids::Ids;
use crate::runtime::layer::OWNER_ATTRIBUTE;
use crate::runtime::sys::{self, notify};

/// Where the thread stands.
pub(super) struct Place {
    /// The machine's `/proc`, in which the step's processes have the numbers that the kernel tells us.
    proc: OwnedFd,
    /// Whether this is the tree of the step already.
    entered: bool,
}

impl Place {
    pub(super) fn new(proc: OwnedFd) -> Self {
        Self { proc, entered: false }
    }

    pub(super) fn proc(&self) -> &OwnedFd {
        &self.proc
    }

    /// Gives a file to somebody, if the process with these ids could have.
    pub(super) fn own(
        &mut self,
        pid: u32,
        place: &FilePlace,
        path: Option<&[u8]>,
        ids: &Ids,
        (user, group): (Option<u32>, Option<u32>),
    ) -> Result<(), Errno> {
        let (path, follows) = self.stand(pid, place, path)?;
        // A descriptor that is closed has no entry.
        let closed =
            |error| if path.starts_with(pid.to_string()) && error == Errno::NOENT { Errno::BADF } else { error };
        give(&path, follows, ids, user, group).map_err(closed)
    }

    /// What a process is to hear of a file that is not root's; `None` where the kernel tells it all.
    pub(super) fn look(
        &mut self,
        pid: u32,
        place: &FilePlace,
        path: Option<&[u8]>,
        extended: Option<(u64, u64)>,
    ) -> Option<Vec<u8>> {
        let (path, follows) = self.stand(pid, place, path).ok()?;
        let stat = statat(CWD, &path, flags(follows)).ok()?;
        let kept = matches!(FileType::from_raw_mode(stat.st_mode), FileType::RegularFile | FileType::Directory);
        let owner = recorded(&path).ok().filter(|owner| kept && *owner != (0, 0))?;
        let path = CString::new(path.into_os_string().into_vec()).ok()?;
        notify::described(&path, follows, extended, owner).ok()
    }

    /// Takes the thread where the process stands; gives the path of the file from there, and whether a link is followed.
    fn stand(&mut self, pid: u32, place: &FilePlace, path: Option<&[u8]>) -> Result<(PathBuf, bool), Errno> {
        self.enter(pid)?;
        let opened = |name: String| openat(&self.proc, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        fchdir(opened(format!("{pid}/root"))?)?;
        chroot(".")?;
        match (path, place.descriptor) {
            (Some(b""), _) if !place.may_be_empty => Err(Errno::NOENT),
            (Some(path @ [_, ..]), from) => {
                if !path.starts_with(b"/") {
                    let from = from.map_or(format!("{pid}/cwd"), |number| descriptor(pid, number));
                    fchdir(opened(from).map_err(|error| if error == Errno::NOENT { Errno::BADF } else { error })?)?;
                }
                Ok((PathBuf::from(OsStr::from_bytes(path)), place.follows))
            }
            (_, from) => {
                // The link of a descriptor leads to its file, whatever it is opened for.
                fchdir(&self.proc)?;
                Ok((PathBuf::from(from.map_or(format!("{pid}/cwd"), |number| descriptor(pid, number))), true))
            }
        }
    }

    /// Takes the thread into the tree of the step, for good.
    fn enter(&mut self, pid: u32) -> Result<(), Errno> {
        if self.entered {
            return Ok(());
        }
        let failed = |_| Errno::PERM;
        // A root and a working directory of the thread's own.
        sys::unshare(UnshareFlags::FS).map_err(failed)?;
        let tree = openat(&self.proc, format!("{pid}/ns/mnt"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        move_into_link_name_space(std::os::fd::AsFd::as_fd(&tree), Some(LinkNameSpaceType::Mount))?;
        self.entered = true;
        Ok(())
    }
}

fn flags(follows: bool) -> AtFlags {
    if follows { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW }
}

fn give(path: &Path, follows: bool, ids: &Ids, user: Option<u32>, group: Option<u32>) -> Result<(), Errno> {
    let stat = statat(CWD, path, flags(follows))?;
    if !ids.may_own(user, group) {
        return Err(Errno::PERM);
    }
    let kind = FileType::from_raw_mode(stat.st_mode);
    if !matches!(kind, FileType::RegularFile | FileType::Directory) {
        return Ok(());
    }
    let before = recorded(path)?;
    let owner = (user.unwrap_or(before.0), group.unwrap_or(before.1));
    if owner != before {
        record(path, owner)?;
    }
    if kind == FileType::RegularFile { drop_bits(path, &stat) } else { Ok(()) }
}

/// Nothing but plain files and folders comes here, so links need not be told apart.
fn recorded(path: &Path) -> Result<(u32, u32), Errno> {
    let mut buffer = [0; 64];
    let length = match rustix::fs::getxattr(path, OWNER_ATTRIBUTE, &mut buffer) {
        Ok(length) => length,
        Err(Errno::NODATA | Errno::OPNOTSUPP) => return Ok((0, 0)),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&buffer[..length]);
    let owner = text.split_once(':').and_then(|(user, group)| Some((user.parse().ok()?, group.parse().ok()?)));
    Ok(owner.unwrap_or((0, 0)))
}

fn record(path: &Path, owner: (u32, u32)) -> Result<(), Errno> {
    let done = if owner == (0, 0) {
        rustix::fs::removexattr(path, OWNER_ATTRIBUTE)
    } else {
        let text = format!("{}:{}", owner.0, owner.1);
        rustix::fs::setxattr(path, OWNER_ATTRIBUTE, text.as_bytes(), XattrFlags::empty())
    };
    match done {
        // What is in memory, or the machine's, comes into no layer.
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
        other => other,
    }
}

/// A file that changes its owner loses the bits that lend his rights, whoever changes it.
fn drop_bits(path: &Path, stat: &Stat) -> Result<(), Errno> {
    let mode = stat.st_mode & 0o7777;
    let group = if mode & 0o010 == 0 { 0 } else { 0o2000 };
    let kept = mode & !(0o4000 | group);
    if kept == mode { Ok(()) } else { chmodat(CWD, path, Mode::from_raw_mode(kept), AtFlags::empty()) }
}
