//! The new layer that things are copied to.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use super::upper::{Spot, Upper};
use super::{CopyError, failed, io_failed};
use crate::context::path;
use crate::runtime::layer::{OWNER_ATTRIBUTE, Owners, is_private};
use crate::runtime::tree::{self, Node, Tree};

/// A layer that is being written, on top of others.
#[derive(Debug)]
pub struct Target {
    below: Tree,
    upper: Upper,
    owners: Owners,
    /// Paths of the layers below that something else has taken the place of.
    hidden: HashSet<String>,
    /// Directories that are known to stand in the new layer.
    raised: HashSet<String>,
    resolved: HashMap<String, String>,
    /// The folder of the new layer.
    folder: PathBuf,
}

impl Target {
    /// The new layer in the folder `upper`, on top of `below`.
    ///
    /// # Errors
    /// Where there is no such folder.
    pub fn new(below: Tree, upper: &Path, owners: Owners) -> Result<Self, CopyError> {
        let shown = upper.display().to_string();
        let folder = upper.to_owned();
        let upper = Upper::open(upper).map_err(io_failed("cannot open", &shown))?;
        let (hidden, raised, resolved) = Default::default();
        Ok(Self { below, upper, owners, hidden, raised, resolved, folder })
    }

    /// The folder of the new layer.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What stands at a path without links.
    pub fn look(&self, path: &str) -> Option<Found> {
        if let Ok(stat) = self.upper.stat(path) {
            return Some(Found {
                kind: FileType::from_raw_mode(stat.st_mode),
                mode: stat.st_mode & 0o7777,
                below: None,
            });
        }
        let node = self.below(path)?;
        Some(Found { kind: node.kind(), mode: node.mode(), below: Some(node) })
    }

    fn below(&self, path: &str) -> Option<Node> {
        let hides = |hidden: &String| path::below(path, hidden).is_some();
        if !self.hidden.is_empty() && self.hidden.iter().any(hides) {
            return None;
        }
        self.below.look(path)
    }

    /// The path without links that `path` leads to, as [`Tree::resolve`] has it.
    ///
    /// # Errors
    /// Links in a circle, or a file where a directory must be.
    pub fn resolve(&mut self, path: &str) -> Result<String, CopyError> {
        if let Some(known) = self.resolved.get(path) {
            return Ok(known.clone());
        }
        let mut todo: Vec<String> = parts(path).rev().map(str::to_owned).collect();
        let (mut done, mut followed) = (String::new(), 0);
        while let Some(part) = todo.pop() {
            if part == ".." {
                done = path::parent(&done).to_owned();
                continue;
            }
            let next = path::join(&done, &part);
            match self.look(&next) {
                Some(found) if found.kind == FileType::Symlink => {
                    followed += 1;
                    if followed > 40 {
                        return Err(failed("cannot follow the links of", path)(Errno::LOOP));
                    }
                    let link = self.link(&next, &found).map_err(io_failed("cannot read the link", &next))?;
                    if link.starts_with('/') {
                        done = String::new();
                    }
                    todo.extend(parts(&link).rev().map(str::to_owned));
                }
                Some(found) if found.kind != FileType::Directory && !todo.is_empty() => {
                    return Err(CopyError::NoDirectory(next));
                }
                _ => done = next,
            }
        }
        self.resolved.insert(path.to_owned(), done.clone());
        Ok(done)
    }

    fn link(&self, path: &str, found: &Found) -> io::Result<String> {
        if let Some(node) = &found.below {
            return self.below.link(path, node);
        }
        let spot = self.upper.spot(path)?;
        let target = rustix::fs::readlinkat(spot.folder(), &*spot.name, Vec::new())?;
        Ok(tree::name::text(target.to_bytes()))
    }

    /// Makes the directory at a path without links and those above it; those that are new get the mode and owner.
    ///
    /// # Errors
    /// A file is in the way, or the system refuses.
    pub fn make_directories(&mut self, path: &str, owner: Option<(u32, u32)>, mode: u32) -> Result<(), CopyError> {
        for prefix in prefixes(path) {
            match self.look(prefix) {
                Some(found) if found.kind == FileType::Directory => {}
                Some(_) => return Err(CopyError::NoDirectory(prefix.to_owned())),
                None => {
                    self.make_directory(prefix)?;
                    self.set_owner(prefix, owner.unwrap_or_default(), FileType::Directory)?;
                    self.set_mode(prefix, mode)?;
                }
            }
        }
        Ok(())
    }

    /// Makes one directory, whose parent exists.
    ///
    /// # Errors
    /// The system refuses.
    pub fn make_directory(&mut self, path: &str) -> Result<(), CopyError> {
        self.raise(path::parent(path))?;
        let made = |spot: Spot<'_>| rustix::fs::mkdirat(spot.folder(), &*spot.name, Mode::from_raw_mode(0o700));
        self.upper.spot(path).and_then(made).map_err(failed("cannot make the directory", path))?;
        if self.hidden.remove(path) && self.below.look(path).is_some_and(|node| node.is_directory()) {
            self.set_own_attribute(path, self.owners.opaque_attribute(), b"y")?;
            self.hidden.insert(path.to_owned());
        }
        self.raised.insert(path.to_owned());
        self.resolved.clear();
        Ok(())
    }

    /// Brings a directory of the layers below, and those above it, into the new layer.
    ///
    /// # Errors
    /// The system refuses.
    pub fn raise(&mut self, directory: &str) -> Result<(), CopyError> {
        if directory.is_empty() || self.raised.contains(directory) {
            return Ok(());
        }
        self.raise(path::parent(directory))?;
        let in_the_way = || CopyError::NoDirectory(directory.to_owned());
        if let Ok(stat) = self.upper.stat(directory) {
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                return Err(in_the_way());
            }
        } else {
            let node = self.below(directory).filter(Node::is_directory).ok_or_else(in_the_way)?;
            let made = |spot: Spot<'_>| rustix::fs::mkdirat(spot.folder(), &*spot.name, Mode::from_raw_mode(0o700));
            self.upper.spot(directory).and_then(made).map_err(failed("cannot make the directory", directory))?;
            self.set_owner(directory, self.below.owner(directory, &node), FileType::Directory)?;
            self.set_mode(directory, node.mode())?;
            for (name, value) in self.below.attributes(directory, &node) {
                self.set_attribute(directory, &name, &value)?;
            }
        }
        self.raised.insert(directory.to_owned());
        Ok(())
    }

    /// Brings a regular file of the layers below into the new layer.
    ///
    /// # Errors
    /// The system refuses.
    pub fn raise_file(&mut self, path: &str) -> Result<(), CopyError> {
        let Some(node) = self.look(path).and_then(|found| found.below) else { return Ok(()) };
        let failed = |error| io_failed("cannot copy", path)(error);
        let mut from = self.below.open(path, &node).map_err(failed)?;
        let mut to = self.create(path)?;
        io::copy(&mut from, &mut to).map_err(failed)?;
        self.set_owner(path, self.below.owner(path, &node), node.kind())?;
        self.set_mode(path, node.mode())?;
        for (name, value) in self.below.attributes(path, &node) {
            self.set_attribute(path, &name, &value)?;
        }
        self.set_time(path, node.stat.st_mtime, node.stat.st_mtime_nsec.cast_signed())
    }

    /// How owners are kept.
    pub fn owners(&self) -> Owners {
        self.owners
    }

    /// Takes away what stands at a path, a directory with all in it; what comes next takes its place.
    ///
    /// # Errors
    /// The system refuses.
    pub fn clear(&mut self, path: &str) -> Result<(), CopyError> {
        if let Ok(stat) = self.upper.stat(path) {
            let spot = self.upper.spot(path).map_err(failed("cannot remove", path))?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                std::fs::remove_dir_all(spot.path()).map_err(io_failed("cannot remove", path))?;
                self.raised.retain(|raised| path::below(raised, path).is_none());
                self.upper.forget();
            } else {
                rustix::fs::unlinkat(spot.folder(), &*spot.name, AtFlags::empty())
                    .map_err(failed("cannot remove", path))?;
            }
        }
        if self.below.look(path).is_some() {
            self.hidden.insert(path.to_owned());
        }
        self.resolved.clear();
        Ok(())
    }

    /// Creates an empty file, whose place is free.
    ///
    /// # Errors
    /// The system refuses.
    pub fn create(&mut self, path: &str) -> Result<File, CopyError> {
        self.raise(path::parent(path))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = |spot: Spot<'_>| rustix::fs::openat(spot.folder(), &*spot.name, flags, Mode::from_raw_mode(0o600));
        self.upper.spot(path).and_then(made).map(File::from).map_err(failed("cannot create", path))
    }

    /// Makes a link that points to `to`.
    ///
    /// # Errors
    /// The system refuses.
    pub fn symlink(&mut self, path: &str, to: &str) -> Result<(), CopyError> {
        self.raise(path::parent(path))?;
        let made = |spot: Spot<'_>| rustix::fs::symlinkat(&*tree::name::bytes(to), spot.folder(), &*spot.name);
        self.upper.spot(path).and_then(made).map_err(failed("cannot make the link", path))?;
        self.resolved.clear();
        Ok(())
    }

    /// Makes another name for the file at `of`, which stands in the new layer.
    ///
    /// # Errors
    /// The system refuses.
    pub fn hard_link(&mut self, path: &str, of: &str) -> Result<(), CopyError> {
        self.raise(path::parent(path))?;
        let made = || {
            let (of, new) = (self.upper.spot(of)?, self.upper.spot(path)?);
            rustix::fs::linkat(of.folder(), &*of.name, new.folder(), &*new.name, AtFlags::empty())
        };
        made().map_err(failed("cannot make the hard link", path))
    }

    /// Makes a device or a pipe.
    ///
    /// # Errors
    /// The system refuses, as it does with devices where the user is not root.
    pub fn node(&mut self, path: &str, kind: FileType, device: u64) -> Result<(), CopyError> {
        self.raise(path::parent(path))?;
        let bits = Mode::from_raw_mode(0o600);
        let made = |spot: Spot<'_>| rustix::fs::mknodat(spot.folder(), &*spot.name, kind, bits, device);
        self.upper.spot(path).and_then(made).map_err(failed("cannot make the device or pipe", path))
    }

    /// Gives what stands in the new layer to an owner and group.
    ///
    /// # Errors
    /// The system refuses.
    pub fn set_owner(&self, path: &str, owner: (u32, u32), kind: FileType) -> Result<(), CopyError> {
        if self.owners == Owners::Recorded {
            if kind == FileType::Symlink || owner == (0, 0) {
                return Ok(());
            }
            return self.set_own_attribute(path, OWNER_ATTRIBUTE, format!("{}:{}", owner.0, owner.1).as_bytes());
        }
        let (user, group) = (Some(rustix::fs::Uid::from_raw(owner.0)), Some(rustix::fs::Gid::from_raw(owner.1)));
        let set =
            |spot: Spot<'_>| rustix::fs::chownat(spot.folder(), &*spot.name, user, group, AtFlags::SYMLINK_NOFOLLOW);
        self.upper.spot(path).and_then(set).map_err(failed("cannot change the owner of", path))
    }

    /// Sets permission bits; not those of a link.
    ///
    /// # Errors
    /// A link stands there, or the system refuses.
    pub fn set_mode(&self, path: &str, mode: u32) -> Result<(), CopyError> {
        let set = |spot: Spot<'_>| {
            // The call would follow it.
            let stat = rustix::fs::statat(spot.folder(), &*spot.name, AtFlags::SYMLINK_NOFOLLOW)?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
                return Err(Errno::LOOP);
            }
            rustix::fs::chmodat(spot.folder(), &*spot.name, Mode::from_raw_mode(mode), AtFlags::empty())
        };
        self.upper.spot(path).and_then(set).map_err(failed("cannot change the mode of", path))
    }

    /// Sets an extended attribute that came with a file. One that means something to overlay or to the store is left out;
    /// a file system that has none of that kind is no reason to fail.
    ///
    /// # Errors
    /// The system refuses.
    pub fn set_attribute(&self, path: &str, name: &str, value: &[u8]) -> Result<(), CopyError> {
        if is_private(name.as_bytes()) {
            return Ok(());
        }
        self.set_own_attribute(path, name, value)
    }

    fn set_own_attribute(&self, path: &str, name: &str, value: &[u8]) -> Result<(), CopyError> {
        let set = |spot: Spot<'_>| rustix::fs::lsetxattr(spot.path(), name, value, rustix::fs::XattrFlags::empty());
        match self.upper.spot(path).and_then(set) {
            Ok(()) | Err(Errno::NOTSUP) => Ok(()),
            Err(Errno::PERM) if name != self.owners.opaque_attribute() => Ok(()),
            Err(errno) => Err(failed("cannot set an attribute of", path)(errno)),
        }
    }

    /// Sets the time of the last change, in seconds and nanoseconds.
    ///
    /// # Errors
    /// The system refuses.
    pub fn set_time(&self, path: &str, seconds: i64, nanoseconds: i64) -> Result<(), CopyError> {
        let time = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
        let times = Timestamps { last_access: time, last_modification: time };
        let set = |spot: Spot<'_>| rustix::fs::utimensat(spot.folder(), &*spot.name, &times, AtFlags::SYMLINK_NOFOLLOW);
        self.upper.spot(path).and_then(set).map_err(failed("cannot set the time of", path))
    }
}

/// What stands at a path of the target.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// What it is.
    pub kind: FileType,
    /// Permission bits.
    pub mode: u32,
    /// Where it stands in a layer below.
    below: Option<Node>,
}

impl Found {
    /// Whether it stands in a layer below the new one.
    pub fn is_below(&self) -> bool {
        self.below.is_some()
    }
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

/// The directories above `path`, outermost first, then `path` itself.
pub(super) fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let own = (!path.is_empty()).then_some(path);
    path.match_indices('/').filter_map(|(at, _)| path.get(..at)).chain(own)
}
