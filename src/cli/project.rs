//! What `cache` and `optimize` share: the build context, the Dockerfile in it, and what the configuration says of both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use crate::analysis::{self, Project, Session};
use crate::config::{Discovery, FileSettings, Overrides, Source};
use crate::ecosystem::Catalog;

/// Which build is meant.
#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// The build context: a folder.
    #[arg(default_value = ".", value_name = "CONTEXT")]
    pub(super) context: PathBuf,

    /// The Dockerfile; `Dockerfile` or `Containerfile` in the context unless given.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,

    /// The stage to build; the last unless given.
    #[arg(long, value_name = "STAGE")]
    pub(super) target: Option<String>,

    /// A value for a build argument.
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    arguments: Vec<String>,

    /// The configuration file.
    #[arg(long, value_name = "FILE", env = "LAYERWISE_CONFIG")]
    config: Option<PathBuf>,
}

/// An opened build.
pub(super) struct Opened {
    /// The Dockerfile's path as people should read it.
    pub(super) name: String,
    /// The Dockerfile on disk.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) source: String,
    /// Its surroundings.
    pub(super) project: Project,
    /// What holds for it.
    pub(super) settings: FileSettings,
    /// What is known of programs.
    pub(super) catalog: Catalog,
    /// Build arguments from the configuration and the command line.
    pub(super) arguments: BTreeMap<String, String>,
}

impl BuildArgs {
    /// Reads the Dockerfile and opens its surroundings.
    pub(super) fn open(&self) -> Result<Opened, Failure> {
        let directory = std::env::current_dir().map_err(|error| Failure::NoWorkingDirectory(error.to_string()))?;
        let named = match &self.file {
            Some(file) => file.clone(),
            None => self.default_file()?,
        };
        let name = super::shown(&named);
        let path = directory.join(&named);
        let source = super::read::file(&path, &name)?;
        let from = self.config.as_ref().map_or(Source::Nearest, |file| Source::File(file.clone()));
        let settings =
            Discovery::new(&directory, from, Overrides::default())?.for_file(&path).map_err(Failure::Config)?;
        let project = Project::open(&Session::default(), &directory.join(&self.context), &path, &[])?;
        let mut arguments = settings.settings.args.clone();
        for given in &self.arguments {
            let (name, value) =
                given.split_once('=').map_or((given.as_str(), None), |(name, value)| (name, Some(value)));
            // As `docker build` has it, a name alone takes the value from the environment.
            let value = value.map(str::to_owned).or_else(|| std::env::var(name).ok());
            arguments.extend(value.map(|value| (name.to_owned(), value)));
        }
        let catalog = analysis::catalog(&settings.settings)?;
        Ok(Opened { name, path, source, project, settings, catalog, arguments })
    }

    fn default_file(&self) -> Result<PathBuf, Failure> {
        if !self.context.is_dir() {
            return Err(Failure::NoContext(super::shown(&self.context)));
        }
        let candidates = ["Dockerfile", "Containerfile"].map(|name| self.context.join(name));
        match candidates.iter().find(|path| Path::exists(path)) {
            Some(path) => Ok(path.clone()),
            None => Err(Failure::NoDockerfile(super::shown(&self.context))),
        }
    }
}
