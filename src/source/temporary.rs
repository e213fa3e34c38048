//! Folders for temporary files that are gone with their process, also where that is killed: each is locked as long as it is
//! in use, and whoever makes one removes those that nobody uses any more.
//!
//! Locks are held on Linux, by a program with the runtime; elsewhere what a killed process leaves stays until the system
//! clears its folder for temporary files.

use std::io;
use std::path::Path;
use std::sync::Once;

use tempfile::TempDir;

/// How the names of the folders begin; so does nothing that somebody else names.
const PREFIX: &str = ".layerwise-temporary-";

/// Characters that follow.
const DRAWN: usize = 12;

/// A folder in the system's folder for temporary files; gone when dropped.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    _lock: locks::Lock,
}

impl TemporaryFolder {
    /// Makes a folder. The first one of a process removes what others have left.
    ///
    /// # Errors
    /// What the disk says.
    pub fn new() -> io::Result<Self> {
        static CLEARED: Once = Once::new();
        let root = std::env::temp_dir();
        CLEARED.call_once(|| remove_leftovers(&root));
        loop {
            let folder = tempfile::Builder::new().prefix(PREFIX).rand_bytes(DRAWN).tempdir_in(&root)?;
            // Between its making and its lock, another process may have taken it for a leftover.
            if let Some(lock) = locks::lock(folder.path())?
                && folder.path().exists()
            {
                return Ok(Self { folder, _lock: lock });
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders in `root` that processes of this user have left. What cannot be removed stays.
fn remove_leftovers(root: &Path) {
    let Ok(entries) = std::fs::read_dir(root) else { return };
    for entry in entries.flatten() {
        let is_ours = entry
            .file_name()
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .is_some_and(|drawn| drawn.len() == DRAWN && drawn.chars().all(|char| char.is_ascii_alphanumeric()));
        if is_ours && locks::is_left(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(all(feature = "runtime", target_os = "linux"))]
mod locks {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, open};
    use rustix::io::Errno;

    pub(super) type Lock = OwnedFd;

    /// Locks a folder; `None` where somebody else holds the lock, or the folder is gone.
    pub(super) fn lock(folder: &Path) -> io::Result<Option<Lock>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = match open(folder, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            opened => opened?,
        };
        match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(opened)),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a folder is of this user and of no process that lives.
    pub(super) fn is_left(folder: &Path) -> bool {
        let own = rustix::process::geteuid().as_raw();
        matches!(lock(folder), Ok(Some(lock)) if fstat(&lock).is_ok_and(|found| found.st_uid == own))
    }
}

#[cfg(not(all(feature = "runtime", target_os = "linux")))]
mod locks {
    use std::io;
    use std::path::Path;

    pub(super) type Lock = ();

    pub(super) fn lock(_: &Path) -> io::Result<Option<Lock>> {
        Ok(Some(()))
    }

    pub(super) fn is_left(_: &Path) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(all(feature = "runtime", target_os = "linux"))]
    fn what_nobody_holds_is_removed_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.join("in")).unwrap();
            path
        };
        let (left, held) = (make(".layerwise-temporary-aaaaaaaaaaaa"), make(".layerwise-temporary-bbbbbbbbbbbb"));
        let others = [make("layerwise"), make(".layerwise-temporary-"), make(".layerwise-temporary-my-project-1")];
        let link = root.path().join(".layerwise-temporary-cccccccccccc");
        std::os::unix::fs::symlink(&others[0], &link).unwrap();
        let lock = locks::lock(&held).unwrap();
        assert!(lock.is_some());
        remove_leftovers(root.path());
        assert!(!left.exists());
        assert!(held.exists() && link.exists() && others.iter().all(|path| path.join("in").exists()));
        drop(lock);
        remove_leftovers(root.path());
        assert!(!held.exists());
    }

    #[test]
    fn a_folder_is_gone_when_dropped() {
        let folder = TemporaryFolder::new().unwrap();
        let path = folder.path().to_owned();
        std::fs::write(path.join("a"), "1").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
