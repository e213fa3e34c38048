//! Locks between processes and threads. The kernel lets go of them when their process ends, however it ends.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::{Key, Store, StoreError};

/// A file that processes lock.
#[derive(Debug)]
pub(super) struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::options().create(true).truncate(false).read(true).write(true).open(path);
        Ok(Self { file: file.map_err(StoreError::disk(path))?, path: path.to_owned() })
    }

    pub(super) fn shared(&self) -> Result<(), StoreError> {
        self.operate(FlockOperation::LockShared).map(drop)
    }

    pub(super) fn exclusive(&self) -> Result<(), StoreError> {
        self.operate(FlockOperation::LockExclusive).map(drop)
    }

    /// Whether nobody else has it, so that it is ours now.
    pub(super) fn try_exclusive(&self) -> Result<bool, StoreError> {
        self.operate(FlockOperation::NonBlockingLockExclusive)
    }

    fn operate(&self, operation: FlockOperation) -> Result<bool, StoreError> {
        loop {
            match rustix::fs::flock(self.file.as_fd(), operation) {
                Ok(()) => return Ok(true),
                Err(Errno::WOULDBLOCK) => return Ok(false),
                Err(Errno::INTR) => {}
                Err(error) => return Err(StoreError::disk(&self.path)(error.into())),
            }
        }
    }
}

impl KeyLock {
    pub(super) fn of(lock: FileLock) -> Self {
        Self { _lock: Some(lock) }
    }

    /// Of what needs no lock.
    pub(super) fn none() -> Self {
        Self { _lock: None }
    }
}

/// Held while a step runs, so that no other build runs the same one. Dropped, it is free.
#[derive(Debug)]
pub struct KeyLock {
    _lock: Option<FileLock>,
}

/// How long whoever wants to remove things waits for builds to end.
const PATIENCE: Duration = Duration::from_secs(10);

impl Store {
    /// Does something while nobody else uses the store.
    pub(super) fn alone<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let begin = Instant::now();
        // To ask for more than one has lets go of what one has, also where the answer is no.
        while !self.lock.try_exclusive()? {
            if begin.elapsed() > PATIENCE {
                self.lock.shared()?;
                return Err(StoreError::InUse);
            }
            thread::sleep(Duration::from_millis(50));
        }
        let outcome = work();
        self.lock.shared()?;
        outcome
    }

    /// Waits until no other build runs the step of this key.
    pub fn lock_key(&self, key: &Key) -> Result<KeyLock, StoreError> {
        self.named_lock(&key.to_string())
    }

    pub(super) fn named_lock(&self, name: &str) -> Result<KeyLock, StoreError> {
        let lock = FileLock::open(&self.root.join("locks").join(name))?;
        lock.exclusive()?;
        Ok(KeyLock::of(lock))
    }
}
