//! The folders of `RUN --mount=type=cache`, kept between builds.

use std::path::PathBuf;

use super::locks::{FileLock, KeyLock};
use super::{Store, StoreError};
use crate::runtime::image::Digest;

/// How several steps use one cache mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// All at once.
    #[default]
    Shared,
    /// A step that comes while another has it gets a folder of its own.
    Private,
    /// A step waits for the other.
    Locked,
}

/// A folder that a step may use. Dropped, it is free for the next one.
#[derive(Debug)]
pub struct CacheMount {
    /// The folder.
    pub path: PathBuf,
    /// Whether it was made just now, so that it still wants its owner and its first content.
    pub is_new: bool,
    _lock: KeyLock,
}

impl Store {
    /// The folder of the cache mount `id`. Ids are any text; owners of the files are kept as in snapshots.
    pub fn mount_dir(&self, id: &str, sharing: Sharing) -> Result<CacheMount, StoreError> {
        let name = Digest::of(id.as_bytes()).hex();
        let folders = self.root.join("mounts").join(self.owners.name());
        std::fs::create_dir_all(&folders).map_err(StoreError::disk(&folders))?;
        // An id ends in a number of its own for each step that had to have a folder for itself.
        for number in 0..u32::MAX {
            let name = if number == 0 { name.clone() } else { format!("{name}-{number}") };
            let Some(lock) = self.lock_mount(&name, sharing)? else { continue };
            let path = folders.join(name);
            let is_new = match std::fs::create_dir(&path) {
                Ok(()) => true,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
                Err(source) => return Err(StoreError::disk(path)(source)),
            };
            if let Ok(folder) = std::fs::File::open(&path) {
                // Only what is thrown away first depends on it.
                let _ = folder.set_modified(std::time::SystemTime::now());
            }
            return Ok(CacheMount { path, is_new, _lock: lock });
        }
        Err(StoreError::InUse)
    }

    /// None where another step has it and a further one is to be tried.
    fn lock_mount(&self, name: &str, sharing: Sharing) -> Result<Option<KeyLock>, StoreError> {
        let name = format!("mount-{}-{name}", self.owners.name());
        match sharing {
            Sharing::Shared => Ok(Some(KeyLock::none())),
            Sharing::Locked => self.named_lock(&name).map(Some),
            Sharing::Private => {
                let lock = FileLock::open(&self.root.join("locks").join(&name))?;
                Ok(lock.try_exclusive()?.then(|| KeyLock::of(lock)))
            }
        }
    }
}
