//! Putting a selection in its place.

use std::collections::HashMap;
use std::io::Read;

use rustix::fs::FileType;

use super::selection::{Item, Selection};
use super::target::prefixes;
use super::{CopyError, ModeChange, Target, io_failed};
use crate::context::{EntryKind, Root, path};
use crate::runtime::tree::Tree;

/// Where and as what a selection is put.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Absolute; a `/` at its end says that it is a directory.
    pub destination: String,
    /// Owner and group of everything; those of the source where there is none.
    pub owner: Option<(u32, u32)>,
    /// Changes of the permission bits.
    pub mode: Option<ModeChange>,
    /// Whether paths are kept (`--parents`): then directories that exist keep what they have.
    pub parents: bool,
}

impl Placement {
    /// The bits of directories that are made on the way. Octal ones of the flag reach them, symbolic ones do not.
    pub(super) fn new_directories(&self) -> u32 {
        match &self.mode {
            Some(ModeChange::Exactly(bits)) => *bits,
            _ => 0o755,
        }
    }
}

/// Copies selections of one source tree to a target.
#[derive(Debug)]
pub struct Placer<'a> {
    source: &'a Tree,
    target: &'a mut Target,
    placement: &'a Placement,
    /// Whether the owners of the source count; files of the build context are root's, and have no capabilities.
    owners: bool,
    /// Files with several names: where the first of them went.
    linked: HashMap<(u64, u64), String>,
}

impl<'a> Placer<'a> {
    /// Copies from `source` to `target`.
    pub fn new(source: &'a Tree, target: &'a mut Target, placement: &'a Placement, owners: bool) -> Self {
        Self { source, target, placement, owners, linked: HashMap::new() }
    }

    /// Copies everything that was selected.
    ///
    /// # Errors
    /// Something is in the way, or the system refuses.
    pub fn place(&mut self, selection: &Selection) -> Result<(), CopyError> {
        for (root, items) in &selection.roots {
            self.linked.clear();
            self.root(root, items)?;
        }
        Ok(())
    }

    fn root(&mut self, root: &Root, items: &[Item]) -> Result<(), CopyError> {
        let is_directory = root.kind == EntryKind::Directory;
        let place = self.root_place(path::base(&root.path), is_directory)?;
        // What is copied of a directory is what lies in it.
        let items: Vec<&Item> = items.iter().filter(|item| !is_directory || !item.rest.is_empty()).collect();
        for item in &items {
            self.item(&place, item)?;
        }
        // Times last: what is put into a directory changes its own.
        for item in items.iter().rev().filter(|item| item.node.is_directory()) {
            let place = path::join(&place, &item.rest);
            if self.target.look(&place).is_some_and(|found| !found.is_below()) {
                self.time(&place, item)?;
            }
        }
        Ok(())
    }

    /// Where a root goes: its destination, or its name below that. What must be a directory is made.
    fn root_place(&mut self, name: &str, is_directory: bool) -> Result<String, CopyError> {
        let destination = &self.placement.destination;
        let (above, last) = destination.rsplit_once('/').unwrap_or(("", destination));
        let first = if last.is_empty() || last == "." { destination.as_str() } else { above };
        let first = self.target.resolve(first)?;
        self.target.make_directories(&first, self.placement.owner, self.placement.new_directories())?;
        let mut place = self.target.resolve(destination)?;
        let found =
            if place.is_empty() { Some(FileType::Directory) } else { self.target.look(&place).map(|found| found.kind) };
        if !is_directory && found == Some(FileType::Directory) {
            place = path::join(&place, name);
        }
        let directory = if is_directory && found.is_none() { place.as_str() } else { path::parent(&place) };
        self.target.make_directories(directory, self.placement.owner, self.placement.new_directories())?;
        if is_directory && found.is_some_and(|kind| kind != FileType::Directory) {
            return Err(CopyError::NoDirectory(place));
        }
        Ok(place)
    }

    /// Puts bytes into a file, as if a source of one file of that name held it. The name is one part of a path.
    ///
    /// # Errors
    /// Something is in the way, or the system refuses.
    pub fn stream(&mut self, name: &str, content: &mut dyn Read, mode: u32, time: i64) -> Result<(), CopyError> {
        let place = self.root_place(name, false)?;
        match self.target.look(&place).map(|found| found.kind) {
            Some(FileType::Directory) => return Err(CopyError::Directory(place)),
            Some(_) => self.target.clear(&place)?,
            None => {}
        }
        let mut file = self.target.create(&place)?;
        std::io::copy(content, &mut file).map_err(io_failed("cannot write", &place))?;
        let mode = self.placement.mode.as_ref().map_or(mode, |change| change.apply(mode, false));
        self.target.set_owner(&place, self.placement.owner.unwrap_or_default(), FileType::RegularFile)?;
        self.target.set_mode(&place, mode)?;
        self.target.set_time(&place, time, 0)
    }

    fn item(&mut self, root: &str, item: &Item) -> Result<(), CopyError> {
        let place = path::join(root, &item.rest);
        if item.rest.contains('/') {
            self.parents_of(root, item)?;
        }
        if place.is_empty() {
            return Ok(());
        }
        if item.node.is_directory() {
            return self.directory(&place, item);
        }
        match self.target.look(&place).map(|found| found.kind) {
            Some(FileType::Directory) => return Err(CopyError::Directory(place)),
            Some(_) => self.target.clear(&place)?,
            None => {}
        }
        self.leaf(&place, item)
    }

    /// Directories on the way that are not themselves selected come as they are in the source.
    fn parents_of(&mut self, root: &str, item: &Item) -> Result<(), CopyError> {
        let parent = path::parent(&item.rest);
        let is_directory = |found: &super::Found| found.kind == FileType::Directory;
        if self.target.look(&path::join(root, parent)).as_ref().is_some_and(is_directory) {
            return Ok(());
        }
        let above = item.path.strip_suffix(&item.rest).unwrap_or_default().trim_end_matches('/');
        for prefix in prefixes(parent) {
            let place = path::join(root, prefix);
            match self.target.look(&place) {
                Some(found) if is_directory(&found) => continue,
                Some(_) => return Err(CopyError::NoDirectory(place)),
                None => {}
            }
            let path = path::join(above, prefix);
            let Some(node) = self.source.look(&path) else { continue };
            let parent = Item { path, rest: prefix.to_owned(), node };
            self.target.make_directory(&place)?;
            self.information(&place, &parent)?;
        }
        Ok(())
    }

    fn directory(&mut self, place: &str, item: &Item) -> Result<(), CopyError> {
        match self.target.look(place) {
            None => self.target.make_directory(place)?,
            Some(found) if found.kind != FileType::Directory => return Err(CopyError::NoDirectory(place.to_owned())),
            Some(_) if self.placement.parents => return Ok(()),
            Some(_) => self.target.raise(place)?,
        }
        self.information(place, item)
    }

    fn leaf(&mut self, place: &str, item: &Item) -> Result<(), CopyError> {
        let stat = &item.node.stat;
        match item.node.kind() {
            FileType::RegularFile => {
                let several = stat.st_nlink > 1;
                if let Some(first) = self.linked.get(&(stat.st_dev, stat.st_ino)).filter(|_| several) {
                    let first = first.clone();
                    return self.target.hard_link(place, &first);
                }
                if several {
                    self.linked.insert((stat.st_dev, stat.st_ino), place.to_owned());
                }
                self.content(place, item)?;
            }
            FileType::Symlink => {
                let link = self.source.link(&item.path, &item.node);
                self.target.symlink(place, &link.map_err(io_failed("cannot read the link", &item.path))?)?;
            }
            kind => self.target.node(place, kind, stat.st_rdev)?,
        }
        self.information(place, item)?;
        self.time(place, item)
    }

    fn content(&mut self, place: &str, item: &Item) -> Result<(), CopyError> {
        let unreadable = |error| io_failed("cannot copy", &item.path)(error);
        let mut from = self.source.open(&item.path, &item.node).map_err(unreadable)?;
        let mut to = self.target.create(place)?;
        std::io::copy(&mut from, &mut to).map_err(unreadable)?;
        // The cache key was made of what was read before.
        let (now, then) = (rustix::fs::fstat(&from), &item.node.stat);
        let same = now.is_ok_and(|now| {
            (now.st_size, now.st_mtime, now.st_mtime_nsec) == (then.st_size, then.st_mtime, then.st_mtime_nsec)
        });
        if same { Ok(()) } else { Err(CopyError::Changed(item.path.clone())) }
    }

    /// Owner, mode and attributes, in this order: a change of the owner takes away bits and capabilities.
    fn information(&self, place: &str, item: &Item) -> Result<(), CopyError> {
        let kind = item.node.kind();
        let source = if self.owners { self.source.owner(&item.path, &item.node) } else { (0, 0) };
        self.target.set_owner(place, self.placement.owner.unwrap_or(source), kind)?;
        if kind != FileType::Symlink {
            let mode = item.node.mode();
            let change = self.placement.mode.as_ref();
            let mode = change.map_or(mode, |change| change.apply(mode, kind == FileType::Directory));
            self.target.set_mode(place, mode)?;
        }
        let attributes = self.source.attributes(&item.path, &item.node).into_iter();
        for (name, value) in attributes.filter(|(name, _)| self.owners || !name.starts_with("security.")) {
            self.target.set_attribute(place, &name, &value)?;
        }
        Ok(())
    }

    fn time(&self, place: &str, item: &Item) -> Result<(), CopyError> {
        let stat = &item.node.stat;
        self.target.set_time(place, stat.st_mtime, stat.st_mtime_nsec.cast_signed())
    }
}
