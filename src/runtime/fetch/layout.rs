//! Images of OCI layouts: folders with `index.json` and `blobs`.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::FetchError;
use super::take::{Blobs, take_image};
use crate::runtime::image::{DESCRIPTOR_NAME, Descriptor, Document, Index, LARGEST_DOCUMENT, Platform, parse_document};
use crate::runtime::store::Store;

/// Bytes that the index of a layout may have; it lists all of its images.
const LARGEST_INDEX: u64 = 4 * LARGEST_DOCUMENT;

/// The blobs of a layout.
struct LayoutBlobs {
    folder: PathBuf,
}

impl Blobs for LayoutBlobs {
    fn bring(&self, store: &Store, blob: &Descriptor) -> Result<(), FetchError> {
        let path = self.folder.join("blobs/sha256").join(blob.digest.hex());
        let file = File::open(&path).map_err(|source| FetchError::File { path, source })?;
        store.put_blob(file, Some(blob))?;
        Ok(())
    }
}

pub(super) fn take(
    store: &Store,
    folder: &Path,
    name: Option<&str>,
    platform: &Platform,
) -> Result<Descriptor, FetchError> {
    let index = read_index(&folder.join("index.json"))?;
    let top = choose(&index, name, platform, &folder.display().to_string())?;
    let blobs = LayoutBlobs { folder: folder.to_owned() };
    take_image(store, &blobs, &top, None, platform).map(|(manifest, _)| manifest)
}

fn read_index(path: &Path) -> Result<Index, FetchError> {
    let failed = |source| FetchError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(file, LARGEST_INDEX), &mut bytes).map_err(failed)?;
    match parse_document(&bytes) {
        Ok(Document::Index(index)) => Ok(index),
        Ok(Document::Manifest(_)) => {
            Err(FetchError::NotAnImage { path: path.to_owned(), reason: "it is no index".to_owned() })
        }
        Err(source) => Err(FetchError::Document { place: path.display().to_string(), source }),
    }
}

/// The image of a name: the whole name, or the tag that it ends in. Without one, the layout must leave no choice but that
/// of the platform.
fn choose(index: &Index, name: Option<&str>, platform: &Platform, place: &str) -> Result<Descriptor, FetchError> {
    let called = |entry: &Descriptor| entry.annotation(DESCRIPTOR_NAME).unwrap_or("without a name").to_owned();
    let fits = |entry: &&Descriptor| {
        name.is_none_or(|name| {
            let own = entry.annotation(DESCRIPTOR_NAME).unwrap_or_default();
            own == name || own.rsplit_once(':').is_some_and(|(_, tag)| tag == name) || entry.digest.to_string() == name
        })
    };
    let mut named: Vec<&Descriptor> = index.manifests.iter().filter(fits).collect();
    if named.len() > 1 {
        named.retain(|entry| entry.platform.as_ref().is_none_or(|own| own.serves(platform).is_some()));
    }
    if let [one] = named.as_slice() {
        return Ok((*one).clone());
    }
    let wanted = match name {
        Some(name) => format!("`{name}`"),
        None => format!("that is meant without a name (say `oci:{place}:NAME`)"),
    };
    let mut found: Vec<String> = index.manifests.iter().map(called).collect();
    found.dedup();
    Err(FetchError::NoImage { place: place.to_owned(), wanted, found })
}
