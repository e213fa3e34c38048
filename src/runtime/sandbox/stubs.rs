//! Places that exist only because something was mounted there: they are no part of what the step made.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat, unlinkat};

use super::order::Order;
use super::place;

/// Where everything of `/proc`, `/dev` and `/sys` is mounted.
const ALWAYS: [&str; 3] = ["/proc", "/dev", "/sys"];

/// What was missing before a step.
#[derive(Debug)]
pub(super) struct Stubs(Vec<Missing>);

/// A directory, and the names below it that will be made.
#[derive(Debug)]
struct Missing {
    directory: OwnedFd,
    names: Vec<OsString>,
}

impl Stubs {
    /// Notes which of the places that the step mounts at are missing.
    pub(super) fn before(root: BorrowedFd<'_>, order: &Order) -> Self {
        let asked = order.attachments.iter().map(|attachment| Path::new(OsStr::from_bytes(&attachment.target)));
        let places = ALWAYS.into_iter().map(Path::new).chain(asked);
        let missing = places.filter_map(|path| {
            let place = place::resolve(root, path).ok()?;
            place.is_missing().then_some(Missing { directory: place.directory, names: place.rest })
        });
        Self(missing.collect())
    }

    /// Removes them again where they are still empty. The directory above keeps its times.
    pub(super) fn remove(self) {
        // What was asked for last lies deepest.
        for missing in self.0.iter().rev() {
            remove(missing.directory.as_fd(), &missing.names);
        }
    }
}

/// Removes a chain of directories, with a file or directory at its end, from the end on.
fn remove(directory: BorrowedFd<'_>, names: &[OsString]) {
    let Some((first, rest)) = names.split_first() else { return };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if !rest.is_empty()
        && let Ok(below) = openat(directory, first, flags, Mode::empty())
    {
        remove(below.as_fd(), rest);
    }
    let Ok(stat) = statat(directory, first, AtFlags::SYMLINK_NOFOLLOW) else { return };
    let how = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => AtFlags::REMOVEDIR,
        FileType::RegularFile if stat.st_size == 0 => AtFlags::empty(),
        _ => return,
    };
    let Ok(own) = directory.try_clone_to_owned() else { return };
    let before = place::stat(&own);
    if unlinkat(directory, first, how).is_ok()
        && let Ok(before) = before
    {
        place::set_times(&own, &before);
    }
}
