//! The folders of `RUN --mount=type=cache`, kept between builds.

use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, rename, renameat_with};
use rustix::io::Errno;

use super::locks::{FileLock, KeyLock};
use super::{Store, StoreError};
use crate::runtime::image::Digest;

/// How several steps use one cache mount, the strictest last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
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
    _lock: KeyLock,
}

impl Store {
    /// The folder of the cache mount `id`, or none while another step has what only one may have. Ids are any text;
    /// owners of the files are kept as in snapshots. A new one gets its first content, owner and mode by `fill`, before
    /// anybody else sees it.
    ///
    /// # Errors
    /// Those of the disk, and those of `fill`.
    pub fn mount_dir<E: From<StoreError>>(
        &self,
        id: &str,
        sharing: Sharing,
        fill: &dyn Fn(&Path) -> Result<(), E>,
    ) -> Result<Option<CacheMount>, E> {
        let name = Digest::of(id.as_bytes()).hex();
        // An id ends in a number of its own for each step that had to have a folder for itself.
        for number in 0..u32::MAX {
            let name = if number == 0 { name.clone() } else { format!("{name}-{number}") };
            match self.lock_mount(&name, sharing)? {
                Some(lock) => {
                    let path = self.mount_named(&name, fill)?;
                    if let Ok(folder) = std::fs::File::open(&path) {
                        // Only what is thrown away first depends on it.
                        let _ = folder.set_modified(std::time::SystemTime::now());
                    }
                    return Ok(Some(CacheMount { path, _lock: lock }));
                }
                None if sharing == Sharing::Locked => return Ok(None),
                None => {}
            }
        }
        Ok(None)
    }

    /// A folder that is there, or made apart and then given its name.
    fn mount_named<E: From<StoreError>>(
        &self,
        name: &str,
        fill: &dyn Fn(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        let folders = self.root.join("mounts").join(self.owners.name());
        std::fs::create_dir_all(&folders).map_err(StoreError::disk(&folders))?;
        let path = folders.join(name);
        if path.is_dir() {
            return Ok(path);
        }
        let draft = self.new_snapshot(None)?;
        fill(&draft.upper)?;
        // Not over an empty folder either: another step may be using it.
        let renamed = match renameat_with(CWD, &draft.upper, CWD, &path, RenameFlags::NOREPLACE) {
            // File systems of the network know no such rename.
            Err(Errno::INVAL | Errno::NOSYS) => rename(&draft.upper, &path),
            renamed => renamed,
        };
        match renamed {
            Ok(()) => {}
            // Somebody else was faster.
            Err(_) if path.is_dir() => {}
            Err(error) => return Err(StoreError::disk(&path)(error.into()).into()),
        }
        Ok(path)
    }

    /// None where another step has it.
    fn lock_mount(&self, name: &str, sharing: Sharing) -> Result<Option<KeyLock>, StoreError> {
        if sharing == Sharing::Shared {
            return Ok(Some(KeyLock::none()));
        }
        let name = format!("mount-{}-{name}", self.owners.name());
        let lock = FileLock::open(&self.root.join("locks").join(&name))?;
        Ok(lock.try_exclusive()?.then(|| KeyLock::of(lock)))
    }
}
