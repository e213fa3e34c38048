//! The build context as the packs see it.

use crate::{
    context::{EntryKind, Filtered, path},
    ecosystem::{PathKind, ProjectFiles},
};

/// A filtered context that answers the questions of [`ProjectFiles`].
pub(super) struct ContextFiles<'a> {
    context: &'a Filtered<'a>,
}

impl<'a> ContextFiles<'a> {
    pub(super) fn new(context: &'a Filtered<'a>) -> Self {
        Self { context }
    }
}

impl ProjectFiles for ContextFiles<'_> {
    fn kind(&self, path: &str) -> Option<PathKind> {
        if path.is_empty() {
            return Some(PathKind::Directory);
        }
        let resolved = path::resolve(self.context, path)?;
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
        String::from_utf8(self.context.read(path).ok()?).ok()
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
