//! The files of an image, as a container sees them.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::thread;

use super::{ExportError, write_whole};
use crate::runtime::image::Descriptor;
use crate::runtime::layer::{self, LayerError, Owners, PackOptions};
use crate::runtime::store::{Snapshot, Store};

/// Writes the files of an image as a tar.
pub fn tar(store: &Store, manifest: &Descriptor, path: &Path) -> Result<(), ExportError> {
    let snapshots = snapshots(store, manifest)?;
    write_whole(path, |file| {
        let mut out = BufWriter::with_capacity(256 << 10, file);
        let options = PackOptions::new(store.owners());
        layer::flatten(&paths(&snapshots), &mut out, &options).map_err(|source| files(path, source))?;
        out.flush().map_err(ExportError::unwritable(path))
    })
}

/// Writes the files of an image into a folder, over what is there. Where the process is not root of the machine they
/// belong to whoever runs it.
pub fn dir(store: &Store, manifest: &Descriptor, folder: &Path) -> Result<(), ExportError> {
    let snapshots = snapshots(store, manifest)?;
    fs::create_dir_all(folder).map_err(ExportError::unwritable(folder))?;
    let (owner, owners) = match store.owners() {
        Owners::Kept => (None, Owners::Kept),
        Owners::Mapped | Owners::Recorded => (Some((0, 0)), Owners::Recorded),
    };
    let options = PackOptions { owner, ..PackOptions::new(store.owners()) };
    let (mut reader, writer) = io::pipe().map_err(ExportError::unwritable(folder))?;
    let (packed, unpacked) = thread::scope(|scope| {
        let packing = scope.spawn(|| -> Result<(), LayerError> {
            let mut out = BufWriter::with_capacity(256 << 10, writer);
            layer::flatten(&paths(&snapshots), &mut out, &options)?;
            out.flush().map_err(LayerError::Stream)
        });
        let unpacked = layer::unpack(&mut reader, folder, &[], owners);
        // What follows the end of the tar: its writer must not find the pipe closed.
        let drained = if unpacked.is_ok() { io::copy(&mut reader, &mut io::sink()).map(drop) } else { Ok(()) };
        drop(reader);
        let unpacked = unpacked.and_then(|_| drained.map_err(LayerError::Stream));
        (packing.join().unwrap_or(Err(LayerError::Below)), unpacked)
    });
    // Who cannot write lets the other one write into nothing: the first reason is the reader's.
    unpacked.map_err(|source| files(folder, source))?;
    packed.map_err(|source| files(folder, source))
}

fn snapshots(store: &Store, manifest: &Descriptor) -> Result<Vec<Snapshot>, ExportError> {
    let (manifest, config) = store.manifest(manifest)?;
    Ok(store.ensure_unpacked(&config, &manifest)?)
}

fn paths(snapshots: &[Snapshot]) -> Vec<&Path> {
    snapshots.iter().map(|snapshot| snapshot.path.as_path()).collect()
}

fn files(path: &Path, source: LayerError) -> ExportError {
    ExportError::Files { path: path.to_owned(), source }
}
