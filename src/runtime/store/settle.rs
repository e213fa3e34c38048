//! After a power failure: what was not on the disk yet.
//!
//! Nothing here waits for the disk. A process that is killed loses nothing by that; a machine that stops may leave files
//! whose content never got there. So the store notes until when all is on the disk ([`Store::settle`]), and after the
//! machine was started anew, what is younger is verified (blobs) or dropped (snapshots) before anything is used.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::locks::FileLock;
use super::{Store, StoreError, write_whole};
use crate::runtime::image::{Digest, Index};
use crate::runtime::layer::Hashed;

/// The file of the note: the machine's start, and the second until which all is on the disk.
const NOTE: &str = "settled";

impl Store {
    /// Waits until all that the store holds is on the disk, and notes it.
    pub fn settle(&self) -> Result<(), StoreError> {
        let until = now();
        let folder = fs::File::open(&self.root).map_err(StoreError::disk(&self.root))?;
        rustix::fs::syncfs(&folder).map_err(|error| StoreError::disk(&self.root)(error.into()))?;
        note(&self.root, until)
    }
}

/// What identifies a start of the machine.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

fn note(root: &Path, until: i64) -> Result<(), StoreError> {
    write_whole(&root.join(NOTE), format!("{} {until}\n", boot()).as_bytes())
}

/// Looks for what a stopped machine left, once after each start.
pub(super) fn recover(root: &Path) -> Result<(), StoreError> {
    let read = || fs::read_to_string(root.join(NOTE)).unwrap_or_default();
    let current = boot();
    let is_current = |text: &str| text.split_once(' ').is_some_and(|(boot, _)| boot == current);
    if is_current(&read()) {
        return Ok(());
    }
    let lock = FileLock::open(&root.join("locks/settle"))?;
    lock.exclusive()?;
    let text = read();
    if is_current(&text) {
        return Ok(());
    }
    let until = text.split_once(' ').and_then(|(_, until)| until.trim().parse().ok()).unwrap_or(i64::MIN);
    drop_young_snapshots(root, until);
    drop_torn_blobs(root, until);
    let index = root.join("index.json");
    // A name that is lost can be given again; a store that cannot be opened is lost.
    if fs::read(&index).is_ok_and(|text| serde_json::from_slice::<Index>(&text).is_err()) {
        fs::remove_file(&index).map_err(StoreError::disk(index))?;
    }
    note(root, until)
}

fn is_young(path: &Path, until: i64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.ctime() >= until)
}

fn drop_young_snapshots(root: &Path, until: i64) {
    for owners in fs::read_dir(root.join("snap")).into_iter().flatten().flatten() {
        for snapshot in fs::read_dir(owners.path()).into_iter().flatten().flatten() {
            if is_young(&snapshot.path(), until) {
                let _ = super::prune::remove_folder(root, &snapshot.path());
            }
        }
    }
}

fn drop_torn_blobs(root: &Path, until: i64) {
    for blob in fs::read_dir(root.join("blobs/sha256")).into_iter().flatten().flatten() {
        let path = blob.path();
        let name = blob.file_name();
        let digest = name.to_str().and_then(|hex| Digest::from_hex(hex).ok());
        if is_young(&path, until) && digest.is_none_or(|digest| !is_whole(&path, &digest)) {
            let _ = fs::remove_file(path);
        }
    }
}

fn is_whole(path: &Path, digest: &Digest) -> bool {
    let Ok(file) = fs::File::open(path) else { return false };
    let mut hashed = Hashed::new(file);
    std::io::copy(&mut hashed, &mut std::io::sink()).is_ok() && hashed.finish().1 == *digest
}
