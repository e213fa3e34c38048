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
pub(super) const NOTE: &str = "settled";

/// How many seconds may pass until what builds made is made sure to be on the disk.
const SELDOM: i64 = 3600;

impl Store {
    /// The same as [`settle`](Self::settle), if the last time is long ago, and on a thread beside the
    /// build. After a power failure, the next build then verifies what is younger, not the whole store.
    pub fn settle_now_and_then(&self) {
        let (root, text) = (self.root.clone(), read_note(&self.root));
        let until = text.split_once(' ').and_then(|(_, until)| until.trim().parse::<i64>().ok());
        if until.is_some_and(|until| until.saturating_add(SELDOM) > now()) {
            return;
        }
        // What is not settled is verified: without the thread nothing is lost but time.
        let _ = std::thread::Builder::new().name("settle".to_owned()).spawn(move || drop(settle(&root)));
    }

    /// Waits until all that the store holds is on the disk, and notes it.
    pub fn settle(&self) -> Result<(), StoreError> {
        settle(&self.root)
    }
}

fn settle(root: &Path) -> Result<(), StoreError> {
    let until = now();
    let folder = fs::File::open(root).map_err(StoreError::disk(root))?;
    rustix::fs::syncfs(&folder).map_err(|error| StoreError::disk(root)(error.into()))?;
    // What a stopped machine may have torn is not settled as long as it is there.
    if is_current(&read_note(root)) { note(root, until) } else { Ok(()) }
}

fn read_note(root: &Path) -> String {
    fs::read_to_string(root.join(NOTE)).unwrap_or_default()
}

/// Whether a note was written since the machine was started.
fn is_current(note: &str) -> bool {
    note.split_once(' ').is_some_and(|(noted, _)| noted == boot())
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
    let read = || read_note(root);
    if is_current(&read()) {
        return Ok(());
    }
    let lock = FileLock::open(&root.join("locks/settle"))?;
    lock.exclusive()?;
    let text = read();
    if is_current(&text) {
        return Ok(());
    }
    // In a store without blobs there is nothing that could be torn.
    let is_new = fs::read_dir(root.join("blobs/sha256")).is_ok_and(|mut blobs| blobs.next().is_none());
    let unknown = if is_new { now() } else { i64::MIN };
    let until = text.split_once(' ').and_then(|(_, until)| until.trim().parse().ok()).unwrap_or(unknown);
    let removed = drop_young_snapshots(root, until);
    drop_torn_blobs(root, until)?;
    let index = root.join("index.json");
    // A name that is lost can be given again; a store that cannot be opened is lost.
    if fs::read(&index).is_ok_and(|text| serde_json::from_slice::<Index>(&text).is_err()) {
        fs::remove_file(&index).map_err(StoreError::disk(index))?;
    }
    // The start is noted once nothing that may be torn has a name any more.
    if removed { note(root, until) } else { Ok(()) }
}

fn is_young(path: &Path, until: i64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.ctime() >= until)
}

/// Whether all are gone. Those of a user namespace may belong to ids that this process does not have; then it does not
/// use them either.
fn drop_young_snapshots(root: &Path, until: i64) -> bool {
    let mut all = true;
    for owners in fs::read_dir(root.join("snap")).into_iter().flatten().flatten() {
        for snapshot in fs::read_dir(owners.path()).into_iter().flatten().flatten() {
            let path = snapshot.path();
            if is_young(&path, until) {
                all &= super::prune::take_away(root, &path).is_ok();
            }
        }
    }
    all
}

fn drop_torn_blobs(root: &Path, until: i64) -> Result<(), StoreError> {
    for blob in fs::read_dir(root.join("blobs/sha256")).into_iter().flatten().flatten() {
        let path = blob.path();
        let name = blob.file_name();
        let digest = name.to_str().and_then(|hex| Digest::from_hex(hex).ok());
        if is_young(&path, until) && digest.is_none_or(|digest| !is_whole(&path, &digest)) {
            fs::remove_file(&path).map_err(StoreError::disk(path))?;
        }
    }
    Ok(())
}

fn is_whole(path: &Path, digest: &Digest) -> bool {
    let Ok(file) = fs::File::open(path) else { return false };
    let mut hashed = Hashed::new(file);
    std::io::copy(&mut hashed, &mut std::io::sink()).is_ok() && hashed.finish().1 == *digest
}
