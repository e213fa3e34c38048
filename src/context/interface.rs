//! What a build context must be able to tell.

use std::sync::Arc;

use sha2::{Digest, Sha256};

/// A build context before `.dockerignore` is applied. Paths are relative to its root, joined by `/`; the root is `""`.
pub trait Context: Sync {
    /// The entry at `path`, links not followed; `None` where nothing is.
    fn entry(&self, path: &str) -> Option<Entry>;

    /// Names and entries of a directory, sorted by name; empty for what is no readable directory.
    fn list(&self, directory: &str) -> Vec<(String, Entry)>;

    /// The bytes of a file, links within the context followed.
    ///
    /// # Errors
    /// [`ReadError`] where there is no such file or it cannot be read.
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;

    /// The SHA-256 of a file's bytes, links within the context followed; files too large for [`Context::read`] count.
    ///
    /// # Errors
    /// [`ReadError`] where there is no such file or it cannot be read.
    fn content_digest(&self, path: &str) -> Result<[u8; 32], ReadError> {
        Ok(Sha256::digest(self.read(path)?).into())
    }

    /// The newest `limit` changes of something in the context, newest first; `None` without version control.
    fn history(&self, limit: usize) -> Option<Arc<History>>;

    /// Whether version control is told to leave this path out, and does not track it: no clean checkout has it.
    fn is_untracked_by_rule(&self, path: &str) -> bool;

    /// Whether the build is given another context of that name, which takes the place of an image or a stage.
    fn has_other(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// Path and text of the other Dockerfiles whose builds are given this context with the same ignore file, sorted.
    fn other_dockerfiles(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// File, directory, link or other.
    pub kind: EntryKind,
    /// Permission bits, `0o7777` at most.
    pub mode: u32,
    /// Size in bytes; 0 for a directory.
    pub size: u64,
    /// Where a symbolic link points, as written.
    pub link: Option<String>,
}

/// Kinds of [`Entry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, a pipe or a socket.
    Other,
}

/// Why a file of the context cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing stands there.
    #[error("`{0}` does not exist in the build context")]
    Missing(String),
    /// It is there and cannot be read.
    #[error("`{path}` cannot be read: {reason}")]
    Unreadable {
        /// The path in the context.
        path: String,
        /// What the system said.
        reason: String,
    },
}

/// Changes of the context over time: first parent only, renames as a removal and an addition, a merge as one change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Newest first.
    pub commits: Vec<Commit>,
    /// Whether the repository holds fewer commits than it should: a shallow clone.
    pub shallow: bool,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The full object id in hexadecimal.
    pub id: String,
    /// Seconds since 1970 at which it was committed.
    pub time: i64,
    /// Changed paths that lie in the context, relative to its root, sorted.
    pub paths: Vec<String>,
}
