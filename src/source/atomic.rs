//! Replacing a file whole or not at all.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file could not be written; it is as it was.
#[derive(Debug, thiserror::Error)]
#[error("`{path}` cannot be written: {source}")]
pub struct WriteError {
    /// The file that was to be written.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Puts `bytes` in place of the file at `path`, which keeps its permission bits; a link stays a link and the file it
/// points to is replaced. A reader sees the old bytes or the new ones, also after a loss of power.
///
/// # Errors
/// [`WriteError`] where the folder or the file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    stage(path, bytes)?.put_in_place()
}

/// A new file beside the one that it is to replace. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    target: PathBuf,
    file: NamedTempFile,
}

/// The first half of [`write()`]: whatever may fail is done, and nothing is replaced yet.
///
/// # Errors
/// [`WriteError`] where the folder or the file cannot be written.
pub fn stage(path: &Path, bytes: &[u8]) -> Result<Staged, WriteError> {
    staged(path, bytes).map_err(|source| WriteError { path: path.to_owned(), source })
}

impl Staged {
    /// The second half of [`write()`].
    ///
    /// # Errors
    /// [`WriteError`] where the system does not rename the file.
    pub fn put_in_place(self) -> Result<(), WriteError> {
        let Self { path, target, file } = self;
        file.persist(&target).map(drop).map_err(|error| WriteError { path, source: error.error })
    }
}

fn staged(path: &Path, bytes: &[u8]) -> io::Result<Staged> {
    let target = match path.canonicalize() {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => path.to_owned(),
        Err(error) => return Err(error),
    };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let old = old_permissions(&target)?;
    let mut file = new_file(folder)?;
    file.write_all(bytes)?;
    if let Some(old) = old {
        file.as_file().set_permissions(old)?;
    }
    file.as_file().sync_all()?;
    Ok(Staged { path: path.to_owned(), target, file })
}

/// The bits of the file that is to be replaced; `None` where there is none.
fn old_permissions(target: &Path) -> io::Result<Option<Permissions>> {
    match fs::metadata(target) {
        Ok(metadata) if metadata.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory")),
        // A file that its owner made read-only is not replaced behind its back.
        Ok(metadata) if metadata.permissions().readonly() => {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"))
        }
        Ok(metadata) => Ok(Some(metadata.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A temporary file with the bits that the process gives to new files.
fn new_file(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".layerwise-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
