//! Which configuration file holds for a file: the nearest one upward, up to the root of the git repository.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::builds::{Builds, DeclaredBuild};
use super::paths::{display_path, normalize};
use super::{ConfigError, FILE_NAME, FileSettings, Overrides, Settings};
use crate::lint::UnknownRule;

/// Where configuration comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The nearest file upward.
    #[default]
    Nearest,
    /// This file, for all.
    File(PathBuf),
    /// No file.
    Isolated,
}

/// Finds and keeps the configuration of every folder.
#[derive(Debug)]
pub struct Discovery {
    working_directory: PathBuf,
    source: Source,
    overrides: Overrides,
    /// What holds where configuration files do not count.
    fallback: Arc<Settings>,
    /// What holds where there is no file, by the folder that stands for the project.
    bare: Mutex<HashMap<PathBuf, Arc<Settings>>>,
    loaded: Mutex<HashMap<PathBuf, Loaded>>,
    builds: Builds,
}

type Loaded = Result<Arc<Settings>, Arc<ConfigError>>;

impl Discovery {
    /// A discovery that starts relative paths from `working_directory`, which is absolute.
    ///
    /// # Errors
    /// [`UnknownRule`] where the overrides name one.
    pub fn new(working_directory: &Path, source: Source, overrides: Overrides) -> Result<Self, UnknownRule> {
        let fallback = Arc::new(Settings::without_file(working_directory, &overrides)?);
        let working_directory = working_directory.to_owned();
        Ok(Self {
            working_directory,
            source,
            overrides,
            fallback,
            bare: Mutex::default(),
            loaded: Mutex::default(),
            builds: Builds::default(),
        })
    }

    /// What holds for a file, which need not exist; a relative path starts from the working directory. Where the
    /// configuration names no build context, Compose and Bake files do: those in the folders above the file, up to the root
    /// of the git repository, and those in folders that were [added](Self::add_builds).
    ///
    /// # Errors
    /// [`ConfigError`] where the configuration that holds for it is broken.
    pub fn for_file(&self, path: &Path) -> Result<FileSettings, Arc<ConfigError>> {
        let path = self.absolute(path);
        let directory = path.parent().unwrap_or(&path);
        let mut settings = self.for_directory(directory)?.for_file(&path);
        settings.declare(self.builds.of_file(&path));
        Ok(settings)
    }

    /// What holds for a declared build whose Dockerfile stands in the file that declares it.
    ///
    /// # Errors
    /// [`ConfigError`] where the configuration that holds for that file is broken.
    pub fn for_build(&self, build: &DeclaredBuild) -> Result<FileSettings, Arc<ConfigError>> {
        let directory = build.file.parent().unwrap_or(&build.file);
        let mut settings = self.for_directory(directory)?.for_file(&build.file);
        settings.declare(build.into());
        Ok(settings)
    }

    /// Lets the Compose and Bake files of a folder tell of Dockerfiles anywhere. Gives the builds that they declare.
    pub fn add_builds(&self, folder: &Path) -> Arc<Vec<DeclaredBuild>> {
        let folder = self.absolute(folder);
        self.builds.add_folder(&folder);
        self.builds.of_folder(&folder)
    }

    /// What holds for the files of a folder.
    ///
    /// # Errors
    /// [`ConfigError`] where the configuration that holds for it is broken.
    pub fn for_directory(&self, directory: &Path) -> Result<Arc<Settings>, Arc<ConfigError>> {
        let file = match &self.source {
            Source::Isolated => return Ok(Arc::clone(&self.fallback)),
            Source::File(file) => self.absolute(file),
            Source::Nearest => match nearest(&self.absolute(directory)) {
                Ok(file) => file,
                Err(root) => return Ok(self.bare(root)),
            },
        };
        // Another thread's panic leaves the map whole: an entry is inserted in one step.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.entry(file.clone()).or_insert_with(|| self.load(&file).map(Arc::new).map_err(Arc::new)).clone()
    }

    /// What holds for the files of a project without a configuration.
    fn bare(&self, root: PathBuf) -> Arc<Settings> {
        let mut bare = self.bare.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = bare.entry(root).or_insert_with_key(|root| {
            // The overrides were good for the fallback.
            Settings::without_file(root, &self.overrides).map_or_else(|_| Arc::clone(&self.fallback), Arc::new)
        });
        Arc::clone(settings)
    }

    /// The path from the root of the file system, as written.
    pub fn join(&self, path: &Path) -> PathBuf {
        self.working_directory.join(path)
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        normalize(&self.join(path))
    }

    fn load(&self, file: &Path) -> Result<Settings, ConfigError> {
        let path = display_path(file, &self.working_directory);
        let text = std::fs::read_to_string(file)
            .map_err(|error| ConfigError::Unreadable { path: path.clone(), reason: error.to_string() })?;
        let root = file.parent().unwrap_or(&self.working_directory);
        Settings::read(root, &path, &text, &self.overrides)
    }
}

/// The configuration file in `directory` or in the nearest folder above it that has one. The search ends at the folder
/// that holds `.git`. Where there is none, that folder stands for the project, or `directory` where there is no repository.
fn nearest(directory: &Path) -> Result<PathBuf, PathBuf> {
    for folder in directory.ancestors() {
        let file = folder.join(FILE_NAME);
        if file.symlink_metadata().is_ok() {
            return Ok(file);
        }
        if folder.join(".git").symlink_metadata().is_ok() {
            return Err(folder.to_owned());
        }
    }
    Err(directory.to_owned())
}
