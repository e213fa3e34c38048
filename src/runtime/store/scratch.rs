//! Where things are written before they have a name: a folder of each process, which holds a lock on it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::FlockOperation;
use tempfile::TempDir;

use super::StoreError;
use super::locks::FileLock;

/// The process's folder in `tmp`, made when it is first needed and removed at the end.
#[derive(Debug)]
pub(super) struct Scratch {
    root: PathBuf,
    own: Mutex<Option<Own>>,
}

#[derive(Debug)]
struct Own {
    folder: TempDir,
    /// Says that the folder's process lives.
    _lock: File,
}

impl Scratch {
    pub(super) fn new(store: &Path) -> Self {
        Self { root: store.to_owned(), own: Mutex::new(None) }
    }

    /// The folder.
    pub(super) fn folder(&self) -> Result<PathBuf, StoreError> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = &*own {
            return Ok(own.folder.path().to_owned());
        }
        // While this is held nobody takes a folder that is not locked yet for a leftover.
        let making = FileLock::open(&self.root.join("locks/tmp"))?;
        making.exclusive()?;
        let tmp = self.root.join("tmp");
        remove_leftovers(&tmp);
        let folder = tempfile::Builder::new().prefix("p").tempdir_in(&tmp).map_err(StoreError::disk(&tmp))?;
        let lock = File::open(folder.path()).map_err(StoreError::disk(folder.path()))?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive)
            .map_err(|error| StoreError::disk(folder.path())(error.into()))?;
        let path = folder.path().to_owned();
        *own = Some(Own { folder, _lock: lock });
        Ok(path)
    }
}

/// Removes what processes left that ended in the middle of something. What cannot be removed is tried again later.
pub(super) fn remove_leftovers(tmp: &Path) {
    let Ok(entries) = std::fs::read_dir(tmp) else { return };
    for entry in entries.flatten() {
        let Ok(folder) = File::open(entry.path()) else { continue };
        if rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Gives a folder another name. A folder moves only where it may be written to, since it names the one above: for that
/// moment who has a root folder of mode 0555, as some images do, and is not root makes it writable.
pub(super) fn rename(from: &Path, to: &Path) -> rustix::io::Result<()> {
    use rustix::fs::{Mode, chmod, lstat};
    use rustix::io::Errno;
    match rustix::fs::rename(from, to) {
        Err(Errno::ACCESS) => {}
        other => return other,
    }
    let mode = Mode::from_raw_mode(lstat(from)?.st_mode & 0o7777);
    chmod(from, mode | Mode::RWXU)?;
    let renamed = rustix::fs::rename(from, to);
    chmod(if renamed.is_ok() { to } else { from }, mode)?;
    renamed
}
