//! A folder as a build context.
//!
//! Nothing is read before it is asked for, and what was read once stays as it was: a context is one state of the folder.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::hash::Hash;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, RwLock};

use sha2::{Digest, Sha256};

use super::git::{GitError, NoHistory, Repository};
use crate::context::{Context, Entry, EntryKind, History, ReadError, path};

/// Bytes of the largest file that is read.
const READ_LIMIT: u64 = 16 * 1024 * 1024;
/// Bytes of the largest file that is kept once read.
const KEEP_LIMIT: usize = 256 * 1024;

/// A folder on disk, read lazily. Links are followed within the folder only.
#[derive(Debug)]
pub struct DiskContext {
    root: PathBuf,
    entries: Cache<String, Option<Entry>>,
    listings: Cache<String, Vec<(String, Entry)>>,
    files: Cache<String, Vec<u8>>,
    repository: OnceLock<Result<Repository, NoHistory>>,
    histories: Cache<usize, Option<Arc<History>>>,
    /// What an earlier look at the folder read.
    earlier: Option<ReadHistories>,
}

/// Histories of a folder that were read once; they hold for as long as the same commit is checked out.
#[derive(Clone, Debug)]
pub struct ReadHistories {
    head: String,
    /// By the number of commits that were asked for.
    histories: HashMap<usize, Arc<History>>,
}

impl DiskContext {
    /// The context in the folder `root`.
    ///
    /// # Errors
    /// Where there is no such folder.
    pub fn new(root: impl AsRef<Path>) -> io::Result<Self> {
        let root = root.as_ref().canonicalize()?;
        if !root.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "not a directory"));
        }
        Ok(Self {
            root,
            entries: Cache::default(),
            listings: Cache::default(),
            files: Cache::default(),
            repository: OnceLock::new(),
            histories: Cache::default(),
            earlier: None,
        })
    }

    /// The same folder, which takes histories from an earlier look at it where they still hold.
    #[must_use]
    pub fn with_histories(self, earlier: Option<ReadHistories>) -> Self {
        Self { earlier, ..self }
    }

    /// The histories that were read so far, for a later look at the folder.
    pub fn read_histories(&self) -> Option<ReadHistories> {
        let read = self.histories.all().into_iter();
        let read: HashMap<usize, _> = read.filter_map(|(limit, history)| Some((limit, history?))).collect();
        match self.repository.get() {
            Some(Ok(repository)) if !read.is_empty() => {
                Some(ReadHistories { head: repository.head().to_owned(), histories: read })
            }
            Some(_) => None,
            // Nothing was asked since the earlier look.
            None => self.earlier.clone(),
        }
    }

    /// Whether [`Context::history`] answers at once, without reading the history.
    pub fn has_read_history(&self, limit: usize) -> bool {
        self.histories.get(&limit).is_some() || self.earlier_history(limit).is_some()
    }

    /// What an earlier look read, where the same commit is still checked out.
    fn earlier_history(&self, limit: usize) -> Option<Arc<History>> {
        let earlier = self.earlier.as_ref()?;
        let known = earlier.histories.get(&limit)?;
        (self.repository().ok()?.head() == earlier.head).then(|| Arc::clone(known))
    }

    /// The folder, absolute, links followed.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Why [`Context::history`] has none to give; `None` where it has one.
    pub fn no_history(&self) -> Option<&NoHistory> {
        self.repository().err()
    }

    /// Paths of the context in which the work tree differs from `revision`, new files that no rule ignores among them;
    /// sorted.
    ///
    /// # Errors
    /// [`GitError`] where there is no repository or it does not know `revision`.
    pub fn changed_since(&self, revision: &str) -> Result<Vec<String>, GitError> {
        self.repository().map_err(|why| GitError::NoRepository(why.clone()))?.changed_since(revision)
    }

    /// Writes the files of the context as `commit` has them below the empty folder `to`, and names the root of the context
    /// there. The repository stays as it is.
    ///
    /// # Errors
    /// [`GitError`] where there is no repository, or it does not have the files.
    pub fn check_out(&self, commit: &str, to: &Path) -> Result<PathBuf, GitError> {
        self.repository().map_err(|why| GitError::NoRepository(why.clone()))?.check_out(commit, to)
    }

    fn repository(&self) -> Result<&Repository, &NoHistory> {
        self.repository.get_or_init(|| Repository::around(&self.root)).as_ref()
    }

    /// The entry at a clean path, whose folders must not be links.
    fn look(&self, path: &str) -> Option<Entry> {
        let parent = path::parent(path);
        if !parent.is_empty() && self.entry(parent)?.kind != EntryKind::Directory {
            return None;
        }
        let full = self.root.join(path);
        let metadata = full.symlink_metadata().ok()?;
        Some(entry_of(&full, &metadata))
    }

    fn list_folder(&self, directory: &str) -> Vec<(String, Entry)> {
        if self.entry(directory).is_none_or(|entry| entry.kind != EntryKind::Directory) {
            return Vec::new();
        }
        // An unreadable folder or entry is left out: the builder will say so, and better than a guess could.
        let found = fs::read_dir(self.root.join(directory)).into_iter().flatten().flatten();
        let named = found.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((name, entry_of(&entry.path(), &entry.metadata().ok()?)))
        });
        let mut listing: Vec<_> = named.collect();
        listing.sort_by(|left, right| left.0.cmp(&right.0));
        listing
    }

    /// The file at `path` and its size, links followed.
    fn open(&self, path: &str) -> Result<(File, u64), ReadError> {
        let missing = || ReadError::Missing(path.to_owned());
        let resolved = path::resolve(self, path).ok_or_else(missing)?;
        let entry = self.entry(&resolved).ok_or_else(missing)?;
        // Opening a pipe would wait for someone to write to it.
        if entry.kind != EntryKind::File {
            return Err(unreadable(path, "not a file"));
        }
        let file = File::open(self.root.join(&resolved)).map_err(|error| unreadable(path, &error))?;
        Ok((file, entry.size))
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let (file, size) = self.open(path)?;
        if size > READ_LIMIT {
            return Err(unreadable(path, &format!("larger than {} MB", READ_LIMIT / 1024 / 1024)));
        }
        let mut bytes = Vec::new();
        file.take(READ_LIMIT).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
        Ok(bytes)
    }
}

impl Context for DiskContext {
    fn entry(&self, path: &str) -> Option<Entry> {
        let path = path::clean(path);
        self.entries.get_or(path, |path| self.look(path))
    }

    fn list(&self, directory: &str) -> Vec<(String, Entry)> {
        self.listings.get_or(path::clean(directory), |directory| self.list_folder(directory))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        if let Some(bytes) = self.files.get(path) {
            return Ok(bytes);
        }
        let bytes = self.read_file(path)?;
        if bytes.len() <= KEEP_LIMIT {
            self.files.put(path.to_owned(), bytes.clone());
        }
        Ok(bytes)
    }

    fn content_digest(&self, path: &str) -> Result<[u8; 32], ReadError> {
        let (file, _) = self.open(path)?;
        digest_of(file).map_err(|error| unreadable(path, &error))
    }

    fn history(&self, limit: usize) -> Option<Arc<History>> {
        let repository = self.repository().ok()?;
        let read = |limit| repository.history(limit).map(Arc::new);
        self.histories.get_or(limit, |limit| self.earlier_history(*limit).or_else(|| read(*limit)))
    }

    fn is_untracked_by_rule(&self, path: &str) -> bool {
        self.repository().is_ok_and(|repository| repository.is_untracked_by_rule(self, &path::clean(path)))
    }
}

fn unreadable(path: &str, reason: &(impl ToString + ?Sized)) -> ReadError {
    ReadError::Unreadable { path: path.to_owned(), reason: reason.to_string() }
}

fn digest_of(mut file: File) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}

fn entry_of(full: &Path, metadata: &Metadata) -> Entry {
    let kind = match metadata.file_type() {
        kind if kind.is_symlink() => EntryKind::Link,
        kind if kind.is_dir() => EntryKind::Directory,
        kind if kind.is_file() => EntryKind::File,
        _ => EntryKind::Other,
    };
    let link = (kind == EntryKind::Link).then(|| fs::read_link(full).ok()).flatten();
    let size = if kind == EntryKind::Directory { 0 } else { metadata.len() };
    Entry { kind, mode: mode_of(metadata), size, link: link.map(|link| link.to_string_lossy().into_owned()) }
}

#[cfg(unix)]
fn mode_of(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o7777
}

/// What Docker gives to files that come from a system without permission bits.
#[cfg(not(unix))]
fn mode_of(_: &Metadata) -> u32 {
    0o755
}

/// Answers that were given once.
#[derive(Debug)]
struct Cache<K, V>(RwLock<HashMap<K, V>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        // A thread that panicked cannot have left a half-written answer behind.
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(key).cloned()
    }

    fn all(&self) -> HashMap<K, V>
    where
        K: Clone,
    {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn put(&self, key: K, value: V) {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(key, value);
    }

    fn get_or(&self, key: K, make: impl FnOnce(&K) -> V) -> V {
        if let Some(value) = self.get(&key) {
            return value;
        }
        // Without the lock held: an answer may need other answers of the same kind.
        let value = make(&key);
        self.put(key, value.clone());
        value
    }
}
