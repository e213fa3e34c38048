//! A context that lives in memory: for tests, and for an editor's unsaved files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Commit, Context, Entry, EntryKind, History, ReadError, path};

/// Permission bits of a file without a word on them.
const FILE_MODE: u32 = 0o644;
/// Permission bits of a directory without a word on them.
const DIRECTORY_MODE: u32 = 0o755;
/// Permission bits that every symbolic link has.
const LINK_MODE: u32 = 0o777;

/// Files, links and directories by path. Directories above them come into being with them, and what is made later takes
/// the place of what stood there.
#[derive(Clone, Debug, Default)]
pub struct MemoryContext {
    nodes: BTreeMap<String, Node>,
    history: Option<Arc<History>>,
    untracked: BTreeSet<String>,
    dockerfiles: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
struct Node {
    entry: Entry,
    bytes: Vec<u8>,
}

impl MemoryContext {
    /// Files and their contents: `from_files([("package.json", "{}"), ("src/index.js", "")])`.
    pub fn from_files<P: AsRef<str>, B: AsRef<[u8]>>(files: impl IntoIterator<Item = (P, B)>) -> Self {
        let mut context = Self::default();
        for (path, bytes) in files {
            context.file(path.as_ref(), bytes.as_ref());
        }
        context
    }

    /// Writes a file with the usual permission bits.
    pub fn file(&mut self, path: &str, bytes: &[u8]) -> &mut Self {
        self.file_with_mode(path, bytes, FILE_MODE)
    }

    /// Writes a file.
    pub fn file_with_mode(&mut self, path: &str, bytes: &[u8], mode: u32) -> &mut Self {
        let entry = Entry { kind: EntryKind::File, mode, size: bytes.len() as u64, link: None };
        self.insert(path, Node { entry, bytes: bytes.to_vec() })
    }

    /// Makes a directory.
    pub fn directory(&mut self, path: &str) -> &mut Self {
        self.insert(path, Node::directory())
    }

    /// Makes a symbolic link that points to `target`.
    pub fn link(&mut self, path: &str, target: &str) -> &mut Self {
        let link = Some(target.to_owned());
        let entry = Entry { kind: EntryKind::Link, mode: LINK_MODE, size: target.len() as u64, link };
        self.insert(path, Node { entry, bytes: Vec::new() })
    }

    /// Removes what stands at `path`, and everything below.
    pub fn remove(&mut self, path: &str) -> &mut Self {
        let path = path::clean(path);
        self.nodes.retain(|own, _| path::below(own, &path).is_none());
        self
    }

    /// Changes of the context, newest first, each as its paths; the newest is at `time` 0, each older one a day before.
    pub fn history_of(&mut self, changes: &[&[&str]]) -> &mut Self {
        let commit = |(age, paths): (usize, &&[&str])| {
            let mut paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            paths.sort();
            let time = i64::try_from(age).map_or(i64::MIN, |age| age.saturating_mul(-86_400));
            Commit { id: format!("{:040x}", changes.len() - age), time, paths }
        };
        let commits = changes.iter().enumerate().map(commit).collect();
        self.set_history(History { commits, shallow: false })
    }

    /// Puts the context under version control.
    pub fn set_history(&mut self, history: History) -> &mut Self {
        self.history = Some(Arc::new(history));
        self
    }

    /// Another Dockerfile with the same context and ignore file.
    pub fn other_dockerfile(&mut self, path: &str, text: &str) -> &mut Self {
        self.dockerfiles.insert(path::clean(path), text.to_owned());
        self
    }

    /// Has version control leave out `path` and everything below.
    pub fn untracked(&mut self, path: &str) -> &mut Self {
        self.untracked.insert(path::clean(path));
        self
    }

    fn insert(&mut self, path: &str, node: Node) -> &mut Self {
        let path = path::clean(path);
        if path.is_empty() {
            return self;
        }
        for prefix in path::prefixes(path::parent(&path)) {
            let above = self.nodes.entry(prefix.to_owned()).or_insert_with(Node::directory);
            if above.entry.kind != EntryKind::Directory {
                *above = Node::directory();
            }
        }
        if node.entry.kind != EntryKind::Directory {
            self.remove(&path);
        }
        self.nodes.insert(path, node);
        self
    }
}

impl Node {
    fn directory() -> Self {
        let entry = Entry { kind: EntryKind::Directory, mode: DIRECTORY_MODE, size: 0, link: None };
        Self { entry, bytes: Vec::new() }
    }
}

impl Context for MemoryContext {
    fn entry(&self, path: &str) -> Option<Entry> {
        if path.is_empty() {
            return Some(Node::directory().entry);
        }
        self.nodes.get(path).map(|node| node.entry.clone())
    }

    fn list(&self, directory: &str) -> Vec<(String, Entry)> {
        let start = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let inside = self.nodes.range(start.clone()..).take_while(|(path, _)| path.starts_with(&start));
        let children = inside.filter_map(|(path, node)| {
            let name = path.get(start.len()..).filter(|name| !name.contains('/'))?;
            Some((name.to_owned(), node.entry.clone()))
        });
        let mut children: Vec<_> = children.collect();
        children.sort_by(|left, right| left.0.cmp(&right.0));
        children
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let resolved = path::resolve(self, path).ok_or_else(|| ReadError::Missing(path.to_owned()))?;
        match self.nodes.get(&resolved) {
            Some(node) if node.entry.kind == EntryKind::File => Ok(node.bytes.clone()),
            _ => Err(ReadError::Unreadable { path: path.to_owned(), reason: "not a file".to_owned() }),
        }
    }

    fn history(&self, limit: usize) -> Option<Arc<History>> {
        let history = self.history.as_ref()?;
        if history.commits.len() <= limit {
            return Some(Arc::clone(history));
        }
        let commits = history.commits.iter().take(limit).cloned().collect();
        Some(Arc::new(History { commits, shallow: history.shallow }))
    }

    fn other_dockerfiles(&self) -> Vec<(String, String)> {
        self.dockerfiles.iter().map(|(path, text)| (path.clone(), text.clone())).collect()
    }

    fn is_untracked_by_rule(&self, path: &str) -> bool {
        path::prefixes(path).any(|prefix| self.untracked.contains(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_files_links_and_directories() {
        let mut context = MemoryContext::from_files([("a/b.txt", "b"), ("a-c", ""), ("a/d/e", "e")]);
        context.link("link", "a/d/../b.txt").link("loop", "loop").link("up", "../../a/d").untracked("a/d");
        let names = |directory| context.list(directory).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(""), ["a", "a-c", "link", "loop", "up"]);
        assert_eq!(names("a"), ["b.txt", "d"]);
        assert_eq!(context.read("link").unwrap(), b"b");
        assert_eq!(context.read("up/e").unwrap(), b"e");
        assert_eq!(context.read("loop"), Err(ReadError::Missing("loop".to_owned())));
        assert!(matches!(context.read("a"), Err(ReadError::Unreadable { .. })));
        assert!(context.is_untracked_by_rule("a/d/e") && !context.is_untracked_by_rule("a/b.txt"));
        context.remove("a");
        assert_eq!(context.entry("a/d/e"), None);
    }

    #[test]
    fn keeps_the_newest_changes() {
        let mut context = MemoryContext::default();
        assert!(context.history(5).is_none());
        context.history_of(&[&["b", "a"], &["c"]]);
        let history = context.history(1).unwrap();
        assert_eq!(history.commits.len(), 1);
        assert_eq!(history.commits[0].paths, ["a", "b"]);
    }
}
