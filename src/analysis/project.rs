//! The project around a Dockerfile: its build context, ignore file and history.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::{Session, neighbours::neighbours};
use crate::{
    context::{Context, Entry, EntryKind, History, IgnoreFile, ReadError},
    diagnostic::FileEdit,
    optimize::Draft,
    source::DiskContext,
};

/// The name of the ignore file at the root of a context.
const IGNORE_FILE: &str = ".dockerignore";

/// A build context on disk, seen with files that are not written yet.
#[derive(Debug)]
pub struct Project {
    /// The folder.
    pub disk: Arc<DiskContext>,
    /// The Dockerfile's path relative to the root of the context; its bare name where it lies outside.
    pub dockerfile: String,
    /// The ignore file in force, or the one that would be created: relative to the root of the context. It begins with
    /// `..` where it stands beside a Dockerfile that lies outside.
    pub ignore_path: String,
    /// Its text.
    pub ignore: Option<String>,
    pending: Vec<FileEdit>,
    /// The names of the other contexts that the build is given.
    others: BTreeSet<String>,
    /// Other Dockerfiles with the same ignore file, once they were asked for.
    neighbours: OnceLock<Vec<(String, String)>>,
}

impl Project {
    /// Opens the context in the folder `root` for a Dockerfile.
    ///
    /// # Errors
    /// [`ProjectError`] where there is no such folder, or its ignore file cannot be read.
    pub fn open(session: &Session, root: &Path, dockerfile: &Path, pending: &[FileEdit]) -> Result<Self, ProjectError> {
        let disk = session.context(root)?;
        let absolute = dockerfile.canonicalize().unwrap_or_else(|_| dockerfile.to_owned());
        let inside = absolute.strip_prefix(disk.root()).ok().map(|path| path.to_string_lossy().replace('\\', "/"));
        let name = || dockerfile.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let outside = inside.is_none().then_some(absolute.as_path());
        let mut project = Self {
            disk,
            dockerfile: inside.unwrap_or_else(name),
            ignore_path: IGNORE_FILE.to_owned(),
            ignore: None,
            pending: pending.to_vec(),
            others: BTreeSet::new(),
            neighbours: OnceLock::new(),
        };
        let (path, text) = project.find_ignore_file(outside)?;
        project.ignore_path = path;
        project.ignore = text;
        Ok(project)
    }

    /// The same for a build that is given other contexts of these names.
    #[must_use]
    pub fn with_others(self, names: &BTreeSet<String>) -> Self {
        Self { others: names.iter().map(|name| plain_name(name)).collect(), ..self }
    }

    /// The texts that a plan for this Dockerfile begins with.
    pub fn draft(&self, source: &str) -> Draft {
        Draft { dockerfile: source.to_owned(), ignore_path: self.ignore_path.clone(), ignore: self.ignore.clone() }
    }

    /// The ignore file, read.
    pub fn ignore_file(&self) -> Option<IgnoreFile> {
        self.ignore.as_ref().map(|text| IgnoreFile::parse(&self.ignore_path, text))
    }

    /// The path and the text of the ignore file; `outside` is a Dockerfile that lies outside of the context.
    fn find_ignore_file(&self, outside: Option<&Path>) -> Result<(String, Option<String>), ProjectError> {
        let own = match outside {
            None => format!("{}.dockerignore", self.dockerfile),
            Some(dockerfile) => format!("{}.dockerignore", path_from(self.disk.root(), dockerfile)),
        };
        if let Some(text) = self.beside(&own, outside)? {
            return Ok((own, Some(text)));
        }
        for path in [own.as_str(), IGNORE_FILE] {
            match self.read(path) {
                Ok(bytes) => return Ok((path.to_owned(), Some(text(&self.disk.root().join(path), bytes)?))),
                Err(ReadError::Missing(_)) => {}
                Err(ReadError::Unreadable { reason, .. }) => {
                    return Err(ProjectError::IgnoreFile { path: self.disk.root().join(path), reason });
                }
            }
        }
        Ok((IGNORE_FILE.to_owned(), None))
    }

    /// The ignore file beside a Dockerfile that lies outside of the context, where there is one.
    fn beside(&self, own: &str, outside: Option<&Path>) -> Result<Option<String>, ProjectError> {
        if outside.is_none() {
            return Ok(None);
        }
        if let Some(file) = self.pending.iter().find(|file| file.path == own) {
            return Ok(Some(file.text.clone()));
        }
        let path = self.disk.root().join(own);
        match std::fs::read(&path) {
            Ok(bytes) => text(&path, bytes).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ProjectError::IgnoreFile { path, reason: error.to_string() }),
        }
    }
}

/// A name as `BuildKit` compares it with those of contexts: `latest` is what no tag means.
fn plain_name(name: &str) -> String {
    let name = name.to_lowercase();
    name.strip_suffix(":latest").map_or(name.clone(), str::to_owned)
}

/// The way from a folder to a file that does not lie below it; both are absolute.
fn path_from(folder: &Path, file: &Path) -> String {
    let shared = folder.components().zip(file.components()).take_while(|(left, right)| left == right).count();
    let up = folder.components().skip(shared).map(|_| "..".to_owned());
    let down = file.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// An ignore file's text. Other bytes would be lost where the file is written anew.
fn text(path: &Path, bytes: Vec<u8>) -> Result<String, ProjectError> {
    let wrong = |reason: String| ProjectError::IgnoreFile { path: path.to_owned(), reason };
    String::from_utf8(bytes)
        .map_err(|error| wrong(format!("it is not UTF-8 from byte {} on", error.utf8_error().valid_up_to())))
}

/// Why a project cannot be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// The build context is not there.
    #[error("the build context `{}` cannot be read: {reason}", path.display())]
    NoContext {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The ignore file is there and cannot be read.
    #[error("`{}` cannot be read: {reason}", path.display())]
    IgnoreFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl Context for Project {
    fn entry(&self, path: &str) -> Option<Entry> {
        match self.pending.iter().find(|file| file.path == path) {
            Some(file) => Some(Entry { kind: EntryKind::File, mode: 0o644, size: file.text.len() as u64, link: None }),
            None => self.disk.entry(path),
        }
    }

    fn list(&self, directory: &str) -> Vec<(String, Entry)> {
        self.disk.list(directory)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        match self.pending.iter().find(|file| file.path == path) {
            Some(file) => Ok(file.text.clone().into_bytes()),
            None => self.disk.read(path),
        }
    }

    fn history(&self, limit: usize) -> Option<Arc<History>> {
        self.disk.history(limit)
    }

    fn is_untracked_by_rule(&self, path: &str) -> bool {
        self.disk.is_untracked_by_rule(path)
    }

    fn has_other(&self, name: &str) -> bool {
        self.others.contains(&plain_name(name))
    }

    fn other_dockerfiles(&self) -> Vec<(String, String)> {
        self.neighbours.get_or_init(|| neighbours(self, IGNORE_FILE)).clone()
    }
}
