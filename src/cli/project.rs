//! What `cache` and `optimize` share: the build context, the Dockerfile in it, and what the configuration says of both.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use super::registries;
use super::settings::configuration;
use crate::analysis::{self, Project, Session};
use crate::config::{Builder, Discovery, FileSettings, Overrides, Registries, normalize};
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

    /// Whose cache is modelled.
    #[arg(long, value_enum, env = "LAYERWISE_BUILDER")]
    builder: Option<Builder>,

    /// The file with measured times of steps. Unless given, `.layerwise/costs.json` beside the configuration; without one, in
    /// the root of the git repository, or beside the Dockerfile.
    #[arg(long, value_name = "FILE", env = "LAYERWISE_COSTS")]
    costs: Option<PathBuf>,

    /// The configuration file.
    #[arg(long, value_name = "FILE", env = "LAYERWISE_CONFIG", conflicts_with = "isolated")]
    config: Option<OsString>,

    /// Go without a configuration file.
    #[arg(long)]
    isolated: bool,
}

/// How `cache` and `optimize` print what they find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Full,
    /// As documented in `docs/json.md`.
    Json,
}

/// An opened build.
pub(super) struct Opened {
    /// The Dockerfile's path as people should read it.
    pub(super) name: String,
    /// The Dockerfile on disk.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) source: String,
    /// The build context as it was named.
    pub(super) context: PathBuf,
    /// Its surroundings.
    pub(super) project: Project,
    /// What holds for it.
    pub(super) settings: FileSettings,
    /// What is known of programs.
    pub(super) catalog: Catalog,
    /// The file of measured times, absolute.
    pub(super) costs: PathBuf,
    /// Build arguments from the configuration and the command line.
    pub(super) arguments: BTreeMap<String, String>,
}

impl Opened {
    /// A path from the command line as one of the context: relative to its root or, where nothing stands there, to the
    /// working directory.
    pub(super) fn context_path(&self, given: &str) -> Result<String, Failure> {
        let root = self.project.disk.root();
        let within = |path: &Path| {
            let path = normalize(path);
            let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
            let path = parent.zip(path.file_name()).map_or(path.clone(), |(parent, name)| parent.join(name));
            path.strip_prefix(root).ok().map(|path| path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"))
        };
        let from_root = normalize(&root.join(given));
        let here = std::env::current_dir().unwrap_or_default().join(given);
        let stands = |path: &Path| path.symlink_metadata().is_ok();
        let meant = if !stands(&from_root) && stands(&here) { within(&here) } else { within(&from_root) };
        meant
            .or_else(|| within(&here))
            .ok_or_else(|| Failure::Outside { path: given.to_owned(), context: super::shown(&self.context) })
    }
}

impl BuildArgs {
    /// How the configuration of the Dockerfile has registries asked.
    pub(super) fn registries(&self) -> Result<Registries, Failure> {
        let folder = self.file.as_deref().and_then(Path::parent).unwrap_or(&self.context);
        registries::registries(folder, self.config.clone(), self.isolated)
    }

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
        let from = configuration(self.config.clone(), self.isolated);
        let settings = Discovery::new(&directory, from, Overrides { builder: self.builder, ..Overrides::default() })?
            .for_file(&path)
            .map_err(Failure::Config)?;
        let project = Project::open(&Session::default(), &directory.join(&self.context), &path, &[])?
            .with_others(&settings.contexts);
        // Builds that are declared of another context are others.
        let declared =
            settings.context.as_ref().is_none_or(|context| *context == normalize(&directory.join(&self.context)));
        let mut arguments = if declared { settings.args.clone() } else { settings.settings.args.clone() };
        for given in &self.arguments {
            let (name, value) =
                given.split_once('=').map_or((given.as_str(), None), |(name, value)| (name, Some(value)));
            // As `docker build` has it, a name alone takes the value from the environment.
            let value = value.map(str::to_owned).or_else(|| std::env::var(name).ok());
            arguments.extend(value.map(|value| (name.to_owned(), value)));
        }
        let costs = self.costs.as_ref().map_or_else(|| settings.settings.costs(), |path| directory.join(path));
        let catalog = analysis::catalog(&settings.settings, &costs)?;
        Ok(Opened { name, path, source, context: self.context.clone(), project, settings, catalog, costs, arguments })
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
