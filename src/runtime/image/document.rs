//! Descriptors, manifests and indexes: the documents that say which blobs make an image.
//!
//! Source: <https://github.com/opencontainers/image-spec/blob/main/manifest.md>, `descriptor.md`, `image-index.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::digest::Digest;
use super::platform::Platform;

/// The annotation that names an image in a layout's index.
pub const DESCRIPTOR_NAME: &str = "org.opencontainers.image.ref.name";
/// Bytes that a manifest or an index may have. Registries must take 4 MiB.
pub(in crate::runtime) const LARGEST_DOCUMENT: u64 = 4 << 20;
/// Layers that an image may have. Docker's own limit is 127.
const MOST_LAYERS: usize = 1000;

/// The media types that are written.
#[derive(Debug)]
pub struct MediaType;

impl MediaType {
    /// A manifest.
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// An index.
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// A configuration.
    pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// A layer that is a plain tar.
    pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
    /// A layer that is a tar, compressed by gzip.
    pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// A layer that is a tar, compressed by Zstandard.
    pub const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
    /// Docker's manifest.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker's index.
    pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
}

/// How a layer's tar is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// By gzip.
    Gzip,
    /// By Zstandard.
    Zstd,
}

/// A blob by its digest, size and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the blob is.
    #[serde(default)]
    pub media_type: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u64,
    /// Notes, such as the image's name in a layout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// In an index: for which platform the manifest is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Descriptor {
    /// A descriptor with nothing but what it must have.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self { media_type: media_type.to_owned(), digest, size, annotations: None, platform: None, other: Map::new() }
    }

    /// An annotation by its name.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name).map(String::as_str)
    }

    /// How the layer is compressed, as the media type says; none where it is no type of a layer.
    pub fn compression(&self) -> Option<Compression> {
        match self.media_type.as_str() {
            "application/vnd.oci.image.layer.v1.tar"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar"
            | "application/vnd.docker.image.rootfs.diff.tar" => Some(Compression::None),
            "application/vnd.oci.image.layer.v1.tar+gzip"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
            | "application/vnd.docker.image.rootfs.diff.tar.gzip"
            | "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" => Some(Compression::Gzip),
            "application/vnd.oci.image.layer.v1.tar+zstd"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
            | "application/vnd.docker.image.rootfs.diff.tar.zstd" => Some(Compression::Zstd),
            _ => None,
        }
    }
}

/// Which blobs make an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// [`MediaType::MANIFEST`] or Docker's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, lowest first.
    #[serde(default, deserialize_with = "super::config::nullable")]
    pub layers: Vec<Descriptor>,
    /// Notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Manifest {
    /// An image of a configuration and layers, lowest first.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        let media_type = Some(MediaType::MANIFEST.to_owned());
        Self { schema_version: 2, media_type, config, layers, annotations: None, other: Map::new() }
    }
}

/// Manifests, one for each platform; the index of a layout: one for each name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// [`MediaType::INDEX`] or Docker's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The manifests.
    #[serde(default, deserialize_with = "super::config::nullable")]
    pub manifests: Vec<Descriptor>,
    /// Notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for Index {
    fn default() -> Self {
        let media_type = Some(MediaType::INDEX.to_owned());
        Self { schema_version: 2, media_type, manifests: Vec::new(), annotations: None, other: Map::new() }
    }
}

impl Index {
    /// The manifest that serves `wanted` best: the closest variant, of those the first. Attestations have the platform
    /// `unknown/unknown` and serve none. An entry without a platform serves only where it is alone.
    pub fn choose(&self, wanted: &Platform) -> Option<&Descriptor> {
        let rated = self.manifests.iter().filter_map(|found| Some((found.platform.as_ref()?.serves(wanted)?, found)));
        let best = rated.min_by_key(|(distance, _)| *distance).map(|(_, found)| found);
        best.or_else(|| self.manifests.first().filter(|only| self.manifests.len() == 1 && only.platform.is_none()))
    }

    /// The platforms that it has, for a message.
    pub fn platforms(&self) -> Vec<String> {
        let known = self.manifests.iter().filter_map(|found| found.platform.as_ref());
        known.filter(|platform| platform.os != "unknown").map(ToString::to_string).collect()
    }
}

/// A document that stands for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// One image.
    Manifest(Box<Manifest>),
    /// One image for each platform.
    Index(Index),
}

/// Why a document is none.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// No JSON, or not of that shape.
    #[error("the {what} is malformed: {reason}")]
    Malformed {
        /// `manifest`, `index` or `configuration`.
        what: &'static str,
        /// What the reader says.
        reason: serde_json::Error,
    },
    /// It could be read as both (CVE-2021-41190).
    #[error("the document is a manifest and an index at once")]
    Ambiguous,
    /// A type that is not an image's.
    #[error("documents of the type `{0}` are not supported; push the image again with a current tool")]
    Unsupported(String),
    /// An image that no builder makes.
    #[error("the image has {0} layers; more than {MOST_LAYERS} are not accepted")]
    TooManyLayers(usize),
    /// The configuration speaks of other layers than the manifest.
    #[error("the manifest has {layers} layers, and the configuration {diffs}")]
    LayerCount {
        /// Of the manifest.
        layers: usize,
        /// Of the configuration.
        diffs: usize,
    },
}

/// Reads a manifest or an index. What it is, its own `mediaType` says, else what it holds.
pub fn parse_document(bytes: &[u8]) -> Result<Document, DocumentError> {
    let malformed = |what| move |reason| DocumentError::Malformed { what, reason };
    let fields: Map<String, Value> = serde_json::from_slice(bytes).map_err(malformed("manifest"))?;
    let holds = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
    let (as_manifest, as_index) = (holds("config") || holds("layers"), holds("manifests"));
    if as_manifest && as_index {
        return Err(DocumentError::Ambiguous);
    }
    let is_index = match fields.get("mediaType").and_then(Value::as_str) {
        Some(MediaType::INDEX | MediaType::DOCKER_INDEX) => true,
        Some(MediaType::MANIFEST | MediaType::DOCKER_MANIFEST) => false,
        None if holds("config") || as_index => as_index,
        other => return Err(DocumentError::Unsupported(other.unwrap_or("unknown").chars().take(200).collect())),
    };
    let value = Value::Object(fields);
    if is_index {
        return serde_json::from_value(value).map(Document::Index).map_err(malformed("index"));
    }
    let manifest: Manifest = serde_json::from_value(value).map_err(malformed("manifest"))?;
    match manifest.layers.len() {
        many if many > MOST_LAYERS => Err(DocumentError::TooManyLayers(many)),
        _ => Ok(Document::Manifest(Box::new(manifest))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn entry(platform: &str) -> Value {
        let (os, architecture) = platform.split_once('/').unwrap();
        serde_json::json!({ "digest": EMPTY, "size": 1, "platform": { "os": os, "architecture": architecture } })
    }

    #[test]
    fn unknown_fields_are_kept() {
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"c","digest":"{EMPTY}","size":1,"x":[1]}},"layers":[],"subject":{{"a":1}}}}"#,
            MediaType::MANIFEST
        );
        let Ok(Document::Manifest(manifest)) = parse_document(text.as_bytes()) else { panic!("a manifest") };
        assert_eq!(serde_json::to_string(&manifest).unwrap(), text);
    }

    #[test]
    fn a_document_is_one_thing() {
        let config = format!(r#"{{"digest":"{EMPTY}","size":1}}"#);
        let both = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[],"manifests":[]}}"#);
        assert!(matches!(parse_document(both.as_bytes()), Err(DocumentError::Ambiguous)));
        let plain = format!(r#"{{"schemaVersion":2,"config":{config},"layers":null}}"#);
        assert!(matches!(parse_document(plain.as_bytes()), Ok(Document::Manifest(_))));
        let index = r#"{"schemaVersion":2,"manifests":[]}"#;
        assert!(matches!(parse_document(index.as_bytes()), Ok(Document::Index(_))));
        let old = r#"{"schemaVersion":1,"mediaType":"application/vnd.docker.distribution.manifest.v1+json"}"#;
        assert!(matches!(parse_document(old.as_bytes()), Err(DocumentError::Unsupported(_))));
        let deep = "[".repeat(100_000);
        for text in ["", "null", "[]", "{}", "{\"schemaVersion\":2,\"config\":1}", &deep] {
            assert!(parse_document(text.as_bytes()).is_err(), "{}", &text[..text.len().min(40)]);
        }
    }

    #[test]
    fn an_index_gives_the_closest_platform() {
        let manifests = ["unknown/unknown", "linux/arm64", "linux/amd64", "windows/amd64"].map(entry);
        let index: Index =
            serde_json::from_value(serde_json::json!({ "schemaVersion": 2, "manifests": manifests })).unwrap();
        let chosen = |text: &str| index.choose(&text.parse().unwrap()).and_then(|found| found.platform.clone());
        assert_eq!(chosen("linux/amd64/v3").map(|found| found.to_string()), Some("linux/amd64".to_owned()));
        assert_eq!(chosen("linux/s390x"), None);
        assert_eq!(index.platforms(), ["linux/arm64", "linux/amd64", "windows/amd64"]);
    }
}
