//! Which context files stand where, at one place in a stage.

use super::{
    path::StagePath,
    placement::{Placement, Root},
};
use crate::context::{EntryKind, Filtered};

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

    /// Whether a placement brings this context path to this place.
    pub fn provides(&self, path: &str, place: &StagePath) -> bool {
        self.placements.iter().any(|placement| placement.landing(path).is_some_and(|landing| landing == *place))
    }
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
