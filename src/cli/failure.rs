//! What keeps the program from doing its work: each names the file and the remedy, and leads to exit code 2.

use std::path::Path;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::{Status, terminal};
use crate::analysis::{BuildError, CatalogError, CheckError, ProjectError};
use crate::config::{ConfigError, display_path};
use crate::ecosystem::PackError;
use crate::lint::UnknownRule;

/// A failure of the program, as against a finding in a Dockerfile.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(super) enum Failure {
    /// A path from the command line that is not there.
    #[error("`{0}` does not exist")]
    #[diagnostic(help("check the spelling; paths start from the working directory"))]
    Missing(String),
    /// A folder where a file was wanted.
    #[error("`{0}` is a folder, not a Dockerfile")]
    #[diagnostic(help("`docker build` cannot read it either: give the folder another name, or name a file in it"))]
    Folder(String),
    /// A folder where the file to compare with was wanted; the last is what to name in its place.
    #[error("`--against {path}` names a folder")]
    #[diagnostic(help("name the Dockerfile itself{remedy}"))]
    AgainstFolder { path: String, remedy: String },
    /// The system does not let us read it.
    #[error("`{path}` cannot be read: {reason}")]
    #[diagnostic(help("check its permissions"))]
    Unreadable { path: String, reason: String },
    /// Not text.
    #[error("`{path}` is not a text file: {reason}")]
    #[diagnostic(help(
        "a Dockerfile is UTF-8 text; save it as such, or leave it out with `exclude` in `layerwise.toml`"
    ))]
    Binary { path: String, reason: String },
    /// Too much.
    #[error("`{path}` is too large for a Dockerfile: more than {limit} bytes")]
    #[diagnostic(help("leave it out with `exclude` in `layerwise.toml`"))]
    TooLarge { path: String, limit: u64 },
    /// A fix could not be written.
    #[error("`{path}` cannot be written: {reason}")]
    #[diagnostic(help("check the permissions of the file and its folder; the file is as it was"))]
    Unwritable { path: String, reason: String },
    /// A folder that is not there.
    #[error("`{0}` is not a folder")]
    #[diagnostic(help("create it first; paths start from the working directory"))]
    NoFolder(String),
    /// A file that would be lost.
    #[error("`{0}` exists")]
    #[diagnostic(help("pass `--force` to replace it"))]
    Exists(String),
    /// A configuration of hadolint that cannot be taken over.
    #[error("`{path}` is no configuration of hadolint: {reason}")]
    #[diagnostic(help(
        "mend or name the file, as in `--from-hadolint .hadolint.yaml`; without the option nothing is taken over"
    ))]
    Hadolint { path: String, reason: String },
    /// A build context that is no folder.
    #[error("the build context `{0}` is not a folder")]
    #[diagnostic(help("name the folder that `docker build` is given, and the Dockerfile with `--file`"))]
    NoContext(String),
    /// A build context without a Dockerfile.
    #[error("there is no `Dockerfile` in `{0}`")]
    #[diagnostic(help("name the file with `--file`"))]
    NoDockerfile(String),
    /// A build context that is there and cannot be read.
    #[error("the build context `{path}` cannot be read: {reason}")]
    #[diagnostic(help("check its permissions, and `context` in `layerwise.toml`"))]
    Context { path: String, reason: String },
    /// The ignore file.
    #[error("`{path}` cannot be read: {reason}")]
    #[diagnostic(help("an ignore file is UTF-8 text: save it as such, and check its permissions"))]
    IgnoreFile { path: String, reason: String },
    /// A pack of the user that cannot be read.
    #[error("the pack `{path}` cannot be read: {reason}")]
    #[diagnostic(help("check its permissions, or take it out of `ecosystems` in `layerwise.toml`"))]
    UnreadablePack { path: String, reason: String },
    /// A pack of the user that is wrong.
    #[error("{message}")]
    Pack {
        message: String,
        #[help]
        help: String,
    },
    /// The file of measured times.
    #[error("the measured times in `{path}` cannot be read: {reason}")]
    #[diagnostic(help("delete the file; `layerwise verify` writes it anew"))]
    Costs { path: String, reason: String },
    /// Verification could not be done.
    #[error("could not build: {0}")]
    #[diagnostic(help(
        "the file as it is must build with the engine; `--engine` names another one, `--engine-option` passes options on"
    ))]
    Engine(crate::verify::EngineError),
    /// A build that does not exist.
    #[error("`{path}`: {error}")]
    Build {
        path: String,
        error: BuildError,
        #[help]
        help: &'static str,
    },
    /// A path that is no part of the build context.
    #[error("`{path}` lies outside of the build context `{context}`")]
    #[diagnostic(help("only files of the context change a build; paths start from its root"))]
    Outside { path: String, context: String },
    /// The history cannot be asked.
    #[error("{0}")]
    #[diagnostic(help("`--since` takes a commit, a branch or a tag; `--changed PATH` needs no git"))]
    History(String),
    /// The changes of a branch cannot be asked.
    #[error("what the branch changes is not known: {0}")]
    #[diagnostic(help(
        "`--changed-since` takes a commit, a branch or a tag of the repository that the file stands in; where the clone is \
         shallow, fetch the whole history"
    ))]
    Branch(String),
    /// A baseline that cannot be used.
    #[error("the baseline `{path}` cannot be used: {reason}")]
    #[diagnostic(help("check the path, or write the file anew with `--write-baseline`"))]
    Baseline { path: String, reason: String },
    /// A baseline that would forget findings.
    #[error("the baseline `{0}` is not written, as not everything could be checked")]
    #[diagnostic(help("mend what the other messages name; the file is as it was"))]
    IncompleteBaseline(String),
    /// Options that contradict each other.
    #[error("`{0}` and `{1}` cannot go together")]
    #[diagnostic(help("{2}"))]
    Together(&'static str, &'static str, &'static str),
    /// A command without a manual page.
    #[error("there is no command `{0}`")]
    #[diagnostic(help("`layerwise --help` lists them"))]
    NoCommand(String),
    /// An image to be imported without a name.
    #[cfg(all(feature = "runtime", target_os = "linux"))]
    #[error("`{0}` does not say what the image is called")]
    #[diagnostic(help("name it: `layerwise image import {0} NAME[:TAG]`"))]
    NoImageName(String),
    /// The working directory is gone or unreadable.
    #[error("the working directory cannot be found: {0}")]
    #[diagnostic(help("change to a folder that exists"))]
    NoWorkingDirectory(String),
    /// A rule's name on the command line.
    #[error("{error}")]
    UnknownRule {
        error: UnknownRule,
        #[help]
        help: String,
    },
    /// The store, the sandbox, or what an image is written to.
    #[cfg(all(feature = "runtime", target_os = "linux"))]
    #[error("{0}")]
    Runtime(String),
    /// The configuration.
    #[error(transparent)]
    Config(Arc<ConfigError>),
}

impl From<UnknownRule> for Failure {
    fn from(error: UnknownRule) -> Self {
        Self::UnknownRule { help: error.help(), error }
    }
}

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::NoContext { path, reason } => Self::Context { path: near(&path), reason },
            ProjectError::IgnoreFile { path, reason } => Self::IgnoreFile { path: near(&path), reason },
        }
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Unreadable { path, reason } => Self::UnreadablePack { path: near(&path), reason },
            CatalogError::Costs { path, reason } => Self::Costs { path: near(&path), reason },
            CatalogError::Pack(error) => {
                let remedy = "mend the pack, or take it out of `ecosystems` in `layerwise.toml`".to_owned();
                let PackError { path, line, column, message, remedy: help } = error;
                let message = format!("`{}`, line {line}, column {column}: {message}", near(Path::new(&path)));
                Self::Pack { message, help: help.unwrap_or(remedy) }
            }
        }
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Project(error) => error.into(),
            CheckError::Catalog(error) => error.into(),
        }
    }
}

/// A path relative to the working directory, where it lies below.
pub(super) fn near(path: &Path) -> String {
    display_path(path, &std::env::current_dir().unwrap_or_default())
}

impl Failure {
    /// A failure whose message names the remedy itself.
    #[cfg(all(feature = "runtime", target_os = "linux"))]
    #[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub(super) fn runtime(error: impl std::error::Error) -> Self {
        Self::Runtime(error.to_string())
    }

    /// A build of the Dockerfile `path` that does not exist.
    pub(super) fn build(path: &str, error: BuildError) -> Self {
        let help = match &error {
            BuildError::Syntax { .. } => "`docker build` stops there too; `layerwise check` shows the place",
            BuildError::IgnoreFile { .. } => "`docker build` stops there too: mend the pattern",
            BuildError::Unsupported { .. } => {
                "name the builder that builds the file with `--builder`, or do without it"
            }
            BuildError::NoTarget(_) => "name a stage of the file with `--target`, or its number from 0",
        };
        Self::Build { path: path.to_owned(), error, help }
    }

    /// The failure for people, with the place in the configuration where there is one.
    pub(super) fn render(&self) -> String {
        match self {
            Self::Config(error) => render(error.as_ref()),
            failure => render(failure),
        }
    }
}

/// The status of a command that is done, or what kept it from its work, printed.
pub(super) fn conclude(done: Result<Status, Failure>) -> Status {
    done.unwrap_or_else(|failure| {
        report(&[failure]);
        Status::Failed
    })
}

/// Prints each failure to standard error, the same one once.
pub(super) fn report(failures: &[Failure]) {
    let mut rendered: Vec<String> = Vec::new();
    for text in failures.iter().map(Failure::render) {
        if !rendered.contains(&text) {
            terminal::note(text.trim_end());
            rendered.push(text);
        }
    }
}

fn render(diagnostic: &dyn Diagnostic) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
        .with_links(false)
        .with_width(120)
        .with_wrap_lines(false)
        .with_context_lines(1)
        .without_syntax_highlighting();
    let mut text = String::new();
    match handler.render_report(&mut text, diagnostic) {
        Ok(()) => text,
        Err(_) => diagnostic.to_string(),
    }
}
