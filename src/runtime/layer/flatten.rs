//! Packs a stack of layers as one tar: the tree that a container sees.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::LayerError;
use super::below::{Found, Merged};
use super::pack::{Item, LayerInfo, PackOptions, Packer, at, names};
use super::tree::{is_whiteout, kind_of};
use rustix::fs::FileType;

/// Packs what `layers`, lowest first, show together. The tar has no whiteouts.
pub fn flatten(layers: &[&Path], out: impl Write, options: &PackOptions) -> Result<LayerInfo, LayerError> {
    let roots: Vec<PathBuf> = layers.iter().map(|path| path.to_path_buf()).collect();
    let mut packer = Packer::new(out, options);
    let root = Merged::roots(&roots, options.owners);
    // Folders nest as deep as paths are long, so the way to the current one is a list.
    let mut way = vec![(PathBuf::new(), names_of(&root, Path::new(""))?, root)];
    while let Some((path, left, merged)) = way.last_mut() {
        let Some(name) = left.next() else {
            way.pop();
            continue;
        };
        let own = path.join(&name);
        match merged.child(&name).map_err(|source| at(&own, source))? {
            Found::Nothing => {}
            Found::Folder { path: disk, stat, inside } => {
                packer.item(&Item { disk, path: own.clone(), stat })?;
                way.push((own.clone(), names_of(&inside, &own)?, inside));
            }
            Found::Other { stat, .. } if is_whiteout(&stat) || kind_of(&stat) == FileType::Socket => {}
            Found::Other { path: disk, stat } => packer.item(&Item { disk, path: own, stat })?,
        }
    }
    packer.finish()
}

fn names_of(merged: &Merged, path: &Path) -> Result<std::collections::btree_set::IntoIter<OsString>, LayerError> {
    Ok(union(merged).map_err(|source| at(path, source))?.into_iter())
}

/// The names of all the folders that make up one, sorted.
fn union(merged: &Merged) -> io::Result<BTreeSet<OsString>> {
    let mut found = BTreeSet::new();
    for folder in merged.folders() {
        found.extend(names(folder)?);
    }
    Ok(found)
}
