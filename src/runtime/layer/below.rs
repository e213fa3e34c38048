//! The layers below one, merged as overlay merges them.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::Owners;
use super::attributes::attribute;
use super::tree::{is_whiteout, kind_of};

/// The folders of the lower layers that make up one path, top first. None of their paths goes through a symbolic link.
#[derive(Clone, Debug, Default)]
pub(super) struct Merged {
    folders: Vec<PathBuf>,
    owners: Option<Owners>,
}

/// What the layers below have at a name.
pub(super) enum Found {
    Nothing,
    Folder { path: PathBuf, stat: Stat, inside: Merged },
    Other { path: PathBuf, stat: Stat },
}

impl Merged {
    /// The roots of layers, lowest first.
    pub(super) fn roots(layers: &[PathBuf], owners: Owners) -> Self {
        Self { folders: layers.iter().rev().cloned().collect(), owners: Some(owners) }
    }

    /// The folder whose metadata counts.
    pub(super) fn top(&self) -> Option<&Path> {
        self.folders.first().map(PathBuf::as_path)
    }

    /// The folders, top first.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// What stands at `name` in this folder.
    pub(super) fn child(&self, name: &OsStr) -> io::Result<Found> {
        let mut found: Option<(PathBuf, Stat, Self)> = None;
        for folder in &self.folders {
            let path = folder.join(name);
            let stat = match rustix::fs::lstat(&path) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            if is_whiteout(&stat) {
                break;
            }
            let is_folder = kind_of(&stat) == FileType::Directory;
            match &mut found {
                None if !is_folder => return Ok(Found::Other { path, stat }),
                Some(_) if !is_folder => break,
                None => found = Some((path.clone(), stat, Self { folders: vec![path.clone()], owners: self.owners })),
                Some((_, _, inside)) => inside.folders.push(path.clone()),
            }
            if is_opaque(&path, self.owners)? {
                break;
            }
        }
        Ok(found.map_or(Found::Nothing, |(path, stat, inside)| Found::Folder { path, stat, inside }))
    }

    /// What stands at a path below this folder; links are not followed.
    pub(super) fn find(&self, path: &Path) -> io::Result<Found> {
        let mut merged = self.clone();
        let mut parts = path.iter().peekable();
        while let Some(part) = parts.next() {
            let found = merged.child(part)?;
            if parts.peek().is_none() {
                return Ok(found);
            }
            match found {
                Found::Folder { inside, .. } => merged = inside,
                _ => return Ok(Found::Nothing),
            }
        }
        Ok(Found::Nothing)
    }
}

/// Whether a folder of a layer hides what lies below it.
pub(super) fn is_opaque(path: &Path, owners: Option<Owners>) -> io::Result<bool> {
    let Some(owners) = owners else { return Ok(false) };
    Ok(attribute(path, owners.opaque_attribute())?.as_deref() == Some(b"y"))
}
