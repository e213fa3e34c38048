//! Removes what nobody needs any more: first the records that name things, then the things.
//!
//! Needed are the images that have a name, and what the cache records that stay made. A snapshot is renamed away before
//! its files go, so that one with a name is always whole.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{CacheRecord, Store, StoreError, cache, scratch};
use crate::runtime::image::{ChainId, Digest};

/// What is to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrunePolicy {
    /// Cache records and cache mounts that no build used for so long; zero: all of them. None: they stay.
    pub unused_for: Option<Duration>,
    /// Bytes that the store may have: the records that were used longest ago go until it has no more.
    pub keep_bytes: Option<u64>,
}

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// Cache records.
    pub records: u64,
    /// Unpacked layers.
    pub snapshots: u64,
    /// Blobs.
    pub blobs: u64,
    /// Folders of cache mounts.
    pub mounts: u64,
    /// Bytes of all of them on the disk.
    pub bytes: u64,
}

/// A record with what it needs and when it was used.
struct Used {
    path: PathBuf,
    at: SystemTime,
    record: Option<CacheRecord>,
}

/// What stays.
#[derive(Default)]
struct Needed {
    blobs: HashSet<Digest>,
    chains: HashSet<ChainId>,
}

impl Needed {
    fn add(&mut self, record: &CacheRecord) {
        if let Some(layer) = &record.layer {
            self.blobs.insert(layer.blob.digest);
            self.chains.insert(layer.chain);
        }
    }
}

impl Store {
    /// Removes what a policy says, and all that nothing names. Waits for builds to end, and gives up after some seconds.
    pub fn prune(&self, policy: &PrunePolicy) -> Result<Freed, StoreError> {
        let freed = self.alone(|| {
            let mut freed = Freed::default();
            scratch::remove_leftovers(&self.root.join("tmp"));
            let mut records = self.records();
            records.sort_by_key(|used| used.at);
            let named = self.named();
            if let Some(limit) = policy.unused_for {
                let old = |at: SystemTime| limit.is_zero() || at.elapsed().is_ok_and(|since| since >= limit);
                freed.records += drop_records(&mut records, |used| old(used.at));
                freed.mounts += self.drop_mounts(&old, &mut freed.bytes);
            }
            // A record that nobody can read is of no use.
            freed.records += drop_records(&mut records, |used| used.record.is_none());
            if let Some(most) = policy.keep_bytes {
                freed.records += self.shrink(&mut records, &named, most);
            }
            let mut needed = named;
            records.iter().filter_map(|used| used.record.as_ref()).for_each(|record| needed.add(record));
            self.drop_snapshots(&needed, &mut freed);
            self.drop_blobs(&needed, &mut freed);
            self.drop_locks();
            Ok(freed)
        })?;
        Ok(freed)
    }

    fn records(&self) -> Vec<Used> {
        let entries = fs::read_dir(self.root.join("cache")).into_iter().flatten().flatten();
        let records = entries.map(|entry| {
            let path = entry.path();
            let at = entry.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            let record = fs::read(&path).ok().and_then(|bytes| cache::parse(&bytes));
            Used { path, at, record }
        });
        records.collect()
    }

    /// What the images with names need. One that cannot be read keeps nothing but its manifest.
    fn named(&self) -> Needed {
        let mut needed = Needed::default();
        for image in self.index().map(|index| index.manifests).unwrap_or_default() {
            needed.blobs.insert(image.digest);
            let Ok((manifest, config)) = self.manifest(&image) else { continue };
            needed.blobs.insert(manifest.config.digest);
            needed.blobs.extend(manifest.layers.iter().map(|layer| layer.digest));
            needed.chains.extend(ChainId::all(&config.rootfs.diff_ids));
        }
        needed
    }

    /// Drops the oldest records until what stays is small enough.
    fn shrink(&self, records: &mut Vec<Used>, named: &Needed, most: u64) -> u64 {
        let blob = |digest: &Digest| fs::metadata(self.blob_path(digest)).map_or(0, |found| found.blocks() * 512);
        let snapshots: HashMap<String, u64> = self
            .snapshot_folders()
            .into_iter()
            .map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), size(&path)))
            .fold(HashMap::new(), |mut sizes, (name, size)| {
                *sizes.entry(name).or_default() += size;
                sizes
            });
        let chain = |chain: &ChainId| snapshots.get(&chain.0.hex()).copied().unwrap_or(0);
        let mut total = size(&self.root.join("mounts"))
            + named.blobs.iter().map(blob).sum::<u64>()
            + named.chains.iter().map(chain).sum::<u64>();
        // The youngest first: as many as fit.
        let mut kept = Needed::default();
        let mut fitting = records.len();
        for (place, used) in records.iter().enumerate().rev() {
            if let Some(layer) = used.record.as_ref().and_then(|record| record.layer.as_ref()) {
                if !named.blobs.contains(&layer.blob.digest) && kept.blobs.insert(layer.blob.digest) {
                    total += blob(&layer.blob.digest);
                }
                if !named.chains.contains(&layer.chain) && kept.chains.insert(layer.chain) {
                    total += chain(&layer.chain);
                }
            }
            if total > most {
                break;
            }
            fitting = place;
        }
        let last = records.get(fitting).map(|used| used.path.clone());
        let mut reached = false;
        drop_records(records, |used| {
            reached |= Some(&used.path) == last.as_ref();
            !reached
        })
    }

    fn snapshot_folders(&self) -> Vec<PathBuf> {
        let owners = fs::read_dir(self.root.join("snap")).into_iter().flatten().flatten();
        let folders = owners.flat_map(|owners| fs::read_dir(owners.path()).into_iter().flatten().flatten());
        folders.map(|entry| entry.path()).collect()
    }

    fn drop_snapshots(&self, needed: &Needed, freed: &mut Freed) {
        let kept: HashSet<String> = needed.chains.iter().map(|chain| chain.0.hex()).collect();
        for path in self.snapshot_folders() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !kept.contains(&name) {
                let bytes = size(&path);
                if remove_folder(&self.root, &path).is_ok() {
                    freed.snapshots += 1;
                    freed.bytes += bytes;
                }
            }
        }
    }

    fn drop_blobs(&self, needed: &Needed, freed: &mut Freed) {
        let kept: HashSet<String> = needed.blobs.iter().map(Digest::hex).collect();
        for entry in fs::read_dir(self.root.join("blobs/sha256")).into_iter().flatten().flatten() {
            if kept.contains(entry.file_name().to_string_lossy().as_ref()) {
                continue;
            }
            let bytes = entry.metadata().map_or(0, |found| found.blocks() * 512);
            if fs::remove_file(entry.path()).is_ok() {
                freed.blobs += 1;
                freed.bytes += bytes;
            }
        }
    }

    /// Nobody else uses the store, so nobody holds or waits for one of them.
    fn drop_locks(&self) {
        for entry in fs::read_dir(self.root.join("locks")).into_iter().flatten().flatten() {
            // One that stays does no harm.
            let _stays = fs::remove_file(entry.path());
        }
    }

    fn drop_mounts(&self, is_old: &impl Fn(SystemTime) -> bool, bytes: &mut u64) -> u64 {
        let owners = fs::read_dir(self.root.join("mounts")).into_iter().flatten().flatten();
        let folders = owners.flat_map(|owners| fs::read_dir(owners.path()).into_iter().flatten().flatten());
        let mut count = 0;
        for folder in folders {
            let at = folder.metadata().and_then(|found| found.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            let own = if is_old(at) { size(&folder.path()) } else { continue };
            if remove_folder(&self.root, &folder.path()).is_ok() {
                count += 1;
                *bytes += own;
            }
        }
        count
    }
}

fn drop_records(records: &mut Vec<Used>, mut is_dropped: impl FnMut(&Used) -> bool) -> u64 {
    let before = records.len();
    records.retain(|used| !(is_dropped(used) && fs::remove_file(&used.path).is_ok()));
    (before - records.len()) as u64
}

/// Renames a folder into `tmp`, then removes it.
pub(super) fn remove_folder(root: &Path, path: &Path) -> std::io::Result<()> {
    take_away(root, path)?.close()
}

/// Takes its name from a folder. It is removed when the new place is dropped, or later as a leftover.
pub(super) fn take_away(root: &Path, path: &Path) -> std::io::Result<tempfile::TempDir> {
    let away = tempfile::Builder::new().prefix("removed").tempdir_in(root.join("tmp"))?;
    scratch::rename(path, &away.path().join("x"))?;
    Ok(away)
}

/// Bytes that a folder takes on the disk.
fn size(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    let inside = if found.is_dir() { fs::read_dir(path).into_iter().flatten().flatten() } else { return own(&found) };
    own(&found) + inside.map(|entry| size(&entry.path())).sum::<u64>()
}

/// A file with several names counts once, in parts.
fn own(found: &fs::Metadata) -> u64 {
    let names = if found.is_dir() { 1 } else { found.nlink().max(1) };
    found.blocks() * 512 / names
}
