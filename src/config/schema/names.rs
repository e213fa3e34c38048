//! Values of the configuration that are one of a few words.

use std::borrow::Cow;

use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::cache;
use crate::diagnostic::Severity;
use crate::lint::{self, LabelKind};

/// The name of a rule, as the JSON Schema tells it: editors propose the names, and accept every spelling of an alias.
pub(in crate::config) struct RuleName;

impl JsonSchema for RuleName {
    fn schema_name() -> Cow<'static, str> {
        "RuleName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        let aliases = lint::every_meta().flat_map(|meta| meta.aliases.iter().copied());
        let mut names: Vec<&str> = lint::every_meta().map(|meta| meta.name).chain(aliases).chain(["all"]).collect();
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        json_schema!({
            "description": "A rule, an alias of it in any case, or `all`.",
            "type": "string",
            "anyOf": [{ "enum": names }, {}],
        })
    }
}

/// The severities of rules, as the JSON Schema tells them.
pub(in crate::config) struct Severities;

impl JsonSchema for Severities {
    fn schema_name() -> Cow<'static, str> {
        "Severities".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        let severity = generator.subschema_for::<SeverityName>();
        let rules = lint::every_meta().map(|meta| (meta.name.to_owned(), severity.clone().to_value()));
        let rules: serde_json::Map<String, serde_json::Value> = rules.collect();
        json_schema!({
            "description": "A rule, or an alias of it in any case, and its severity.",
            "type": "object",
            "properties": rules,
            "additionalProperties": severity,
        })
    }
}

/// A severity by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum SeverityName {
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

/// The form of a label's value by name; hadolint has the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum LabelForm {
    /// Any text but none.
    Text,
    /// An absolute URL.
    Url,
    /// A semantic version: `1.4.0`.
    Semver,
    /// A date and a time with its zone: `2024-05-01T12:00:00Z`.
    Rfc3339,
    /// A license expression of SPDX: `MIT OR Apache-2.0`.
    Spdx,
    /// The id of a git commit.
    Hash,
    /// A mail address.
    Email,
}

impl From<LabelForm> for LabelKind {
    fn from(name: LabelForm) -> Self {
        match name {
            LabelForm::Text => Self::Text,
            LabelForm::Url => Self::Url,
            LabelForm::Semver => Self::Semver,
            LabelForm::Rfc3339 => Self::Rfc3339,
            LabelForm::Spdx => Self::Spdx,
            LabelForm::Hash => Self::Hash,
            LabelForm::Email => Self::Email,
        }
    }
}

/// The lowest severity that makes `check` fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Builder {
    /// `docker build` and `docker buildx build`.
    #[default]
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
