//! The configuration of an image: how its containers start, and how it was made.
//!
//! Source: <https://github.com/opencontainers/image-spec/blob/main/config.md>; `Healthcheck`, `OnBuild` and `Shell` are
//! Docker's: <https://github.com/moby/docker-image-spec>. Lists and maps may be `null`, as Go writes empty ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::digest::Digest;
use super::document::{DocumentError, Manifest};
use super::platform::Platform;

/// A document about an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// The processor.
    #[serde(default)]
    pub architecture: String,
    /// The operating system.
    #[serde(default)]
    pub os: String,
    /// The variant of the processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// How containers start.
    #[serde(default, deserialize_with = "nullable")]
    pub config: ContainerConfig,
    /// When it was made, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The steps, oldest first.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<History>,
    /// The layers' diff IDs.
    #[serde(default, deserialize_with = "nullable")]
    pub rootfs: Rootfs,
    /// Other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ImageConfig {
    /// Reads a configuration that belongs to `manifest`: it must speak of as many layers.
    pub fn parse(bytes: &[u8], manifest: &Manifest) -> Result<Self, DocumentError> {
        let config: Self = serde_json::from_slice(bytes)
            .map_err(|reason| DocumentError::Malformed { what: "configuration", reason })?;
        let (layers, diffs) = (manifest.layers.len(), config.rootfs.diff_ids.len());
        if layers == diffs { Ok(config) } else { Err(DocumentError::LayerCount { layers, diffs }) }
    }

    /// A configuration of no layers, as `FROM scratch` begins with.
    pub fn scratch(platform: &Platform) -> Self {
        Self {
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            variant: platform.variant.clone(),
            ..Self::default()
        }
    }

    /// For which platform the image is; what old tools leave out is the host's.
    pub fn platform(&self) -> Platform {
        let host = Platform::host();
        let or = |own: &str, host: String| if own.is_empty() { host } else { own.to_owned() };
        Platform::new(&or(&self.os, host.os), &or(&self.architecture, host.architecture), self.variant.as_deref())
    }
}

/// The layers of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rootfs {
    /// Always `layers`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The digests of the layers' uncompressed tars, lowest first.
    #[serde(default, deserialize_with = "nullable")]
    pub diff_ids: Vec<Digest>,
}

impl Default for Rootfs {
    fn default() -> Self {
        Self { kind: "layers".to_owned(), diff_ids: Vec::new() }
    }
}

/// How containers of an image start. The order of the fields is that in which Docker writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerConfig {
    /// `user[:group]`, by name or number; empty is root.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// `port/protocol`, each with an empty object.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Map::is_empty")]
    pub exposed_ports: Map<String, Value>,
    /// `NAME=value`.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// What runs before the command's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// The command, or its default words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// How Docker asks whether a container is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Windows: the words are escaped already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_escaped: Option<bool>,
    /// Paths of volumes, each with an empty object.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Map::is_empty")]
    pub volumes: Map<String, Value>,
    /// Where the command runs.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// Instructions for builds on top of the image.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub on_build: Vec<String>,
    /// Labels.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The signal that stops a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// Seconds until a container is killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i64>,
    /// What runs commands in shell form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<Vec<String>>,
    /// Other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How Docker asks whether a container is well. Times are nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Healthcheck {
    /// `NONE`, `CMD …` or `CMD-SHELL …`.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<String>,
    /// Between two checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<i64>,
    /// Until a check counts as failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// While failures do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period: Option<i64>,
    /// Between two checks while the container starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_interval: Option<i64>,
    /// Failures in a row until the container counts as unwell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<i64>,
    /// Other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A step of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The instruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// A note: `buildkit.dockerfile.v0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether the step made no layer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_layer: bool,
    /// Other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A value whose `null` is its default.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::image::{Descriptor, MediaType};

    fn manifest(layers: usize) -> Manifest {
        let blob = Descriptor::new(MediaType::LAYER, Digest::of(b""), 0);
        Manifest::new(blob.clone(), vec![blob; layers])
    }

    /// What Go writes for empty fields, and fields of Docker's own.
    #[test]
    fn configurations_of_docker_are_read() {
        let text = r#"{"architecture":"amd64","os":"linux","config":{"Hostname":"","User":"","ExposedPorts":null,
            "Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":["/a"],"OnBuild":null,
            "Labels":null},"container":"x","history":null,"rootfs":{"type":"layers","diff_ids":null}}"#;
        let config = ImageConfig::parse(text.as_bytes(), &manifest(0)).unwrap();
        assert_eq!(config.config.entrypoint, Some(vec!["/a".to_owned()]));
        assert_eq!(config.config.cmd, None);
        assert_eq!(config.other["container"], "x");
        assert!(matches!(
            ImageConfig::parse(text.as_bytes(), &manifest(1)),
            Err(DocumentError::LayerCount { layers: 1, diffs: 0 })
        ));
    }

    #[test]
    fn nothing_is_lost_by_writing_it_again() {
        let text = r#"{"architecture":"arm64","os":"linux","variant":"v8","config":{"Env":["A=b"],"Cmd":[],"Healthcheck":{"Test":["NONE"]},"Labels":{"a":"b"},"X":1},"created":"2026-01-01T00:00:00Z","history":[{"created_by":"RUN x","empty_layer":true}],"rootfs":{"type":"layers","diff_ids":[]},"moby.buildkit.cache.v0":"x"}"#;
        let config = ImageConfig::parse(text.as_bytes(), &manifest(0)).unwrap();
        assert_eq!(serde_json::to_string(&config).unwrap(), text);
    }
}
