//! What people write for the place of an image.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::runtime::image::{Compression, Reference, ReferenceError};
use crate::runtime::layer::{Decompressor, detect};

/// The place of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A registry: `docker://REFERENCE`, or a plain reference.
    Registry(Reference),
    /// `oci:FOLDER[:NAME]`.
    Layout {
        /// The layout.
        folder: PathBuf,
        /// Which of its images.
        name: Option<String>,
    },
    /// `docker-archive:FILE[:NAME]`: what `docker save` writes.
    Archive {
        /// The archive.
        file: PathBuf,
        /// Which of its images.
        name: Option<String>,
    },
    /// A tar of a root file system, compressed or not.
    RootTar(PathBuf),
    /// A folder that is a root file system.
    RootFolder(PathBuf),
}

/// Why a text names no place.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No file and no name.
    #[error(
        "`{text}` is neither a file nor a folder nor an image ({reason}); a source is a path, `oci:FOLDER[:TAG]`, \
         `docker-archive:FILE` or `docker://IMAGE`"
    )]
    Unknown {
        /// The text.
        text: String,
        /// Why it is no image.
        reason: ReferenceError,
    },
    /// A file that cannot be looked at.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Source {
    /// What stands in a `FROM`: paths need their prefix.
    pub fn parse_from(text: &str) -> Result<Self, SourceError> {
        match Self::prefixed(text) {
            Some(source) => Ok(source),
            None => reference(text.strip_prefix("docker://").unwrap_or(text)),
        }
    }

    /// What is given to `image import`: a path is looked at for what it holds.
    pub fn parse_path(text: &str) -> Result<Self, SourceError> {
        if let Some(source) = Self::prefixed(text) {
            return Ok(source);
        }
        let path = Path::new(text);
        if text.starts_with("docker://") || !path.exists() {
            return Self::parse_from(text);
        }
        if path.is_dir() {
            let layout = path.join("oci-layout").is_file();
            let folder = path.to_owned();
            return Ok(if layout { Self::Layout { folder, name: None } } else { Self::RootFolder(folder) });
        }
        let is_archive = is_archive(path).map_err(|source| SourceError::File { path: path.to_owned(), source })?;
        let file = path.to_owned();
        Ok(if is_archive { Self::Archive { file, name: None } } else { Self::RootTar(file) })
    }

    fn prefixed(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("oci:") {
            let (folder, name) = split_name(rest);
            return Some(Self::Layout { folder, name });
        }
        let rest = text.strip_prefix("docker-archive:").or_else(|| text.strip_prefix("oci-archive:"))?;
        let (file, name) = split_name(rest);
        Some(Self::Archive { file, name })
    }
}

/// `PATH[:NAME]`, split where the tools do it: at the first colon, unless the whole is a path that is there.
fn split_name(text: &str) -> (PathBuf, Option<String>) {
    match text.split_once(':') {
        Some((path, name)) if !Path::new(text).exists() => (path.into(), Some(name.to_owned())),
        _ => (text.into(), None),
    }
}

fn reference(text: &str) -> Result<Source, SourceError> {
    let parsed = text.parse().map(Source::Registry);
    parsed.map_err(|reason| SourceError::Unknown { text: text.chars().take(200).collect(), reason })
}

/// Whether a tar is an image rather than a root file system. Programs write the documents of an image to the root of
/// the archive; a root file system does not have them.
fn is_archive(path: &Path) -> std::io::Result<bool> {
    let mut start = [0; 4];
    let length = File::open(path)?.read(&mut start)?;
    let file = File::open(path)?;
    let documents = |name: &[u8]| matches!(name.strip_prefix(b"./").unwrap_or(name), b"manifest.json" | b"oci-layout");
    if detect(&start[..length]) == Compression::None {
        // With the file's own `seek`, contents are skipped, not read.
        let mut archive = tar::Archive::new(file);
        return Ok(archive.entries_with_seek()?.flatten().any(|entry| documents(&entry.path_bytes())));
    }
    let mut archive = tar::Archive::new(Decompressor::new(file)?);
    // A root file system has thousands of entries; an image has few.
    Ok(archive.entries()?.take(2000).flatten().any(|entry| documents(&entry.path_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_prefixes() {
        let layout =
            |folder: &str, name: Option<&str>| Source::Layout { folder: folder.into(), name: name.map(str::to_owned) };
        let from = |text: &str| Source::parse_from(text).unwrap();
        assert_eq!(from("oci:some/dir"), layout("some/dir", None));
        assert_eq!(from("oci:dir:1.0"), layout("dir", Some("1.0")));
        assert_eq!(from("oci:dir:docker.io/library/a:1"), layout("dir", Some("docker.io/library/a:1")));
        assert_eq!(from("docker-archive:a.tar"), Source::Archive { file: "a.tar".into(), name: None });
        assert_eq!(from("docker://busybox"), from("busybox"));
        assert!(Source::parse_from("./folder").is_err());
        assert!(matches!(Source::parse_path("/"), Ok(Source::RootFolder(_))));
    }
}
