//! Images of root file systems: one layer, and nothing said of how containers start.

use std::fs::File;
use std::io;
use std::path::Path;

use super::FetchError;
use crate::runtime::image::{Compression, Descriptor, History, ImageConfig, MediaType, Platform};
use crate::runtime::layer::{Decompressor, Hashed, Owners, PackOptions, detect};
use crate::runtime::store::{Layer, Store};

/// A tar, kept as it is.
pub(super) fn take_tar(store: &Store, path: &Path, platform: &Platform) -> Result<Descriptor, FetchError> {
    let failed = |source| FetchError::File { path: path.to_owned(), source };
    let blob = store.put_blob(File::open(path).map_err(failed)?, None)?;
    let mut start = [0; 512];
    let mut stored = store.open_blob(&blob.digest)?;
    let length = io::Read::read(&mut stored, &mut start).map_err(failed)?;
    let compression = detect(&start[..length]);
    let media_type = match compression {
        Compression::None => MediaType::LAYER,
        Compression::Gzip => MediaType::LAYER_GZIP,
        Compression::Zstd => MediaType::LAYER_ZSTD,
    };
    let diff_id = if compression == Compression::None {
        blob.digest
    } else {
        let mut plain = Hashed::new(Decompressor::new(store.open_blob(&blob.digest)?).map_err(failed)?);
        io::copy(&mut plain, &mut io::sink()).map_err(failed)?;
        plain.finish().1
    };
    let layer = Layer { blob: Descriptor { media_type: media_type.to_owned(), ..blob }, diff_id };
    // A file that is no tar is told now, not when something is built on it.
    if let Err(error) = store.unpack_layers(std::slice::from_ref(&layer)) {
        store.forget_blob(&layer.blob.digest);
        return Err(FetchError::NotAnImage { path: path.to_owned(), reason: error.to_string() });
    }
    image(store, layer, platform, path)
}

/// A folder. Who is not root cannot keep other owners: everything is root's then.
pub(super) fn take_folder(store: &Store, path: &Path, platform: &Platform) -> Result<Descriptor, FetchError> {
    let is_root = rustix::process::geteuid().is_root() && store.owners() == Owners::Kept;
    let owner = if is_root { None } else { Some((0, 0)) };
    let options = PackOptions { owner, ..PackOptions::new(Owners::Kept) };
    let (blob, _) = store.pack_layer(path, &[], &options)?;
    image(store, Layer { diff_id: blob.digest, blob }, platform, path)
}

fn image(store: &Store, layer: Layer, platform: &Platform, path: &Path) -> Result<Descriptor, FetchError> {
    let mut config = ImageConfig::scratch(platform);
    config.rootfs.diff_ids = vec![layer.diff_id];
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    config.history = vec![History { created_by: Some(format!("imported from {name}")), ..History::default() }];
    Ok(store.put_image(&config, vec![layer.blob])?)
}
