//! The build context as the packs see it.

use crate::{
    context::{EntryKind, Filtered, path},
    ecosystem::{PathKind, ProjectFiles},
};

/// A filtered context that answers the questions of [`ProjectFiles`].
pub(super) struct ContextFiles<'a> {
    context: &'a Filtered<'a>,
    /// The path of what stands, in the stage, where a path of the project is looked for, if it is another one.
    covering: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> ContextFiles<'a> {
    pub(super) fn new(context: &'a Filtered<'a>, covering: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { context, covering }
    }
}

impl ProjectFiles for ContextFiles<'_> {
    fn kind(&self, path: &str) -> Option<PathKind> {
        if path.is_empty() {
            return Some(PathKind::Directory);
        }
        let covering = (self.covering)(path);
        let resolved = path::resolve(self.context, covering.as_deref().unwrap_or(path))?;
        if resolved.is_empty() {
            return Some(PathKind::Directory);
        }
        match self.context.entry(&resolved)?.kind {
            EntryKind::File => Some(PathKind::File),
            EntryKind::Directory => Some(PathKind::Directory),
            EntryKind::Link | EntryKind::Other => None,
        }
    }

    fn read(&self, path: &str) -> Option<String> {
        let covering = (self.covering)(path);
        String::from_utf8(self.context.read(covering.as_deref().unwrap_or(path)).ok()?).ok()
    }

    fn list(&self, directory: &str) -> Vec<(String, PathKind)> {
        let entries = self.context.list(directory).into_iter();
        entries
            .filter_map(|(name, _)| {
                let path = if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
                Some((name, self.kind(&path)?))
            })
            .collect()
    }
}
