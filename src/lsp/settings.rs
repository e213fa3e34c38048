//! What the user sets in the editor, under the section `layerwise`. It wins over `layerwise.toml`, as the command line does.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::config::{Builder, Discovery, Overrides, Source};
use crate::lint::UnknownRule;

/// The settings; what is missing is as here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the editor")]
pub(super) struct EditorSettings {
    /// Whether findings are shown.
    pub(super) enable: bool,
    /// The configuration file for all documents, from the root of the workspace; the nearest one of each where `None`.
    pub(super) configuration: Option<PathBuf>,
    /// Only these rules.
    pub(super) select: Vec<String>,
    /// Not these rules.
    pub(super) ignore: Vec<String>,
    /// Whose cache is modelled.
    pub(super) builder: Option<Builder>,
    /// Cache verdicts beside the instructions.
    pub(super) inlay_hints: bool,
    /// Cache verdicts above the instructions.
    pub(super) code_lens: bool,
}

impl Default for EditorSettings {
    fn default() -> Self {
        Self {
            enable: true,
            configuration: None,
            select: Vec::new(),
            ignore: Vec::new(),
            builder: None,
            inlay_hints: true,
            code_lens: false,
        }
    }
}

impl EditorSettings {
    /// Reads settings, of the section itself or of a whole that has the section. `null` stands for no settings.
    ///
    /// # Errors
    /// What is wrong, as a phrase.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        match value.get("layerwise").unwrap_or(value) {
            Value::Null => Ok(Self::default()),
            section => Self::deserialize(section).map_err(|error| match wrong_key(section) {
                Some((key, reason)) => format!("`{key}`: {reason}"),
                None => error.to_string(),
            }),
        }
    }

    /// The configuration that holds under these settings, for a workspace at `root`.
    ///
    /// # Errors
    /// What is wrong, as a phrase.
    pub(super) fn discovery(&self, root: &Path) -> Result<Discovery, String> {
        let source = self.configuration.clone().map_or(Source::Nearest, Source::File);
        let overrides = Overrides {
            select: self.select.clone(),
            ignore: self.ignore.clone(),
            builder: self.builder,
            ..Overrides::default()
        };
        Discovery::new(root, source, overrides).map_err(|error: UnknownRule| error.to_string())
    }
}

/// The first key whose value cannot be used, and why.
fn wrong_key(section: &Value) -> Option<(&String, String)> {
    section.as_object()?.iter().find_map(|(key, value)| {
        let alone = Value::from_iter([(key.clone(), value.clone())]);
        Some((key, EditorSettings::deserialize(&alone).err()?.to_string()))
    })
}
