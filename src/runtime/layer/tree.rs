//! The folder that a layer is unpacked into, entered by paths from strangers.
//!
//! The kernel resolves each path with this folder as its root (`openat2`, `RESOLVE_IN_ROOT`): symbolic links of the layer
//! are followed as in a container and cannot lead outside. The last part of a path is never followed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, RawMode, ResolveFlags, Stat};
use rustix::io::Errno;

/// Symbolic links on the way to one path; as many as the kernel follows.
const MOST_LINKS: usize = 40;

/// A folder, and the folder in it that was used last. Whoever replaces something asks for its parent first, so what is
/// kept is never what was replaced.
pub(super) struct Tree {
    root: OwnedFd,
    last: Option<(PathBuf, OwnedFd)>,
}

/// What gives a folder that no entry describes its permissions and owner.
pub(super) type Describe<'a> = dyn FnMut(&Path, BorrowedFd<'_>) -> io::Result<()> + 'a;

impl Tree {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { root: File::open(path)?.into(), last: None })
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Opens the folder `path`, which must be there.
    pub(super) fn folder(&self, path: &Path) -> rustix::io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        self.open_at(path, flags)
    }

    fn open_at(&self, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        loop {
            // EAGAIN: something was renamed meanwhile, and the kernel cannot tell whether the path stayed inside.
            match rustix::fs::openat2(&self.root, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
    }

    /// Opens the folder that holds `path`, made where it is missing, and the last part of the path.
    pub(super) fn parent(
        &mut self,
        path: &Path,
        describe: &mut Describe<'_>,
    ) -> io::Result<(BorrowedFd<'_>, OsString)> {
        let name = path.file_name().unwrap_or_default().to_owned();
        let folder = path.parent().unwrap_or(Path::new(""));
        if self.last.as_ref().is_none_or(|(known, _)| known != folder) {
            let opened = self.open_or_make(folder, describe, MOST_LINKS)?;
            self.last = Some((folder.to_owned(), opened));
        }
        match &self.last {
            Some((_, opened)) => Ok((opened.as_fd(), name)),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn open_or_make(&self, folder: &Path, describe: &mut Describe<'_>, links: usize) -> io::Result<OwnedFd> {
        let path = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        match self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC) {
            Err(Errno::NOENT) => {}
            other => return Ok(other?),
        }
        let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else { return Err(Errno::NOENT.into()) };
        let parent = self.open_or_make(above, describe, links)?;
        match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => {
                let made = self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC)?;
                describe(folder, made.as_fd())?;
                Ok(made)
            }
            // A symbolic link that leads to a folder which is not there yet.
            Err(Errno::EXIST) if links > 0 => {
                let target = rustix::fs::readlinkat(&parent, name, Vec::new())?;
                let target = Path::new(OsStr::from_bytes(target.as_bytes()));
                self.open_or_make(&joined(above, target), describe, links - 1)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Where a symbolic link in `folder` leads, within the root. `..` is taken by name.
fn joined(folder: &Path, target: &Path) -> PathBuf {
    let mut path = if target.is_absolute() { PathBuf::new() } else { folder.to_owned() };
    for part in target.as_os_str().as_bytes().split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(path.pop()),
            part => path.push(OsStr::from_bytes(part)),
        }
    }
    path
}

/// What stands at a name of a folder; none where nothing does. Links are not followed.
pub(super) fn stat_at(folder: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<Option<Stat>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The type of what was found.
pub(super) fn kind_of(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode as RawMode)
}

/// Whether this is how overlay marks a removed file.
pub(super) fn is_whiteout(stat: &Stat) -> bool {
    kind_of(stat) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// Removes what stands at a name, with all below it.
pub(super) fn remove_at(folder: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(Errno::NOENT) => return Ok(()),
        other => return other,
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(folder, name, flags, Mode::empty())?;
    for entry in Dir::read_from(&opened)? {
        let entry = entry?;
        let inner = entry.file_name().to_bytes();
        if inner != b"." && inner != b".." {
            remove_at(opened.as_fd(), OsStr::from_bytes(inner))?;
        }
    }
    rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)
}
