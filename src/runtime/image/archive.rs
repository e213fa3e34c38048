//! The manifest of an archive of `docker save`: which of its files make which image.
//!
//! Source: <https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format>.

use serde::{Deserialize, Serialize};

/// An image of the archive; `manifest.json` is a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ArchiveManifest {
    /// The file of the configuration.
    pub config: String,
    /// The names, `repository:tag`.
    #[serde(default, deserialize_with = "super::config::nullable")]
    pub repo_tags: Vec<String>,
    /// The files of the layers, lowest first.
    #[serde(default, deserialize_with = "super::config::nullable")]
    pub layers: Vec<String>,
}
