//! The configuration file as written. `docs/configuration.md` says what each key means.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::cache;
use crate::diagnostic::Severity;

/// The file. Unknown keys are errors.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Schema {
    pub(super) select: Vec<Spanned<String>>,
    pub(super) ignore: Vec<Spanned<String>>,
    pub(super) fail_on: Option<FailOn>,
    pub(super) severity: BTreeMap<Spanned<String>, SeverityName>,
    pub(super) exclude: Vec<Spanned<String>>,
    pub(super) per_file_ignores: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    pub(super) dockerfile: Vec<DockerfileEntry>,
    pub(super) builder: Option<Builder>,
    pub(super) ecosystems: Vec<Spanned<String>>,
    pub(super) history: Option<u32>,
    pub(super) args: BTreeMap<String, String>,
}

/// What holds for one Dockerfile.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct DockerfileEntry {
    /// Relative to the folder of the configuration.
    pub(super) path: String,
    /// Likewise.
    pub(super) context: String,
}

/// A severity by name.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SeverityName {
    Info,
    Warning,
    Error,
}

impl From<SeverityName> for Severity {
    fn from(name: SeverityName) -> Self {
        match name {
            SeverityName::Info => Self::Info,
            SeverityName::Warning => Self::Warning,
            SeverityName::Error => Self::Error,
        }
    }
}

/// The lowest severity that makes `check` fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum FailOn {
    /// Any finding.
    Info,
    /// Warnings and errors.
    #[default]
    Warning,
    /// Errors.
    Error,
    /// No finding.
    Never,
}

impl FailOn {
    /// Whether a finding of that severity makes `check` fail.
    pub fn fails(self, severity: Severity) -> bool {
        match self {
            Self::Info => true,
            Self::Warning => severity >= Severity::Warning,
            Self::Error => severity >= Severity::Error,
            Self::Never => false,
        }
    }
}

/// Whose cache is modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Builder {
    /// `docker build` and `docker buildx build`.
    Buildkit,
    /// `docker build` with `DOCKER_BUILDKIT=0`.
    Legacy,
    /// `buildah build --layers` and `podman build`.
    Buildah,
    /// kaniko with `--cache`.
    Kaniko,
}

impl From<Builder> for cache::Builder {
    fn from(name: Builder) -> Self {
        match name {
            Builder::Buildkit => Self::BuildKit,
            Builder::Legacy => Self::Legacy,
            Builder::Buildah => Self::Buildah,
            Builder::Kaniko => Self::Kaniko,
        }
    }
}
