//! Which context files stand where, at one place in a stage.

use std::collections::BTreeMap;

use super::{
    path::StagePath,
    placement::{Placement, Root},
};
use crate::context::{EntryKind, Filtered, path};

/// The context files that the placements before a step have brought into the stage. Later placements win.
#[derive(Clone, Debug)]
pub struct View<'a> {
    placements: Vec<&'a Placement>,
}

impl<'a> View<'a> {
    pub(super) fn new(placements: Vec<&'a Placement>) -> Self {
        Self { placements }
    }

    /// The context path of what stands at a place in the stage, where a placement brings it there.
    pub fn origin(&self, context: &Filtered<'_>, place: &StagePath) -> Option<String> {
        let roots = self.placements.iter().rev().flat_map(|placement| placement.roots.iter().rev());
        let candidates = roots.filter_map(|root| root.origin(place));
        candidates.into_iter().find(|path| path.is_empty() || context.entry(path).is_some())
    }

    /// The context path that would stand at a place if it existed: below a directory that was copied.
    pub(super) fn expected(&self, place: &StagePath) -> Option<String> {
        let roots = self.placements.iter().rev().flat_map(|placement| placement.roots.iter().rev());
        roots.filter(|root| root.directory).find_map(|root| root.origin(place))
    }

    /// The context directory that a directory of the stage mirrors: one whose contents were copied there or above it, or
    /// one of which a file was copied into it.
    pub fn directory(&self, context: &Filtered<'_>, place: &StagePath) -> Option<String> {
        self.origin(context, place).filter(|path| is_directory(context, path)).or_else(|| {
            let files = self.placements.iter().rev().flat_map(|placement| &placement.roots);
            files.into_iter().find_map(|root| file_directory(root, place))
        })
    }

    /// All context directories that a directory of the stage may mirror, the most telling first: directories whose
    /// contents were copied there or above it, then those of which a file was copied into it.
    pub fn directories(&self, context: &Filtered<'_>, place: &StagePath) -> Vec<String> {
        let roots = || self.placements.iter().rev().flat_map(|placement| placement.roots.iter().rev());
        let whole = roots().filter_map(|root| root.origin(place)).filter(|path| is_directory(context, path));
        let mut found: Vec<String> = Vec::new();
        for path in whole.chain(roots().filter_map(|root| file_directory(root, place))) {
            if !found.contains(&path) {
                found.push(path);
            }
        }
        found
    }

    /// The names that placements bring into a directory of the stage; `None` where it cannot be told, or they bring none.
    pub(super) fn names(&self, context: &Filtered<'_>, place: &StagePath) -> Option<Vec<(String, EntryKind)>> {
        let mut found: BTreeMap<String, EntryKind> = BTreeMap::new();
        for placement in &self.placements {
            for root in &placement.roots {
                if root.other_landing().is_some_and(|other| other.may_overlap(place)) {
                    return None;
                }
                if let Some(path) = root.origin(place).filter(|_| root.directory) {
                    let below = context.list(&path).into_iter();
                    let taken = below.filter(|(name, entry)| {
                        entry.kind == EntryKind::Directory || placement.selector.selects(&path::join(&path, name))
                    });
                    found.extend(taken.map(|(name, entry)| (name, entry.kind)));
                } else if root.landing.is_floating() != place.is_floating() {
                    return None;
                } else if let Some((name, rest)) = root.landing.below(place).map(first_part) {
                    let kind = if rest || root.directory { EntryKind::Directory } else { EntryKind::File };
                    found.insert(name.to_owned(), kind);
                }
            }
        }
        (!found.is_empty()).then(|| found.into_iter().collect())
    }

    /// Whether a placement brings this context path to this place.
    pub fn provides(&self, path: &str, place: &StagePath) -> bool {
        self.placements.iter().any(|placement| placement.landing(path).is_some_and(|landing| landing == *place))
    }
}

/// The first part of a relative path, and whether another one follows.
fn first_part(path: &str) -> (&str, bool) {
    path.split_once('/').map_or((path, false), |(first, _)| (first, true))
}

fn is_directory(context: &Filtered<'_>, path: &str) -> bool {
    path.is_empty() || context.entry(path).is_some_and(|entry| entry.kind == EntryKind::Directory)
}

/// The directory of a file that was copied straight into `place` under its own name.
fn file_directory(root: &Root, place: &StagePath) -> Option<String> {
    let (directory, name) = root.context.rsplit_once('/').unwrap_or(("", &root.context));
    let fits = !root.directory && root.landing.parent() == *place && root.landing.name() == name;
    fits.then(|| directory.to_owned())
}
