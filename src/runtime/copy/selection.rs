//! What the sources of a `COPY` or `ADD` take, and the digest of it for cache keys.

use std::fs::File;
use std::io::Read;

use rayon::prelude::*;
use rustix::fs::FileType;

use super::CopyError;
use crate::context::{EntryKind, Filtered, Root, Selector, path};
use crate::runtime::tree::{Node, Tree, name};

/// What one source takes.
#[derive(Debug)]
pub struct Selection {
    /// The paths it names, each with what is copied of it.
    pub roots: Vec<(Root, Vec<Item>)>,
}

/// A file, link, directory or device that is copied.
#[derive(Clone, Debug)]
pub struct Item {
    /// Where it stands in the source tree.
    pub path: String,
    /// Its path below the root, empty for the root itself.
    pub rest: String,
    /// What it is.
    pub node: Node,
}

impl Selection {
    /// What `selector`, which has one source, takes of a tree. `place` says which tree it is, for messages.
    ///
    /// # Errors
    /// A source without wildcards that takes nothing; with `parents`, a pattern counts as the source.
    pub fn new(
        tree: &Tree,
        view: &Filtered<'_>,
        selector: &Selector,
        parents: bool,
        place: &str,
    ) -> Result<Self, CopyError> {
        let items = |root: &Root| -> Vec<Item> {
            let selected = selector.selected_from(view, root).into_iter();
            let item = selected.filter_map(|selected| {
                let node = tree.look(&selected.path)?;
                let rest = path::below(&selected.path, &root.real)?.to_owned();
                Some(Item { path: selected.path, rest, node })
            });
            item.filter(|item| item.node.kind() != FileType::Socket).collect()
        };
        let roots = selector.roots(view).into_iter().map(|root| {
            let items = items(&root);
            (root, items)
        });
        let roots: Vec<_> = roots.collect();
        let is_empty = if parents { roots.iter().all(|(_, items)| items.is_empty()) } else { roots.is_empty() };
        if is_empty && !selector.may_take_nothing() {
            let path = selector.sources().next().unwrap_or_default().to_owned();
            return Err(CopyError::Missing { path, place: place.to_owned() });
        }
        Ok(Self { roots })
    }

    /// Adds all that decides what the copy looks like, times left out. `host_owners` says whether owners count.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn digest(&self, tree: &Tree, owners: bool, hash: &mut blake3::Hasher) -> Result<(), CopyError> {
        for (root, items) in &self.roots {
            add(hash, path::base(&root.path).as_bytes());
            hash.update(&[u8::from(root.kind == EntryKind::Directory)]);
            let digests: Result<Vec<_>, CopyError> = items.par_iter().map(|item| item.digest(tree, owners)).collect();
            for (item, digest) in items.iter().zip(digests?) {
                add(hash, &name::bytes(&item.rest));
                hash.update(digest.as_bytes());
            }
            hash.update(&[0xff]);
        }
        Ok(())
    }
}

impl Item {
    /// Everything about it that is copied, but its time and its place.
    fn digest(&self, tree: &Tree, owners: bool) -> Result<blake3::Hash, CopyError> {
        let mut hash = blake3::Hasher::new();
        let stat = &self.node.stat;
        hash.update(&stat.st_mode.to_le_bytes());
        if owners {
            let (user, group) = tree.owner(&self.path, &self.node);
            hash.update(&user.to_le_bytes()).update(&group.to_le_bytes());
        }
        let unreadable = super::io_failed("cannot read", &self.path);
        let is_file = self.node.kind() == FileType::RegularFile;
        let file = if is_file { Some(tree.open(&self.path, &self.node).map_err(unreadable)?) } else { None };
        let attributes = match &file {
            Some(file) => tree.attributes_of(file, &self.path, &self.node),
            None => tree.attributes(&self.path, &self.node),
        };
        for (name, value) in attributes {
            add(&mut hash, name.as_bytes());
            add(&mut hash, &value);
        }
        let unreadable = super::io_failed("cannot read", &self.path);
        if let Some(file) = file {
            content(file, stat.st_size, &mut hash).map_err(unreadable)?;
            return Ok(hash.finalize());
        }
        match self.node.kind() {
            FileType::Symlink => {
                let link = tree.link(&self.path, &self.node).map_err(unreadable)?;
                add(&mut hash, &name::bytes(&link));
            }
            FileType::CharacterDevice | FileType::BlockDevice => drop(hash.update(&stat.st_rdev.to_le_bytes())),
            _ => {}
        }
        Ok(hash.finalize())
    }
}

/// Adds the content of a file that had so many bytes.
fn content(mut file: File, size: i64, hash: &mut blake3::Hasher) -> std::io::Result<()> {
    // One byte more: where it stays empty, the end was read.
    let most = usize::try_from(size).unwrap_or(0).saturating_add(1);
    let mut buffer = vec![0; most.clamp(512, 64 * 1024)];
    let mut length = 0u64;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        length += count as u64;
        hash.update(&buffer[..count]);
        if count < buffer.len() && length >= size.unsigned_abs() {
            break;
        }
    }
    hash.update(&length.to_le_bytes());
    Ok(())
}

/// Adds bytes with their length, so that two rows of them never look the same.
pub(crate) fn add(hash: &mut blake3::Hasher, bytes: &[u8]) {
    hash.update(&(bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}
