//! What keeps the program from doing its work: each names the file and the remedy, and leads to exit code 2.

use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::terminal;
use crate::analysis::{CatalogError, CheckError, ProjectError};
use crate::config::ConfigError;
use crate::lint::UnknownRule;

/// A failure of the program, as against a finding in a Dockerfile.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(super) enum Failure {
    /// A path from the command line that is not there.
    #[error("`{0}` does not exist")]
    #[diagnostic(help("check the spelling; without a path, `layerwise check` looks at the working directory"))]
    Missing(String),
    /// A folder where a file was wanted.
    #[error("`{0}` is a folder, not a Dockerfile")]
    #[diagnostic(help("`docker build` cannot read it either: give the folder another name, or name a file in it"))]
    Folder(String),
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
    /// A build context that is no folder.
    #[error("the build context `{0}` is not a folder")]
    #[diagnostic(help("name the folder that `docker build` is given"))]
    NoContext(String),
    /// A build context without a Dockerfile.
    #[error("there is no `Dockerfile` in `{0}`")]
    #[diagnostic(help("name the file with `--file`"))]
    NoDockerfile(String),
    /// The build context or its ignore file.
    #[error(transparent)]
    #[diagnostic(help("check the path and its permissions"))]
    Project(#[from] ProjectError),
    /// What a check needs beside the file.
    #[error(transparent)]
    #[diagnostic(help("check the paths that it names and their permissions"))]
    Check(#[from] CheckError),
    /// The user's packs.
    #[error(transparent)]
    #[diagnostic(help("mend the pack, or take it out of `ecosystems` in `layerwise.toml`"))]
    Catalog(#[from] CatalogError),
    /// The build that is asked about does not exist.
    #[error("`{path}`: {reason}")]
    #[diagnostic(help("check the Dockerfile and `--target`"))]
    Build { path: String, reason: String },
    /// The history cannot be asked.
    #[error("{0}")]
    #[diagnostic(help("name changed paths with `--changed` instead"))]
    History(String),
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
    /// The configuration.
    #[error(transparent)]
    Config(Arc<ConfigError>),
}

impl From<UnknownRule> for Failure {
    fn from(error: UnknownRule) -> Self {
        Self::UnknownRule { help: error.help(), error }
    }
}

impl Failure {
    /// The failure for people, with the place in the configuration where there is one.
    pub(super) fn render(&self) -> String {
        match self {
            Self::Config(error) => render(error.as_ref()),
            failure => render(failure),
        }
    }
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
