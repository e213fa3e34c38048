//! Images: which name stands for which manifest.

use std::path::Path;

use super::locks::FileLock;
use super::{Store, StoreError, write_durable, write_whole};
use crate::runtime::image::{
    DESCRIPTOR_NAME, Descriptor, Digest, Document, DocumentError, ImageConfig, Index, LARGEST_DOCUMENT, Manifest,
    MediaType, Platform, Reference, parse_document,
};

/// What every layout says of itself.
pub(in crate::runtime) const LAYOUT: &str = "{\"imageLayoutVersion\":\"1.0.0\"}";
/// The annotation with the digest of the index that an image came from.
const INDEX_DIGEST: &str = "layerwise.index-digest";
/// Bytes that a configuration may have; histories are long.
const LARGEST_CONFIG: u64 = 16 << 20;

/// An image of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What it is called.
    pub reference: Reference,
    /// Its manifest, with its platform.
    pub manifest: Descriptor,
}

/// Makes the files that every layout has.
pub(super) fn ensure_layout(root: &Path) -> Result<(), StoreError> {
    let path = root.join("oci-layout");
    match std::fs::read_to_string(&path) {
        Ok(text) if text.contains("\"imageLayoutVersion\"") => {}
        Ok(_) => return Err(StoreError::Foreign { path, reason: "it is no OCI layout".to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => write_whole(&path, LAYOUT.as_bytes())?,
        Err(source) => return Err(StoreError::disk(path)(source)),
    }
    let index = root.join("index.json");
    if index.exists() { Ok(()) } else { write_whole(&index, to_json(&Index::default()).as_bytes()) }
}

/// Documents are plain structs of strings and numbers: they always serialize.
pub(in crate::runtime) fn to_json(document: &impl serde::Serialize) -> String {
    serde_json::to_string(document).unwrap_or_default()
}

impl Store {
    pub(super) fn index(&self) -> Result<Index, StoreError> {
        let path = self.root.join("index.json");
        let text = std::fs::read(&path).map_err(StoreError::disk(&path))?;
        serde_json::from_slice(&text).map_err(|error| StoreError::Names { path, reason: error.to_string() })
    }

    fn change_index<T>(&self, change: impl FnOnce(&mut Index) -> T) -> Result<T, StoreError> {
        let lock = FileLock::open(&self.root.join("locks/index"))?;
        lock.exclusive()?;
        let mut index = self.index()?;
        let before = index.clone();
        let result = change(&mut index);
        if index != before {
            write_durable(&self.root.join("index.json"), to_json(&index).as_bytes())?;
        }
        Ok(result)
    }

    /// Makes the index anew, without names.
    pub(super) fn forget_names(&self) -> Result<(), StoreError> {
        let lock = FileLock::open(&self.root.join("locks/index"))?;
        lock.exclusive()?;
        write_durable(&self.root.join("index.json"), to_json(&Index::default()).as_bytes())
    }

    /// All images, sorted by name.
    pub fn images(&self) -> Result<Vec<Stored>, StoreError> {
        let named = self.index()?.manifests.into_iter().filter_map(|manifest| {
            let reference = manifest.annotation(DESCRIPTOR_NAME)?.parse().ok()?;
            Some(Stored { reference, manifest })
        });
        let mut images: Vec<Stored> = named.collect();
        images.sort_by(|left, right| left.reference.cmp(&right.reference));
        Ok(images)
    }

    /// The image of a name that serves a platform. A digest counts more than a tag: it may be that of the manifest, or of
    /// the index that the manifest came from.
    pub fn image(&self, reference: &Reference, platform: &Platform) -> Result<Option<Stored>, StoreError> {
        let fits = |found: &Stored| match reference.digest() {
            Some(digest) => {
                let index = found.manifest.annotation(INDEX_DIGEST).and_then(|text| text.parse::<Digest>().ok());
                found.manifest.digest == *digest || index == Some(*digest)
            }
            None => found.reference == *reference,
        };
        let by_manifest = |found: &Stored| reference.digest() == Some(&found.manifest.digest);
        let rated = self.images()?.into_iter().filter(fits).filter_map(|found| {
            let distance = found.manifest.platform.as_ref().map_or(Some(0), |own| own.serves(platform));
            // A manifest by its own digest is what was asked for, whatever it is for.
            let distance = if by_manifest(&found) { Some(0) } else { distance };
            Some((distance?, found))
        });
        Ok(rated.min_by_key(|(distance, _)| *distance).map(|(_, mut found)| {
            found.reference = reference.clone();
            found
        }))
    }

    /// Gives a manifest a name. The name's earlier image for the same platform loses it.
    pub fn tag(&self, reference: &Reference, manifest: &Descriptor) -> Result<(), StoreError> {
        let mut entry = manifest.clone();
        entry.annotations.get_or_insert_default().insert(DESCRIPTOR_NAME.to_owned(), reference.to_string());
        self.change_index(|index| {
            index.manifests.retain(|found| !(same_name(found, reference) && found.platform == entry.platform));
            index.manifests.push(entry);
        })
    }

    /// The same, and notes from which index the manifest was chosen.
    pub fn tag_from_index(
        &self,
        reference: &Reference,
        manifest: &Descriptor,
        index: &Digest,
    ) -> Result<(), StoreError> {
        let mut manifest = manifest.clone();
        manifest.annotations.get_or_insert_default().insert(INDEX_DIGEST.to_owned(), index.to_string());
        self.tag(reference, &manifest)
    }

    /// Takes a name away, on all platforms. Whether it was there.
    pub fn untag(&self, reference: &Reference) -> Result<bool, StoreError> {
        self.change_index(|index| {
            let before = index.manifests.len();
            index.manifests.retain(|found| !same_name(found, reference));
            index.manifests.len() < before
        })
    }

    /// The documents of an image, their digests verified.
    pub fn manifest(&self, manifest: &Descriptor) -> Result<(Manifest, ImageConfig), StoreError> {
        let document = |source| StoreError::Document { digest: manifest.digest, source };
        let bytes = self.read_blob(manifest, LARGEST_DOCUMENT)?;
        let Document::Manifest(parsed) = parse_document(&bytes).map_err(document)? else {
            return Err(document(DocumentError::Unsupported("an index in the place of a manifest".to_owned())));
        };
        let config = self.read_blob(&parsed.config, LARGEST_CONFIG)?;
        let config = ImageConfig::parse(&config, &parsed)
            .map_err(|source| StoreError::Document { digest: parsed.config.digest, source })?;
        Ok((*parsed, config))
    }

    /// Writes the documents of an image with these layers, lowest first, and gives its manifest.
    pub fn put_image(&self, config: &ImageConfig, layers: Vec<Descriptor>) -> Result<Descriptor, StoreError> {
        let platform = config.platform();
        let config = self.put_bytes(to_json(config).as_bytes(), MediaType::CONFIG)?;
        self.put_manifest(&Manifest::new(config, layers), platform)
    }

    /// Writes a manifest, whose blobs must be there.
    pub fn put_manifest(&self, manifest: &Manifest, platform: Platform) -> Result<Descriptor, StoreError> {
        let mut written = self.put_bytes(to_json(manifest).as_bytes(), MediaType::MANIFEST)?;
        written.platform = Some(platform);
        Ok(written)
    }

    /// The bytes of a manifest or an index, verified.
    pub(in crate::runtime) fn document(&self, blob: &Descriptor) -> Result<Vec<u8>, StoreError> {
        self.read_blob(blob, LARGEST_DOCUMENT)
    }
}

fn same_name(found: &Descriptor, reference: &Reference) -> bool {
    found.annotation(DESCRIPTOR_NAME).is_some_and(|name| name == reference.to_string())
}
