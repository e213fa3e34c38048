//! A tree as a context, so that sources of a stage are read as those of the build context are.

use std::io::Read;
use std::sync::Arc;

use rustix::fs::FileType;

use super::{Node, Tree};
use crate::context::{Context, Entry, EntryKind, History, ReadError, path};

/// Bytes of the largest file that is read into memory; ignore files are read so, files that are copied are not.
const READ_LIMIT: u64 = 16 * 1024 * 1024;

impl Tree {
    fn entry_of(&self, path: &str, node: &Node) -> Entry {
        let kind = match node.kind() {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Directory,
            FileType::Symlink => EntryKind::Link,
            _ => EntryKind::Other,
        };
        let size = if kind == EntryKind::File { u64::try_from(node.stat.st_size).unwrap_or_default() } else { 0 };
        let link = (kind == EntryKind::Link).then(|| self.link(path, node).ok()).flatten();
        Entry { kind, mode: node.mode(), size, link }
    }
}

impl Context for Tree {
    fn entry(&self, path: &str) -> Option<Entry> {
        let path = path::clean(path);
        // The root stands where there is no layer, too.
        if path.is_empty() {
            return Some(Entry { kind: EntryKind::Directory, mode: 0o755, size: 0, link: None });
        }
        let node = self.look(&path)?;
        Some(self.entry_of(&path, &node))
    }

    fn list(&self, directory: &str) -> Vec<(String, Entry)> {
        let directory = path::clean(directory);
        let names = Tree::list(self, &directory).into_iter();
        names
            .filter_map(|name| {
                let path = path::join(&directory, &name);
                let node = self.look(&path)?;
                let entry = self.entry_of(&path, &node);
                Some((name, entry))
            })
            .collect()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let missing = || ReadError::Missing(path.to_owned());
        let unreadable = |reason: String| ReadError::Unreadable { path: path.to_owned(), reason };
        let real = self.resolve(path, true).map_err(|_| missing())?;
        let node = self.look(&real).ok_or_else(missing)?;
        if node.kind() != FileType::RegularFile {
            return Err(unreadable("not a file".to_owned()));
        }
        let file = self.open(&real, &node).map_err(|error| unreadable(error.to_string()))?;
        let mut bytes = Vec::new();
        file.take(READ_LIMIT).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
        Ok(bytes)
    }

    fn history(&self, _: usize) -> Option<Arc<History>> {
        None
    }

    fn is_untracked_by_rule(&self, _: &str) -> bool {
        false
    }
}
