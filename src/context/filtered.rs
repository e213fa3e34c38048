//! A context as the builder sees it: the ignored paths are not there.

use super::{Context, Entry, EntryKind, History, IgnoreFile, ReadError, path};
use std::sync::Arc;

/// Entries that are looked at, at most, to tell whether an ignored directory holds something that is not ignored.
const SEARCH_LIMIT: usize = 20_000;

/// A context with an ignore file applied.
#[derive(Clone, Copy)]
pub struct Filtered<'a> {
    context: &'a dyn Context,
    ignore: Option<&'a IgnoreFile>,
}

/// What a walk found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Paths with their entries; a directory comes before what lies in it, names in order.
    pub found: Vec<(String, Entry)>,
    /// Whether there was more than the limit.
    pub cut: bool,
}

impl<'a> Filtered<'a> {
    /// `context` without what `ignore` leaves out.
    pub fn new(context: &'a dyn Context, ignore: Option<&'a IgnoreFile>) -> Self {
        Self { context, ignore }
    }

    /// The context with nothing left out.
    pub fn unfiltered(&self) -> &'a dyn Context {
        self.context
    }

    /// The ignore file, where there is one.
    pub fn ignore_file(&self) -> Option<&'a IgnoreFile> {
        self.ignore
    }

    /// Whether the ignore file leaves out `path`, no matter whether anything stands there.
    pub fn excludes(&self, path: &str) -> bool {
        self.ignore.is_some_and(|ignore| ignore.excludes(path))
    }

    /// The entry at `path`, links not followed. An ignored directory is there if something in it is not ignored.
    pub fn entry(&self, path: &str) -> Option<Entry> {
        let path = path::clean(path);
        let entry = self.context.entry(&path)?;
        self.is_visible(&path, &entry).then_some(entry)
    }

    /// Whether something stands at `path`, links followed.
    pub fn exists(&self, path: &str) -> bool {
        path::resolve(self, path).is_some()
    }

    /// Names and entries of a directory, sorted by name.
    pub fn list(&self, directory: &str) -> Vec<(String, Entry)> {
        let directory = path::clean(directory);
        let mut listing = self.context.list(&directory);
        listing.retain(|(name, entry)| self.is_visible(&path::join(&directory, name), entry));
        listing
    }

    /// The bytes of a file, links followed as long as they stay among what is visible.
    ///
    /// # Errors
    /// [`ReadError`] where there is no such file or it cannot be read.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let resolved = path::resolve(self, path).ok_or_else(|| ReadError::Missing(path.to_owned()))?;
        self.context.read(&resolved)
    }

    /// What stands at `path` once links are followed.
    pub fn kind(&self, path: &str) -> Option<EntryKind> {
        let resolved = path::resolve(self, path)?;
        self.context.entry(&resolved).map(|entry| entry.kind)
    }

    /// What lies below `directory`, itself not counted, `limit` entries at most. Links are listed and not followed.
    pub fn walk(&self, directory: &str, limit: usize) -> Walk {
        let mut walk = Walk::default();
        let mut folders = vec![path::clean(directory)];
        while let Some(folder) = folders.pop() {
            let mut inside = Vec::new();
            for (name, entry) in self.list(&folder) {
                if walk.found.len() >= limit {
                    walk.cut = true;
                    return walk;
                }
                let path = path::join(&folder, &name);
                if entry.kind == EntryKind::Directory {
                    inside.push(path.clone());
                }
                walk.found.push((path, entry));
            }
            folders.extend(inside.into_iter().rev());
        }
        walk
    }

    fn is_visible(&self, path: &str, entry: &Entry) -> bool {
        let Some(ignore) = self.ignore else { return true };
        if !ignore.excludes(path) {
            return true;
        }
        entry.kind == EntryKind::Directory && self.holds_included(ignore, path)
    }

    /// Whether anything below an ignored directory is not ignored.
    fn holds_included(&self, ignore: &IgnoreFile, directory: &str) -> bool {
        let mut folders = vec![directory.to_owned()];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            if !ignore.may_hold_included(&folder) {
                continue;
            }
            for (name, entry) in self.context.list(&folder) {
                let path = path::join(&folder, &name);
                seen += 1;
                // So large a search answers as the cheaper mistake: a directory that is there and empty.
                if seen > SEARCH_LIMIT || !ignore.excludes(&path) {
                    return true;
                }
                if entry.kind == EntryKind::Directory {
                    folders.push(path);
                }
            }
        }
        false
    }
}

/// The same view through the trait: what takes a context takes a filtered one. The history keeps the ignored paths.
impl Context for Filtered<'_> {
    fn entry(&self, path: &str) -> Option<Entry> {
        Filtered::entry(self, path)
    }

    fn list(&self, directory: &str) -> Vec<(String, Entry)> {
        Filtered::list(self, directory)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        Filtered::read(self, path)
    }

    fn content_digest(&self, path: &str) -> Result<[u8; 32], ReadError> {
        let resolved = path::resolve(self, path).ok_or_else(|| ReadError::Missing(path.to_owned()))?;
        self.context.content_digest(&resolved)
    }

    fn history(&self, limit: usize) -> Option<Arc<History>> {
        self.context.history(limit)
    }

    fn is_untracked_by_rule(&self, path: &str) -> bool {
        self.context.is_untracked_by_rule(path)
    }

    fn has_other(&self, name: &str) -> bool {
        self.context.has_other(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MemoryContext;

    fn paths(walk: &Walk) -> Vec<&str> {
        walk.found.iter().map(|(path, _)| path.as_str()).collect()
    }

    #[test]
    fn hides_what_is_ignored() {
        let mut context = MemoryContext::from_files([
            ("docs/a.md", "a"),
            ("docs/keep.md", "keep"),
            ("docs/deep/b.md", "b"),
            ("node_modules/x/index.js", ""),
            ("src/main.js", "main"),
        ]);
        context.link("to-keep", "docs/keep.md").link("to-hidden", "docs/a.md").link("dir", "src");
        let ignore = IgnoreFile::parse(".dockerignore", "docs\n!docs/keep.md\nnode_modules\n");
        let filtered = Filtered::new(&context, Some(&ignore));

        assert_eq!(
            paths(&filtered.walk("", 100)),
            ["dir", "docs", "src", "to-hidden", "to-keep", "docs/keep.md", "src/main.js"]
        );
        assert_eq!(filtered.read("to-keep").unwrap(), b"keep");
        assert_eq!(filtered.read("dir/main.js").unwrap(), b"main");
        assert_eq!(filtered.read("to-hidden"), Err(ReadError::Missing("to-hidden".to_owned())));
        assert_eq!(filtered.read("docs/a.md"), Err(ReadError::Missing("docs/a.md".to_owned())));
        assert!(filtered.entry("docs").is_some() && filtered.entry("docs/deep").is_none());
        assert!(filtered.entry("node_modules").is_none() && !filtered.exists("to-hidden"));
        assert!(filtered.entry("").is_some() && filtered.exists("./dir/../src/main.js"));
    }

    #[test]
    fn stops_at_the_limit() {
        let context = MemoryContext::from_files([("a", ""), ("b", ""), ("c/d", "")]);
        let filtered = Filtered::new(&context, None);
        let walk = filtered.walk("", 3);
        assert_eq!((paths(&walk), walk.cut), (vec!["a", "b", "c"], true));
        assert!(!filtered.walk("", 4).cut);
    }
}
