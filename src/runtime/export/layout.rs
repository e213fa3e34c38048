//! An OCI layout: what `skopeo`, `podman` and `buildah` read as `oci:FOLDER[:NAME]`.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use rustix::fs::FlockOperation;

use super::{ExportError, write_whole};
use crate::runtime::image::{DESCRIPTOR_NAME, Descriptor, Index};
use crate::runtime::layer::Hashed;
use crate::runtime::store::{LAYOUT, Store, StoreError, to_json};

/// Writes an image into the layout `folder`. An earlier image of the same name loses it; blobs are written first and the
/// index last, so whoever reads it meanwhile finds all that it names.
pub fn oci(store: &Store, manifest: &Descriptor, folder: &Path, name: Option<&str>) -> Result<(), ExportError> {
    let (parsed, _) = store.manifest(manifest)?;
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(ExportError::unwritable(&blobs))?;
    for blob in parsed.layers.iter().chain([&parsed.config, manifest]) {
        copy(store, blob, &blobs)?;
    }
    let put = |path: &Path, text: String| {
        write_whole(path, |file| file.write_all(text.as_bytes()).map_err(ExportError::unwritable(path)))
    };
    put(&folder.join("oci-layout"), LAYOUT.to_owned())?;
    let path = folder.join("index.json");
    // Somebody else may add an image at the same time.
    let lock = fs::File::open(folder).map_err(ExportError::unwritable(folder))?;
    rustix::fs::flock(&lock, FlockOperation::LockExclusive)
        .map_err(|error| ExportError::unwritable(folder)(error.into()))?;
    let mut index = known(&path)?;
    let mut entry = Descriptor { platform: manifest.platform.clone(), ..bare(manifest) };
    if let Some(name) = name {
        entry.annotations.get_or_insert_default().insert(DESCRIPTOR_NAME.to_owned(), name.to_owned());
    }
    index.manifests.retain(|found| found.annotation(DESCRIPTOR_NAME) != name || found.platform != entry.platform);
    index.manifests.push(entry);
    put(&path, to_json(&index))
}

/// The images that a layout has. One that cannot be read is the user's, and stays.
fn known(path: &Path) -> Result<Index, ExportError> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Index::default()),
        text => text.map_err(ExportError::unwritable(path))?,
    };
    serde_json::from_slice(&text).map_err(|error| ExportError::unwritable(path)(error.into()))
}

fn bare(blob: &Descriptor) -> Descriptor {
    Descriptor::new(&blob.media_type, blob.digest, blob.size)
}

fn copy(store: &Store, blob: &Descriptor, to: &Path) -> Result<(), ExportError> {
    let path = to.join(blob.digest.hex());
    if is_there(&path, blob) {
        return Ok(());
    }
    if !store.has_blob(blob) {
        return Err(StoreError::MissingBlob(blob.digest).into());
    }
    let mut from = Hashed::new(store.open_blob(&blob.digest)?);
    write_whole(&path, |file| {
        std::io::copy(&mut from, file).map_err(ExportError::unwritable(&path))?;
        // A damaged blob must not leave the store under a name that others trust.
        Ok(store.verified(&blob.digest, &blob.digest, &from.finish().1)?)
    })
}

/// Whether the layout has the blob already, whole.
fn is_there(path: &Path, blob: &Descriptor) -> bool {
    let Ok(file) = fs::File::open(path) else { return false };
    let mut there = Hashed::new(file);
    std::io::copy(&mut there, &mut std::io::sink()).is_ok() && there.finish().1 == blob.digest
}
