//! Trees: what stands in a stack of layers, without mounting it.
//!
//! A *layer* is a folder as an overlay keeps it: a character device 0:0 is a *whiteout* (what lies below is gone), an
//! attribute `overlay.opaque` hides all below a directory. A *tree* is layers on top of each other, or one plain folder.
//! Paths are text (`name`), relative to the root, clean, and without links except at their end; [`Tree::resolve`] makes
//! them. Nothing outside of the layers is ever reached.

mod context;
pub(crate) mod name;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};

use super::layer::{Owners, is_private, recorded_owner};
use crate::context::path;

/// Links followed at most while one path is resolved; the kernel's own limit.
const LINK_LIMIT: usize = 40;

/// Layers, the topmost first.
#[derive(Debug)]
pub struct Tree {
    layers: Vec<OwnedFd>,
    /// How layers keep owners. A plain folder has none of their marks: no whiteouts, opaque directories or owners.
    owners: Option<Owners>,
    /// By directory: the layers that show through, the topmost first.
    shown: Mutex<HashMap<String, Arc<[usize]>>>,
}

/// What stands at a path.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// As the system tells it.
    pub stat: Stat,
    /// The layer it was found in.
    layer: usize,
}

impl Node {
    /// What it is.
    pub fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind() == FileType::Directory
    }

    /// Permission bits, `0o7777` at most.
    pub fn mode(&self) -> u32 {
        self.stat.st_mode & 0o7777
    }
}

/// A character device 0:0.
pub(crate) fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

impl Tree {
    /// The folder `root` alone, taken as it is.
    ///
    /// # Errors
    /// Where there is no such folder.
    pub fn plain(root: &Path) -> io::Result<Self> {
        Ok(Self { layers: vec![open_folder(root)?], owners: None, shown: Mutex::default() })
    }

    /// A tree without anything.
    pub fn empty() -> Self {
        Self { layers: Vec::new(), owners: None, shown: Mutex::default() }
    }

    /// These layers on top of each other, the topmost first, with owners kept in that way.
    ///
    /// # Errors
    /// Where one of them is no folder.
    pub fn stacked(layers: impl IntoIterator<Item = impl AsRef<Path>>, owners: Owners) -> io::Result<Self> {
        let layers = layers.into_iter().map(|layer| open_folder(layer.as_ref())).collect::<io::Result<Vec<_>>>()?;
        Ok(Self { layers, owners: Some(owners), shown: Mutex::default() })
    }

    /// What stands at `path`; `None` where nothing does.
    pub fn look(&self, path: &str) -> Option<Node> {
        let parent = if path.is_empty() { "" } else { path::parent(path) };
        for layer in self.showing(parent).iter().copied() {
            let Ok(stat) = self.stat(layer, path) else { continue };
            if self.owners.is_some() && is_whiteout(&stat) {
                return None;
            }
            return Some(Node { stat, layer });
        }
        None
    }

    fn stat(&self, layer: usize, path: &str) -> rustix::io::Result<Stat> {
        rustix::fs::statat(self.fd(layer)?, &*at(path), AtFlags::SYMLINK_NOFOLLOW)
    }

    fn fd(&self, layer: usize) -> rustix::io::Result<&OwnedFd> {
        self.layers.get(layer).ok_or(rustix::io::Errno::NOENT)
    }

    /// The layers whose part of a directory shows through.
    fn showing(&self, directory: &str) -> Arc<[usize]> {
        let known = |shown: &HashMap<String, Arc<[usize]>>| shown.get(directory).cloned();
        if let Some(layers) = known(&self.shown.lock().unwrap_or_else(PoisonError::into_inner)) {
            return layers;
        }
        let above: Arc<[usize]> =
            if directory.is_empty() { (0..self.layers.len()).collect() } else { self.showing(path::parent(directory)) };
        let mut layers = Vec::new();
        for layer in above.iter().copied() {
            let Ok(stat) = self.stat(layer, directory) else { continue };
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                break;
            }
            layers.push(layer);
            if self.is_opaque(layer, directory) {
                break;
            }
        }
        let layers: Arc<[usize]> = layers.into();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.insert(directory.to_owned(), Arc::clone(&layers));
        layers
    }

    fn is_opaque(&self, layer: usize, directory: &str) -> bool {
        let (Some(owners), Ok(fd)) = (self.owners, self.fd(layer)) else { return false };
        attribute(fd, directory, owners.opaque_attribute()).is_some_and(|value| value == b"y")
    }

    /// The names in a directory, sorted.
    pub fn list(&self, directory: &str) -> Vec<String> {
        let mut names: HashMap<Vec<u8>, bool> = HashMap::new();
        for layer in self.showing(directory).iter().copied() {
            let Ok(fd) = self.fd(layer) else { continue };
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = rustix::fs::openat(fd, &*at(directory), flags, Mode::empty()).and_then(Dir::new);
            for entry in opened.into_iter().flatten().flatten() {
                let own = entry.file_name().to_bytes();
                if own == b"." || own == b".." || names.contains_key(own) {
                    continue;
                }
                let may_be = matches!(entry.file_type(), FileType::CharacterDevice | FileType::Unknown);
                let path = path::join(directory, &name::text(own));
                let gone =
                    self.owners.is_some() && may_be && self.stat(layer, &path).is_ok_and(|stat| is_whiteout(&stat));
                names.insert(own.to_vec(), !gone);
            }
        }
        let mut list: Vec<String> =
            names.into_iter().filter(|(_, there)| *there).map(|(own, _)| name::text(&own)).collect();
        list.sort_unstable();
        list
    }

    /// Where a link points, as written.
    ///
    /// # Errors
    /// What the system said.
    pub fn link(&self, path: &str, node: &Node) -> io::Result<String> {
        let target = rustix::fs::readlinkat(self.fd(node.layer)?, &*at(path), Vec::new())?;
        Ok(name::text(target.to_bytes()))
    }

    /// Opens a regular file. Devices of an image are never opened: they would be the machine's.
    ///
    /// # Errors
    /// Something else stands there, or what the system said.
    pub fn open(&self, path: &str, node: &Node) -> io::Result<File> {
        if node.kind() != FileType::RegularFile {
            return Err(io::Error::other("it is no regular file"));
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(self.fd(node.layer)?, &*at(path), flags, Mode::empty())?;
        Ok(File::from(fd))
    }

    /// The owner and group, as a layer that is packed of it has them.
    pub fn owner(&self, path: &str, node: &Node) -> (u32, u32) {
        let found = self.owners.zip(self.fd(node.layer).ok());
        let recorded = found.map(|(owners, folder)| recorded_owner(&below(folder, path), &node.stat, owners));
        // What cannot be read is root's, as what was not recorded.
        recorded.map_or((node.stat.st_uid, node.stat.st_gid), Result::unwrap_or_default)
    }

    /// The extended attributes that go with a copy, sorted by name.
    pub fn attributes(&self, path: &str, node: &Node) -> Vec<(String, Vec<u8>)> {
        let full = self.fd(node.layer).map(|fd| below(fd, path));
        self.attributes_listed(path, node, |names| {
            rustix::fs::llistxattr(full.as_ref().map_err(|error| *error)?, names)
        })
    }

    /// The same of a file that is open.
    pub fn attributes_of(&self, file: &File, path: &str, node: &Node) -> Vec<(String, Vec<u8>)> {
        self.attributes_listed(path, node, |names| rustix::fs::flistxattr(file, names))
    }

    fn attributes_listed(
        &self,
        path: &str,
        node: &Node,
        list: impl Fn(&mut [u8]) -> rustix::io::Result<usize>,
    ) -> Vec<(String, Vec<u8>)> {
        let Ok(fd) = self.fd(node.layer) else { return Vec::new() };
        // Most files have none.
        let mut names = vec![0u8; 256];
        let count = loop {
            match list(names.as_mut_slice()) {
                Ok(count) => break count,
                Err(rustix::io::Errno::RANGE) if names.len() < 1 << 20 => names.resize(names.len() * 4, 0),
                Err(_) => return Vec::new(),
            }
        };
        let names = names[..count].split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok());
        let kept = names.filter(|name| !name.is_empty() && is_copied(name));
        let mut found: Vec<_> = kept.filter_map(|name| Some((name.to_owned(), attribute(fd, path, name)?))).collect();
        found.sort();
        found
    }

    /// The path without links that `path` leads to. What does not exist stays as written; `..` stops at the root. With
    /// `follow`, a link at the end is followed too.
    ///
    /// # Errors
    /// Links in a circle, or a file where a directory must be.
    pub fn resolve(&self, path: &str, follow: bool) -> io::Result<String> {
        resolve(path, follow, &|path| self.look(path), &|path, node| self.link(path, node))
    }
}

/// As [`Tree::resolve`], over whatever looks and reads links.
pub(crate) fn resolve(
    path: &str,
    follow: bool,
    look: &dyn Fn(&str) -> Option<Node>,
    link: &dyn Fn(&str, &Node) -> io::Result<String>,
) -> io::Result<String> {
    let mut todo: Vec<String> = parts(path).rev().map(str::to_owned).collect();
    let mut done = String::new();
    let mut followed = 0;
    while let Some(part) = todo.pop() {
        if part == ".." {
            done = path::parent(&done).to_owned();
            continue;
        }
        let next = path::join(&done, &part);
        match look(&next) {
            Some(node) if node.kind() == FileType::Symlink && (follow || !todo.is_empty()) => {
                followed += 1;
                if followed > LINK_LIMIT {
                    return Err(rustix::io::Errno::LOOP.into());
                }
                let target = link(&next, &node)?;
                if target.starts_with('/') {
                    done = String::new();
                }
                todo.extend(parts(&target).rev().map(str::to_owned));
            }
            Some(node) if !node.is_directory() && !todo.is_empty() => {
                return Err(rustix::io::Errno::NOTDIR.into());
            }
            _ => done = next,
        }
    }
    Ok(done)
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

/// Attributes that belong to the store or the host, not to the file, stay behind.
fn is_copied(name: &str) -> bool {
    let host = (name.starts_with("security.") && name != "security.capability") || name.starts_with("system.");
    !is_private(name.as_bytes()) && !host
}

/// A path for the system; the root itself is `.`.
pub(crate) fn at(path: &str) -> std::borrow::Cow<'_, [u8]> {
    name::bytes(if path.is_empty() { "." } else { path })
}

/// The path through which attributes of what stands below an opened folder can be reached.
pub(crate) fn below(folder: &OwnedFd, path: &str) -> PathBuf {
    use std::os::fd::AsRawFd;
    let folder = format!("/proc/self/fd/{}", folder.as_fd().as_raw_fd());
    Path::new(&folder).join(std::ffi::OsStr::from_bytes(&at(path)))
}

fn attribute(folder: &OwnedFd, path: &str, name: &str) -> Option<Vec<u8>> {
    let full = below(folder, path);
    let mut value = vec![0u8; 256];
    loop {
        match rustix::fs::lgetxattr(&full, name, value.as_mut_slice()) {
            Ok(count) => {
                value.truncate(count);
                return Some(value);
            }
            Err(rustix::io::Errno::RANGE) if value.len() < 1 << 20 => value.resize(value.len() * 16, 0),
            Err(_) => return None,
        }
    }
}

pub(crate) fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}
