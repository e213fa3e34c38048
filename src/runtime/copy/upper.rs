//! The folder of the new layer, entered by paths that strangers chose.
//!
//! A path leads to the folder that holds its last part, and what is done is done to that one name in it. The kernel
//! follows no link on the way (`openat2`, `RESOLVE_NO_SYMLINKS`), so a link that was put into the layer a moment ago
//! leads nowhere, and neither does `..` or a leading `/`.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::{Errno, Result};

use crate::context::path;
use crate::runtime::tree;

/// The folder, and the folder in it that was used last.
#[derive(Debug)]
pub(super) struct Upper {
    root: Rc<OwnedFd>,
    last: RefCell<Option<(String, Rc<OwnedFd>)>>,
}

/// A name in a folder of the layer.
pub(super) struct Spot<'p> {
    folder: Rc<OwnedFd>,
    /// Without `/`, and not `..`; the root itself is `.`.
    pub(super) name: Cow<'p, [u8]>,
}

impl Spot<'_> {
    /// The folder that holds the name.
    pub(super) fn folder(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }

    /// A path that leads to it, for calls that take no folder.
    pub(super) fn path(&self) -> PathBuf {
        let folder = format!("/proc/self/fd/{}", self.folder.as_raw_fd());
        Path::new(&folder).join(OsStr::from_bytes(&self.name))
    }
}

impl Upper {
    /// # Errors
    /// Where there is no such folder.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self { root: Rc::new(tree::open_folder(folder)?), last: RefCell::new(None) })
    }

    /// Where a path leads; what stands there is not looked at.
    ///
    /// # Errors
    /// What holds it is missing or no directory of this layer.
    pub(super) fn spot<'p>(&self, path: &'p str) -> Result<Spot<'p>> {
        let name = tree::at(path::base(path));
        if name.contains(&b'/') || &*name == b".." {
            return Err(Errno::INVAL);
        }
        let parent = path::parent(path);
        if parent.is_empty() && !path.starts_with('/') {
            return Ok(Spot { folder: Rc::clone(&self.root), name });
        }
        if let Some((_, folder)) = self.last.borrow().as_ref().filter(|(known, _)| known == parent) {
            return Ok(Spot { folder: Rc::clone(folder), name });
        }
        let folder = Rc::new(self.folder(parent)?);
        self.last.replace(Some((parent.to_owned(), Rc::clone(&folder))));
        Ok(Spot { folder, name })
    }

    fn folder(&self, path: &str) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        loop {
            match rustix::fs::openat2(&*self.root, &*tree::name::bytes(path), flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
    }

    /// What stands at a path; a link is not followed.
    ///
    /// # Errors
    /// Nothing stands there.
    pub(super) fn stat(&self, path: &str) -> Result<Stat> {
        let spot = self.spot(path)?;
        rustix::fs::statat(spot.folder(), &*spot.name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Says that a directory was removed.
    pub(super) fn forget(&self) {
        self.last.replace(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("x"), "").unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink("in", folder.path().join("also")).unwrap();
        let upper = Upper::open(folder.path()).unwrap();
        let absolute = format!("{}/x", outside.path().display());
        let dotted = |dot: char| format!("{}{absolute}", format!("{dot}{dot}/").repeat(20));
        for path in ["out/x", "/", "/x", "..", "in/..", "in/../..", "also/x", &absolute, &dotted('.')] {
            assert!(upper.stat(path).is_err(), "{path}");
        }
        // Characters that stand for bytes of names that are no UTF-8 stand for no others.
        assert!(upper.stat(&dotted('\u{10FF2E}')).is_err());
        assert!(upper.stat("").is_ok() && upper.stat("in").is_ok() && upper.stat("out").is_ok());
    }
}
