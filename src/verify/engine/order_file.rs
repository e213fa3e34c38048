//! The files that an external builder is given besides the context.

use std::path::{Path, PathBuf};

use super::{EngineError, Order};
use crate::source::TemporaryFolder;

/// A Dockerfile and its ignore file in a folder of their own; gone when dropped.
#[derive(Debug)]
pub(super) struct OrderFiles {
    folder: TemporaryFolder,
}

impl OrderFiles {
    /// Writes the files of an order.
    pub(super) fn write(order: &Order<'_>) -> Result<Self, EngineError> {
        let temporary = std::env::temp_dir();
        let folder = TemporaryFolder::new();
        let folder = folder.map_err(|error| EngineError::Unwritable { path: temporary, reason: error.to_string() })?;
        let files = Self { folder };
        put(&files.dockerfile(), order.dockerfile)?;
        if let Some(text) = order.ignore {
            put(&files.ignore_file(), text)?;
        }
        Ok(files)
    }

    /// The Dockerfile.
    pub(super) fn dockerfile(&self) -> PathBuf {
        self.folder.path().join("Dockerfile")
    }

    /// The ignore file; builders look for it under this name beside the Dockerfile.
    pub(super) fn ignore_file(&self) -> PathBuf {
        self.folder.path().join("Dockerfile.dockerignore")
    }

    /// Where the image goes.
    pub(super) fn archive(&self) -> PathBuf {
        self.folder.path().join("image.tar")
    }
}

fn put(path: &Path, text: &str) -> Result<(), EngineError> {
    std::fs::write(path, text)
        .map_err(|error| EngineError::Unwritable { path: path.to_owned(), reason: error.to_string() })
}

/// Options that all builders share: arguments, target, Dockerfile.
pub(super) fn options(order: &Order<'_>, files: &OrderFiles) -> Vec<String> {
    let mut options = vec!["--file".to_owned(), shown(&files.dockerfile())];
    options.extend(order.arguments.iter().map(|(name, value)| format!("--build-arg={name}={value}")));
    options.extend(order.target.map(|target| format!("--target={target}")));
    options.extend(order.fresh.then(|| "--no-cache".to_owned()));
    options
}

/// A path as an argument.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
