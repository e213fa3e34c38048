//! What the sources of a `COPY` or `ADD` resolve to in a context as it is.

use super::Selector;
use super::word::{Wild, Word};
use crate::context::glob::Glob;
use crate::context::{Entry, EntryKind, Filtered, path};

/// A path that a source names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Index of the source among those of the context.
    pub source: usize,
    /// The path as the source names it.
    pub path: String,
    /// Where it leads once links are followed.
    pub real: String,
    /// What stands there.
    pub kind: EntryKind,
}

/// A file, link or directory that is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Index of the source among those of the context.
    pub source: usize,
    /// Its path in the context.
    pub path: String,
    /// Its name as the source sees it: below a directory that the source names in full, or below the first wildcard.
    pub name: String,
    /// What it is.
    pub entry: Entry,
}

/// The roots of one source, in order.
pub(super) fn roots(view: &Filtered<'_>, source: usize, word: &Word) -> Vec<Root> {
    let root = |path: &str| {
        let real = path::resolve(view, path)?;
        let kind = view.entry(&real)?.kind;
        Some(Root { source, path: path.to_owned(), real, kind })
    };
    let Some(wild) = &word.wild else { return root(&word.folder).into_iter().collect() };
    // The wildcards themselves enter no links, only the path before them does.
    let Some(real) = path::resolve(view, &word.folder) else { return Vec::new() };
    let below = match &wild.parts {
        Some(parts) => by_folders(view, &real, parts),
        None => by_walk(view, &real, wild),
    };
    below.iter().filter_map(|below| root(&path::join(&word.folder, below))).collect()
}

/// Paths below `folder` whose parts match one by one, in order.
fn by_folders(view: &Filtered<'_>, folder: &str, parts: &[Glob]) -> Vec<String> {
    let mut paths = vec![String::new()];
    for part in parts {
        let inside = paths.iter().flat_map(|path| {
            let listing = view.list(&path::join(folder, path)).into_iter();
            listing.filter(|(name, _)| part.matches(name)).map(|(name, _)| path::join(path, &name))
        });
        paths = inside.collect();
    }
    paths
}

/// The outermost paths below `folder` that match as a whole, in order.
fn by_walk(view: &Filtered<'_>, folder: &str, wild: &Wild) -> Vec<String> {
    let mut paths = Vec::new();
    let mut todo = vec![String::new()];
    while let Some(path) = todo.pop() {
        for (name, entry) in view.list(&path::join(folder, &path)) {
            let below = path::join(&path, &name);
            if wild.whole.matches(&below) {
                paths.push(below);
            } else if entry.kind == EntryKind::Directory {
                todo.push(below);
            }
        }
    }
    paths.sort();
    paths
}

/// Takes up what is copied below the roots of one source.
pub(super) struct Collector<'a> {
    view: &'a Filtered<'a>,
    selector: &'a Selector,
    limit: usize,
    pub(super) found: Vec<Selected>,
    /// Whether there was more than the limit.
    pub(super) cut: bool,
}

impl<'a> Collector<'a> {
    pub(super) fn new(view: &'a Filtered<'a>, selector: &'a Selector, limit: usize) -> Self {
        Self { view, selector, limit, found: Vec::new(), cut: false }
    }

    /// Everything that is copied from `root`.
    pub(super) fn root(&mut self, word: &Word, root: &Root) {
        let Some(entry) = self.view.entry(&root.real) else { return };
        let name = match &word.wild {
            Some(_) => path::below(&root.path, &word.folder).unwrap_or(&root.path),
            None if root.kind == EntryKind::Directory => "",
            None => path::base(&root.path),
        };
        let plain = word.include.as_ref().and_then(|include| include.plain.as_deref());
        if root.kind != EntryKind::Directory {
            self.take(root.source, root.real.clone(), name.to_owned(), entry);
        } else if let Some(plain) = plain.filter(|plain| !plain.is_empty()) {
            self.plain(word, root, name, plain);
        } else {
            if word.include.is_none() && !root.real.is_empty() {
                self.take(root.source, root.real.clone(), name.to_owned(), entry);
            }
            self.below(word, root, name, "");
        }
    }

    /// What stands at the plain path `rest` below `root`, and below it.
    fn plain(&mut self, word: &Word, root: &Root, name: &str, rest: &str) {
        let path = path::join(&root.real, rest);
        let Some(entry) = self.view.entry(&path) else { return };
        let is_directory = entry.kind == EntryKind::Directory;
        if !self.selector.exclude.matches(rest) {
            self.take(root.source, path, path::join(name, rest), entry);
        }
        if is_directory {
            self.below(word, root, name, rest);
        }
    }

    /// What lies below the directory at `start`, itself below `root`.
    fn below(&mut self, word: &Word, root: &Root, name: &str, start: &str) {
        let mut folders = vec![start.to_owned()];
        while let Some(folder) = folders.pop() {
            for (child, entry) in self.view.list(&path::join(&root.real, &folder)) {
                if self.cut {
                    return;
                }
                let rest = path::join(&folder, &child);
                let excluded = self.selector.exclude.matches(&rest);
                let may_enter = !excluded || self.selector.exclude.has_negations();
                if entry.kind == EntryKind::Directory && may_enter {
                    folders.push(rest.clone());
                }
                if !excluded && word.includes(&rest) {
                    self.take(root.source, path::join(&root.real, &rest), path::join(name, &rest), entry);
                }
            }
        }
    }

    fn take(&mut self, source: usize, path: String, name: String, entry: Entry) {
        if self.found.len() >= self.limit {
            self.cut = true;
        } else {
            self.found.push(Selected { source, path, name, entry });
        }
    }
}
