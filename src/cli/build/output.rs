//! Images outside of the store.

use std::path::Path;

use crate::runtime::image::{Descriptor, Index};
use crate::runtime::store::{Store, StoreError};

/// Writes an image as an OCI layout.
pub(super) fn layout(store: &Store, manifest: &Descriptor, folder: &Path) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::Disk { path: folder.to_owned(), source: error };
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).map_err(failed)?;
    let (document, _) = store.manifest(manifest)?;
    for blob in document.layers.iter().chain([&document.config, manifest]) {
        let mut from = store.open_blob(&blob.digest)?;
        let mut to = std::fs::File::create(blobs.join(blob.digest.hex())).map_err(failed)?;
        std::io::copy(&mut from, &mut to).map_err(failed)?;
    }
    let index = Index { manifests: vec![manifest.clone()], ..Index::default() };
    std::fs::write(folder.join("index.json"), serde_json::to_string(&index).unwrap_or_default()).map_err(failed)?;
    std::fs::write(folder.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}").map_err(failed)
}
