//! The store: everything that builds keep, in one folder.
//!
//! - `oci-layout`, `index.json`, `blobs/sha256/*`: an OCI image layout. The index names the images; `skopeo` reads it.
//! - `snap/OWNERS/CHAIN/`: unpacked layers, each a lower directory of overlay, by chain ID.
//! - `cache/KEY`: what a step with that key made. `mounts/`: the folders of `RUN --mount=type=cache`.
//! - `settled`: since when what is new may be torn by a power failure.
//! - `tmp/`: what is being written. `locks/`, `store.lock`: who works on what.
//!
//! Whatever has a name here is whole: it was written in `tmp` and renamed, and the record that names something else was
//! written last. A crash leaves leftovers in `tmp` and things that nothing names; both are removed later. Builds hold
//! `store.lock` shared, so that nothing is removed under them.

mod blobs;
mod cache;
mod check;
mod images;
mod locks;
mod mounts;
mod place;
mod prune;
mod scratch;
mod settle;
mod snapshots;
mod unpacking;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

pub use blobs::BlobWriter;
pub use cache::{CacheRecord, CachedLayer, Key};
pub use check::{Problem, Report};
pub use images::Stored;
pub(in crate::runtime) use images::{LAYOUT, to_json};
pub use locks::KeyLock;
pub use mounts::{CacheMount, Sharing};
pub use prune::{Freed, PrunePolicy};
pub use snapshots::{Snapshot, SnapshotDraft};
pub use unpacking::Layer;

use crate::runtime::image::{Digest, DocumentError};
use crate::runtime::layer::{LayerError, Owners};
use locks::FileLock;
use scratch::Scratch;

/// The variable that names another store.
pub const STORE_VARIABLE: &str = "LAYERWISE_STORE";

/// A store that this process works with. Threads share it.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    owners: Owners,
    scratch: Scratch,
    /// Keeps others from removing what this process uses.
    lock: FileLock,
    /// Device nodes that were left out since somebody asked.
    left_out: AtomicU64,
}

/// Why the store does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No folder to put it in.
    #[error("there is no place for the store: neither `LAYERWISE_STORE` nor `XDG_DATA_HOME` nor `HOME` is set")]
    NoPlace,
    /// The disk.
    #[error("`{}`: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A layout of another version.
    #[error("`{}` is not a store of this program: {reason}; name another with `LAYERWISE_STORE`", path.display())]
    Foreign {
        /// The file that says so.
        path: PathBuf,
        /// What it says.
        reason: String,
    },
    /// Content that is not what its name says.
    #[error("the blob {digest} is damaged ({reason}); it is removed: build again, or import or pull the image again")]
    Corrupt {
        /// The name.
        digest: Digest,
        /// What differs.
        reason: String,
    },
    /// Bytes from elsewhere that are not what was asked for.
    #[error("{digest} was asked for, and the {what} that came is {got}")]
    Mismatch {
        /// What was asked for.
        digest: Digest,
        /// `digest` or `size`.
        what: &'static str,
        /// What came.
        got: String,
    },
    /// The index cannot be read.
    #[error(
        "`{}`, which has the names of images, cannot be read: {reason}; `layerwise store check --repair` makes it anew, \
         without names",
        path.display()
    )]
    Names {
        /// The index.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Content that is not there.
    #[error("the blob {0} is not in the store; import or pull the image again")]
    MissingBlob(Digest),
    /// A document that is none.
    #[error("{digest}: {source}")]
    Document {
        /// The document.
        digest: Digest,
        /// What is wrong.
        source: DocumentError,
    },
    /// A layer.
    #[error("layer {digest}: {source}")]
    Layer {
        /// The layer's blob, or its diff ID.
        digest: Digest,
        /// What is wrong.
        source: LayerError,
    },
    /// What blobs are read from.
    #[error("the content cannot be read: {0}")]
    Source(#[source] io::Error),
    /// Somebody else works with the store.
    #[error("the store is in use by another build; try again when it is done")]
    InUse,
}

impl StoreError {
    pub(in crate::runtime) fn disk(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { path, source }
    }
}

impl Store {
    /// Where the store is unless it is said: `LAYERWISE_STORE`, `XDG_DATA_HOME/layerwise`, `~/.local/share/layerwise`.
    pub fn default_root() -> Result<PathBuf, StoreError> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(own) = set(STORE_VARIABLE) {
            return std::path::absolute(&own).map_err(StoreError::disk(own));
        }
        let data = set("XDG_DATA_HOME").filter(|path| path.is_absolute());
        let data = data.or_else(|| set("HOME").map(|home| home.join(".local/share")));
        data.map(|path| path.join("layerwise")).ok_or(StoreError::NoPlace)
    }

    /// Opens the store in `root`, which is made where it is missing. Owners are kept as they are.
    ///
    /// # Errors
    /// A folder that holds something else, and what the disk says.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let root = std::path::absolute(root).map_err(StoreError::disk(root))?;
        place::take(&root)?;
        for folder in ["blobs/sha256", "cache", "tmp"] {
            let path = root.join(folder);
            std::fs::create_dir_all(&path).map_err(StoreError::disk(path))?;
        }
        let lock = FileLock::open(&root.join("store.lock"))?;
        lock.shared()?;
        settle::recover(&root)?;
        images::ensure_layout(&root)?;
        let scratch = Scratch::new(&root);
        Ok(Self { root, owners: Owners::Kept, scratch, lock, left_out: AtomicU64::new(0) })
    }

    /// The same store, with snapshots whose owners are kept in another way.
    #[must_use]
    pub fn with_owners(self, owners: Owners) -> Self {
        Self { owners, ..self }
    }

    /// How snapshots keep the owners of files.
    pub fn owners(&self) -> Owners {
        self.owners
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// Writes a small file whole: next to it, then renamed.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    write_file(path.parent().unwrap_or(Path::new(".")), path, bytes, false)
}

/// The same, on the disk before it has its name: what cannot be made again from the rest of the store.
fn write_durable(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    write_file(path.parent().unwrap_or(Path::new(".")), path, bytes, true)
}

/// Writes a file in `folder`, then gives it its name.
fn write_file(folder: &Path, path: &Path, bytes: &[u8], durable: bool) -> Result<(), StoreError> {
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        io::Write::write_all(&mut file, bytes)?;
        if durable {
            file.as_file().sync_all()?;
        }
        file.persist(path)?;
        Ok(())
    };
    write().map_err(StoreError::disk(path))
}

#[cfg(test)]
mod tests;
