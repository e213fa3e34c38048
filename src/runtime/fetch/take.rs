//! Takes an image by its documents: from the top, through indexes, to its layers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::FetchError;
use crate::runtime::image::{Descriptor, Digest, Document, ImageConfig, LARGEST_DOCUMENT, Platform, parse_document};
use crate::runtime::store::{Store, StoreError};

/// Indexes above a manifest; builders write one.
const DEEPEST: usize = 4;
/// Layers that are fetched at a time.
const AT_A_TIME: usize = 4;

/// Somewhere that has blobs.
pub(in crate::runtime) trait Blobs: Sync {
    /// Brings a blob into the store, verified.
    fn bring(&self, store: &Store, blob: &Descriptor) -> Result<(), FetchError>;

    /// Brings a manifest or an index; registries keep them apart.
    fn bring_document(&self, store: &Store, blob: &Descriptor) -> Result<(), FetchError> {
        self.bring(store, blob)
    }
}

/// Takes the image that `top` stands for, on a platform. Its manifest, and the index that it was chosen from.
pub(in crate::runtime) fn take_image(
    store: &Store,
    blobs: &impl Blobs,
    top: &Descriptor,
    bytes: Option<Vec<u8>>,
    platform: &Platform,
) -> Result<(Descriptor, Option<Digest>), FetchError> {
    let mut current = top.clone();
    let mut known = bytes;
    for _ in 0..=DEEPEST {
        let bytes = match known.take() {
            Some(bytes) => bytes,
            None => document(store, blobs, &current)?,
        };
        let parsed = parse_document(&bytes)
            .map_err(|source| FetchError::Document { place: current.digest.to_string(), source })?;
        match parsed {
            Document::Index(index) => {
                let none = || FetchError::NoPlatform { wanted: Box::new(platform.clone()), found: index.platforms() };
                current = index.choose(platform).ok_or_else(none)?.clone();
            }
            Document::Manifest(manifest) => {
                store.put_bytes(&bytes, &current.media_type)?;
                if !store.has_blob(&manifest.config) {
                    blobs.bring(store, &manifest.config)?;
                }
                bring_layers(store, blobs, &manifest.layers)?;
                let (_, config) = store.manifest(&current)?;
                let index = (current.digest != top.digest).then_some(top.digest);
                return Ok((described(&current, &config), index));
            }
        }
    }
    Err(FetchError::TooDeep(top.digest))
}

/// A manifest's descriptor as the store keeps it: with the platform, without the notes of where it came from.
fn described(manifest: &Descriptor, config: &ImageConfig) -> Descriptor {
    Descriptor {
        platform: Some(config.platform()),
        ..Descriptor::new(&manifest.media_type, manifest.digest, manifest.size)
    }
}

fn document(store: &Store, blobs: &impl Blobs, blob: &Descriptor) -> Result<Vec<u8>, FetchError> {
    if blob.size > LARGEST_DOCUMENT {
        let got = format!("{} bytes, more than a document may have", blob.size);
        return Err(StoreError::Mismatch { digest: blob.digest, what: "size", got }.into());
    }
    if !store.has_blob(blob) {
        blobs.bring_document(store, blob)?;
    }
    Ok(store.document(blob)?)
}

/// Fetches what is missing, several at a time. The first failure ends it.
fn bring_layers(store: &Store, blobs: &impl Blobs, layers: &[Descriptor]) -> Result<(), FetchError> {
    let missing: Vec<&Descriptor> = layers
        .iter()
        .enumerate()
        .filter(|(place, layer)| !layers[..*place].iter().any(|other| other.digest == layer.digest))
        .map(|(_, layer)| layer)
        .filter(|layer| !store.has_blob(layer))
        .collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), FetchError> {
        while let Some(layer) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
            blobs.bring(store, layer).inspect_err(|_| next.store(missing.len(), Ordering::Relaxed))?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..missing.len().min(AT_A_TIME)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Err(StoreError::InUse.into())))
    })
}
