//! Cache records: what a step with a key made.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;

use serde::{Deserialize, Serialize};

use super::images::to_json;
use super::{Store, StoreError, write_file};
use crate::runtime::image::{ChainId, Descriptor, Digest};

/// The version of the records; others are not read.
const VERSION: u32 = 2;

/// What a step is called in the cache: 32 bytes, written as hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 32]);

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

/// What a step made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CacheRecord {
    /// The layer; none where the step made none.
    pub layer: Option<CachedLayer>,
    /// How long the step took.
    pub seconds: f64,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub created: Option<i64>,
    /// What else the builder wants to know, by names of its own.
    #[serde(default)]
    pub notes: BTreeMap<String, String>,
}

/// The layer of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CachedLayer {
    /// The layer's blob.
    pub blob: Descriptor,
    /// The digest of its uncompressed tar.
    pub diff_id: Digest,
    /// The layer and all below it: the name of its snapshot.
    pub chain: ChainId,
}

/// The file of a record.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    #[serde(flatten)]
    record: CacheRecord,
}

impl Store {
    /// What the step of a key made; none where it is not known or what it made is gone. The record counts as used now.
    pub fn cache_get(&self, key: &Key) -> Option<CacheRecord> {
        let path = self.root.join("cache").join(key.to_string());
        let record = parse(&std::fs::read(&path).ok()?)?;
        if let Some(layer) = &record.layer
            && !self.has_blob(&layer.blob)
        {
            return None;
        }
        if let Ok(file) = File::open(&path) {
            // Only what is thrown away first depends on it.
            let _ = file.set_modified(std::time::SystemTime::now());
        }
        Some(record)
    }

    /// Keeps what a step made. The layer must be in the store already.
    pub fn cache_put(&self, key: &Key, record: &CacheRecord) -> Result<(), StoreError> {
        let written = to_json(&Written { version: VERSION, record: record.clone() });
        let sealed = format!("{written}\n{}\n", Digest::of(written.as_bytes()));
        // What a killed build leaves half written must not stand among the records.
        write_file(&self.scratch.folder()?, &self.root.join("cache").join(key.to_string()), sealed.as_bytes(), false)
    }
}

/// Reads a record; none where it is damaged or of another version. Its digest stands below it: a digit that rotted would
/// name another layer.
pub(super) fn parse(bytes: &[u8]) -> Option<CacheRecord> {
    let (written, seal) = std::str::from_utf8(bytes).ok()?.trim_end().rsplit_once('\n')?;
    if seal != Digest::of(written.as_bytes()).to_string() {
        return None;
    }
    let written: Written = serde_json::from_str(written).ok()?;
    (written.version == VERSION).then_some(written.record)
}
