//! Where a path of a tree leads, found without ever leaving the tree: component by component, symbolic links read by
//! hand, each step relative to the directory before it.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::fs::{mkdirat, openat, readlinkat, statat, utimensat};
use rustix::io::Errno;

/// As many links as the kernel follows in one path.
const LINKS: usize = 40;

/// What a path leads to.
#[derive(Debug)]
pub(super) struct Place {
    /// The last directory on the way that exists.
    pub(super) directory: OwnedFd,
    /// What is left of the way: nothing if the path is that directory, one name if a file is there.
    pub(super) rest: Vec<OsString>,
    /// Whether `rest` is a file that exists.
    pub(super) is_file: bool,
}

impl Place {
    /// Whether nothing is there.
    pub(super) fn is_missing(&self) -> bool {
        !self.rest.is_empty() && !self.is_file
    }
}

/// Follows a path from the root of a tree.
///
/// # Errors
/// Fails on a loop of links, on a file in the middle of the way, and on what the kernel refuses.
pub(super) fn resolve(root: BorrowedFd<'_>, path: &Path) -> io::Result<Place> {
    let mut ways: VecDeque<OsString> = names(path).collect();
    let mut stack = vec![root.try_clone_to_owned()?];
    let mut links = 0;
    while let Some(name) = ways.pop_front() {
        if name == ".." {
            if stack.len() > 1 {
                stack.pop();
            }
            continue;
        }
        let here = stack[stack.len() - 1].as_fd();
        let kind = match statat(here, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => FileType::from_raw_mode(stat.st_mode),
            Err(Errno::NOENT) => {
                ways.push_front(name);
                return Ok(Place { directory: top(stack)?, rest: plain(ways), is_file: false });
            }
            Err(error) => return Err(error.into()),
        };
        match kind {
            FileType::Directory => stack.push(openat(here, &name, walk(), Mode::empty())?),
            FileType::Symlink => {
                links += 1;
                if links > LINKS {
                    return Err(Errno::LOOP.into());
                }
                let target = OsString::from_vec(readlinkat(here, &name, Vec::new())?.into_bytes());
                if Path::new(&target).is_absolute() {
                    stack.truncate(1);
                }
                for part in names(Path::new(&target)).collect::<Vec<_>>().into_iter().rev() {
                    ways.push_front(part);
                }
            }
            _ if ways.is_empty() => return Ok(Place { directory: top(stack)?, rest: vec![name], is_file: true }),
            _ => return Err(Errno::NOTDIR.into()),
        }
    }
    Ok(Place { directory: top(stack)?, rest: Vec::new(), is_file: false })
}

/// Makes what is missing of a path, as a directory or an empty file, and opens it by path only. Parents that existed
/// keep their times.
pub(super) fn make(root: BorrowedFd<'_>, path: &Path, as_directory: bool) -> io::Result<OwnedFd> {
    let place = resolve(root, path)?;
    let Some((last, parents)) = place.rest.split_last() else {
        return Ok(place.directory);
    };
    let before = stat(&place.directory)?;
    let mut here = place.directory.try_clone()?;
    for name in parents {
        here = make_directory(&here, name)?;
    }
    let made = if place.is_file {
        openat(&here, last, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?
    } else if as_directory {
        make_directory(&here, last)?
    } else {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        openat(&here, last, flags, Mode::from(0o755))?
    };
    if place.is_missing() {
        set_times(&place.directory, &before);
    }
    Ok(made)
}

fn make_directory(parent: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    mkdirat(parent, name, Mode::from(0o755))?;
    Ok(openat(parent, name, walk(), Mode::empty())?)
}

/// The state of an open directory.
pub(super) fn stat(directory: &OwnedFd) -> io::Result<Stat> {
    Ok(statat(directory, "", AtFlags::EMPTY_PATH)?)
}

/// Gives a directory the times that it had. It is a nicety: what refuses it is left alone.
pub(super) fn set_times(directory: &OwnedFd, before: &Stat) {
    let time = |seconds: i64, nanoseconds: u64| Timespec { tv_sec: seconds, tv_nsec: nanoseconds.cast_signed() };
    let times = Timestamps {
        last_access: time(before.st_atime, before.st_atime_nsec),
        last_modification: time(before.st_mtime, before.st_mtime_nsec),
    };
    let _refused = utimensat(directory, ".", &times, AtFlags::SYMLINK_NOFOLLOW);
}

fn walk() -> OFlags {
    OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn top(mut stack: Vec<OwnedFd>) -> io::Result<OwnedFd> {
    stack.pop().ok_or_else(|| io::Error::from(Errno::NOENT))
}

/// The names of a path, `..` among them.
fn names(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    })
}

/// What is to be made, `..` taken literally.
fn plain(ways: VecDeque<OsString>) -> Vec<OsString> {
    let mut names: Vec<OsString> = Vec::new();
    for name in ways {
        if name == ".." {
            names.pop();
        } else {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, openat};

    use super::*;

    fn tree() -> (tempfile::TempDir, OwnedFd) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/file"), "").unwrap();
        let root = openat(CWD, folder.path(), walk(), Mode::empty()).unwrap();
        (folder, root)
    }

    fn is_there(folder: &tempfile::TempDir, path: &str) -> bool {
        fs::symlink_metadata(folder.path().join(path)).is_ok()
    }

    #[test]
    fn missing_parts_are_made() {
        let (folder, root) = tree();
        make(root.as_fd(), Path::new("/a/b/c/d"), true).unwrap();
        make(root.as_fd(), Path::new("/a/new/file"), false).unwrap();
        assert!(is_there(&folder, "a/b/c/d") && folder.path().join("a/new/file").is_file());
    }

    #[test]
    fn links_stay_in_the_tree() {
        let (folder, root) = tree();
        let outside = tempfile::tempdir().unwrap();
        symlink(outside.path(), folder.path().join("absolute")).unwrap();
        symlink("../../../../../../tmp", folder.path().join("a/up")).unwrap();
        make(root.as_fd(), Path::new("/absolute/x"), true).unwrap();
        make(root.as_fd(), Path::new("/a/up/layerwise-link-test"), true).unwrap();
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "a link led out of the tree");
        assert!(is_there(&folder, "tmp/layerwise-link-test") && !Path::new("/tmp/layerwise-link-test").exists());
    }

    #[test]
    fn a_dangling_link_is_made_where_it_points() {
        let (folder, root) = tree();
        fs::create_dir(folder.path().join("etc")).unwrap();
        symlink("../run/resolve/stub", folder.path().join("etc/resolv.conf")).unwrap();
        make(root.as_fd(), Path::new("/etc/resolv.conf"), false).unwrap();
        assert!(folder.path().join("run/resolve/stub").is_file());
    }

    #[test]
    fn loops_and_files_on_the_way_are_errors() {
        let (folder, root) = tree();
        symlink("loop", folder.path().join("loop")).unwrap();
        assert!(resolve(root.as_fd(), Path::new("/loop/x")).is_err());
        assert!(resolve(root.as_fd(), Path::new("/a/file/x")).is_err());
    }

    #[test]
    fn parents_keep_their_times() {
        let (folder, root) = tree();
        let before = fs::metadata(folder.path().join("a")).unwrap().modified().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        make(root.as_fd(), Path::new("/a/z"), true).unwrap();
        assert_eq!(fs::metadata(folder.path().join("a")).unwrap().modified().unwrap(), before);
    }
}
