//! An archive as `docker save` writes it: what `docker load`, `podman load` and `skopeo` read.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use super::{ExportError, write_whole};
use crate::runtime::image::{ArchiveManifest, Compression, Descriptor, Digest, Reference};
use crate::runtime::layer::{Decompressor, Hashed, TarWriter};
use crate::runtime::store::{Store, StoreError, to_json};

/// Writes an image to the file `path`, under these names. Layers are not compressed there.
pub fn docker_archive(
    store: &Store,
    manifest: &Descriptor,
    path: &Path,
    names: &[Reference],
) -> Result<(), ExportError> {
    let (parsed, config) = store.manifest(manifest)?;
    let diffs = &config.rootfs.diff_ids;
    let document = ArchiveManifest {
        config: format!("{}.json", parsed.config.digest.hex()),
        repo_tags: names.iter().filter(|name| name.tag().is_some()).map(tagged).collect(),
        layers: diffs.iter().map(layer_name).collect(),
    };
    write_whole(path, |file| {
        let failed = || ExportError::unwritable(path);
        let mut out = TarWriter::new(BufWriter::with_capacity(256 << 10, file));
        let mut written: Vec<&Digest> = Vec::new();
        for (layer, diff) in parsed.layers.iter().zip(diffs) {
            // An image may have a layer twice; the archive has it once.
            if !written.contains(&diff) {
                let (mut content, size) = plain(store, layer)?;
                out.file(&layer_name(diff), &mut content, size).map_err(failed())?;
                store.verified(&layer.digest, diff, &content.finish().1)?;
                written.push(diff);
            }
        }
        let config = store.open_blob(&parsed.config.digest)?;
        out.file(&document.config, config, parsed.config.size).map_err(failed())?;
        let text = to_json(&[&document]);
        out.file("manifest.json", text.as_bytes(), text.len() as u64).map_err(failed())?;
        out.finish().map(drop).map_err(failed())
    })
}

fn layer_name(diff: &Digest) -> String {
    format!("{}.tar", diff.hex())
}

/// `docker load` wants the short name, and no digest.
fn tagged(name: &Reference) -> String {
    name.short().split('@').next().unwrap_or_default().to_owned()
}

/// A layer's tar, not compressed, and its size. The size stands before the content, so it must be known.
fn plain(store: &Store, layer: &Descriptor) -> Result<(Hashed<File>, u64), ExportError> {
    if !store.has_blob(layer) {
        return Err(StoreError::MissingBlob(layer.digest).into());
    }
    let file = store.open_blob(&layer.digest)?;
    let path = || store.root().to_owned();
    let decoder = Decompressor::new(file).map_err(ExportError::unwritable(path()))?;
    if decoder.compression() == Compression::None {
        return Ok((Hashed::new(store.open_blob(&layer.digest)?), layer.size));
    }
    let copy = store.plain_copy(decoder)?;
    let size = copy.metadata().map_err(ExportError::unwritable(path()))?.len();
    Ok((Hashed::new(copy), size))
}
