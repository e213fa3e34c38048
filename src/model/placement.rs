//! Where the context files of a `COPY` or `ADD` land.

use super::path::StagePath;
use crate::context::{Selector, path};

/// A transfer of context files, resolved against the files there are.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Which paths it takes.
    pub selector: Selector,
    /// The files and directories that its sources name.
    pub roots: Vec<Root>,
    /// What sources without wildcards name that the context does not have: something must put it there before the build.
    /// Nobody has seen what it is, so each lands as its name lets expect.
    pub absent: Vec<Root>,
}

/// One file or directory that a source names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Its path in the context; empty for the context itself.
    pub context: String,
    /// Whether it is a directory, whose contents are copied.
    pub directory: bool,
    /// Where the file lands, or the directory whose place its contents take.
    pub landing: StagePath,
    /// Whether the file lands below `landing` instead if the base image has a directory there.
    pub uncertain: bool,
}

impl Placement {
    /// Where a context path lands, if this transfer takes it.
    pub fn landing(&self, path: &str) -> Option<StagePath> {
        let landing = self.roots.iter().find_map(|root| root.landing_of(path))?;
        self.selector.selects(path).then_some(landing)
    }

    /// What is absent and may stand at a place in the stage, below it or above it.
    pub fn absent_at(&self, place: &StagePath) -> Option<&Root> {
        let meets = |landing: &StagePath| landing.may_overlap(place);
        self.absent.iter().find(|root| meets(&root.landing) || root.other_landing().as_ref().is_some_and(meets))
    }

    /// The context paths that it brings, or would bring, to a place in the stage: one for each source that does, the last
    /// first.
    pub fn origins(&self, place: &StagePath) -> impl Iterator<Item = String> {
        self.roots.iter().rev().filter_map(|root| root.origin(place))
    }

    /// Whether it is known of each file where it lands.
    pub fn is_certain(&self) -> bool {
        self.roots.iter().all(|root| !root.uncertain)
    }

    /// Whether it takes the contents of the whole context.
    pub fn takes_whole_context(&self) -> bool {
        self.roots.iter().any(|root| root.directory && root.context.is_empty())
    }
}

impl Root {
    /// Where it may land instead.
    pub fn other_landing(&self) -> Option<StagePath> {
        let name = self.context.rsplit('/').next().unwrap_or_default();
        self.uncertain.then(|| self.landing.join(&format!("./{name}")))
    }

    /// The context path that it brings, or would bring, to a place in the stage.
    pub fn origin(&self, place: &StagePath) -> Option<String> {
        let rest = place.below(&self.landing)?;
        match (self.directory, rest) {
            (false, "") => Some(self.context.clone()),
            (false, _) => None,
            (true, rest) => Some(path::join(&self.context, rest)),
        }
    }

    fn landing_of(&self, path: &str) -> Option<StagePath> {
        if !self.directory {
            return (path == self.context).then(|| self.landing.clone());
        }
        let rest = match path.strip_prefix(self.context.as_str()) {
            Some(rest) if self.context.is_empty() || rest.is_empty() => rest,
            Some(rest) => rest.strip_prefix('/')?,
            None => return None,
        };
        Some(self.landing.join(&format!("./{rest}")))
    }
}
