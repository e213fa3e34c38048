//! Images for others: as a layout, an archive, a folder or a tar.
//!
//! For the same image the bytes are the same, whenever and wherever they are written.

mod archive;
mod layout;
mod root;

use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use archive::docker_archive;
pub use layout::oci;
pub use root::{dir, tar};

use super::image::{Descriptor, Reference};
use super::layer::LayerError;
use super::store::{Store, StoreError};

/// Where an image goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// `oci:FOLDER[:NAME]`: an OCI layout; other images in it stay.
    Layout {
        /// The folder.
        folder: PathBuf,
        /// What the image is called there.
        name: Option<String>,
    },
    /// `docker-archive:FILE[:NAME]`: what `docker load` reads.
    Archive {
        /// The file.
        file: PathBuf,
        /// What the image is called there.
        name: Option<Reference>,
    },
    /// `dir:FOLDER`: the files of the image.
    Folder(PathBuf),
    /// `tar:FILE`: the files of the image.
    Tar(PathBuf),
}

/// Why an image cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The destination.
    #[error("`{}` cannot be written: {source}", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The files.
    #[error("`{}` cannot be written: {source}", path.display())]
    Files {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        source: LayerError,
    },
    /// A text that names no destination.
    #[error(
        "`{0}` is no destination; wanted is `oci:FOLDER[:TAG]`, `docker-archive:FILE[:NAME]`, `dir:FOLDER` or `tar:FILE`"
    )]
    NoDestination(String),
}

impl ExportError {
    fn unwritable(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Unwritable { path, source }
    }
}

impl FromStr for Destination {
    type Err = ExportError;

    fn from_str(text: &str) -> Result<Self, ExportError> {
        let wrong = || ExportError::NoDestination(text.chars().take(200).collect());
        let (kind, rest) = text.split_once(':').filter(|(_, rest)| !rest.is_empty()).ok_or_else(wrong)?;
        let (path, name) = rest.split_once(':').map_or((rest, None), |(path, name)| (path, Some(name)));
        match kind {
            "oci" if !path.is_empty() => Ok(Self::Layout { folder: path.into(), name: name.map(str::to_owned) }),
            "docker-archive" if !path.is_empty() => {
                let name = name.map(str::parse).transpose().map_err(|_| wrong())?;
                Ok(Self::Archive { file: path.into(), name })
            }
            "dir" => Ok(Self::Folder(rest.into())),
            "tar" => Ok(Self::Tar(rest.into())),
            _ => Err(wrong()),
        }
    }
}

/// Writes an image to a destination. `name` is what it is called where the destination does not say.
pub fn write(
    store: &Store,
    manifest: &Descriptor,
    name: Option<&Reference>,
    to: &Destination,
) -> Result<(), ExportError> {
    match to {
        Destination::Layout { folder, name: own } => {
            let tag = own.as_deref().or_else(|| name?.tag());
            oci(store, manifest, folder, tag)
        }
        Destination::Archive { file, name: own } => {
            docker_archive(store, manifest, file, own.as_ref().or(name).map(std::slice::from_ref).unwrap_or_default())
        }
        Destination::Folder(folder) => dir(store, manifest, folder),
        Destination::Tar(file) => tar(store, manifest, file),
    }
}

/// Writes a file whole: next to it, then renamed.
fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut std::fs::File) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    let file = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)).tempfile_in(folder);
    let mut file = file.map_err(ExportError::unwritable(path))?;
    write(file.as_file_mut())?;
    file.persist(path).map_err(|error| ExportError::unwritable(path)(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests;
