//! The configuration file as written. `docs/configuration.md` says what each key means, `docs/layerwise.schema.json` is made
//! from these types.

mod names;
mod overlay;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde::{Deserialize, Serialize};
use toml::Spanned;

pub use names::{Builder, FailOn};
pub(super) use names::{LabelForm, RuleName, Severities, SeverityName};

/// Where the JSON Schema of the configuration file is published.
pub const JSON_SCHEMA: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/raw/main/docs/layerwise.schema.json");

/// The text of a value, with its place in the file.
pub(super) type Text = Spanned<String>;

/// The configuration of layerwise for the folder that it stands in and those below. Paths and patterns start from that
/// folder; a pattern without `/` matches at any depth.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(title = "layerwise.toml")]
#[allow(clippy::struct_field_names, reason = "the fields are the keys of the file")]
pub(super) struct Schema {
    /// Only these rules: names, aliases of other tools (`DL3006`) or `all`. All where there are none.
    #[schemars(with = "Vec<RuleName>")]
    pub(super) select: Vec<Text>,
    /// Not these rules.
    #[schemars(with = "Vec<RuleName>")]
    pub(super) ignore: Vec<Text>,
    /// The lowest severity that leads to exit code 1; `warning` where nothing is said.
    pub(super) fail_on: Option<FailOn>,
    /// The severities of rules.
    #[schemars(with = "Severities")]
    pub(super) severity: BTreeMap<Text, SeverityName>,
    /// Patterns of files and folders that a walk passes over.
    #[schemars(with = "Vec<String>")]
    pub(super) exclude: Vec<Text>,
    /// Patterns of files, each with the rules that are off for these.
    #[schemars(with = "BTreeMap<String, Vec<RuleName>>")]
    pub(super) per_file_ignores: BTreeMap<Text, Vec<Text>>,
    /// What holds for some files; the later entry wins.
    pub(super) overrides: Vec<Override>,
    /// Build contexts of Dockerfiles.
    pub(super) dockerfile: Vec<DockerfileEntry>,
    /// Whose cache is modelled; `buildkit` where nothing is said.
    pub(super) builder: Option<Builder>,
    /// Patterns of files with facts about programs of your own.
    #[schemars(with = "Vec<String>")]
    pub(super) ecosystems: Vec<Text>,
    /// How many of the newest commits stand for the changes to come; 200 where nothing is said.
    pub(super) history: Option<u32>,
    /// Build arguments and their values.
    pub(super) args: BTreeMap<String, String>,
    /// Where images may come from: registries or the beginnings of repositories. Anywhere where there are none.
    #[schemars(with = "Vec<String>")]
    pub(super) trusted_registries: Vec<Text>,
    /// Labels that an image must have, each with the form of its value.
    pub(super) label_schema: BTreeMap<String, LabelForm>,
    /// Whether an image must have no label that `label-schema` does not name.
    pub(super) strict_labels: Option<bool>,
    /// How `build` and `image` ask registries.
    pub(super) registry: Registry,
}

/// How registries are asked.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct Registry {
    /// By registry (`docker.io`): the mirrors that are asked before it, in this order: `mirror.example.com`,
    /// `https://mirror.example.com:5000` or, on this machine, `http://127.0.0.1:5000`.
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    pub(super) mirrors: BTreeMap<Text, Vec<Text>>,
    /// Seconds that a registry, or a server that `ADD` asks, may be silent; 60 unless given.
    #[schemars(with = "Option<u64>")]
    pub(super) timeout: Option<toml::Spanned<u64>>,
}

/// What holds for the files that match. `select` takes the place of `select` and `ignore` above; `ignore` adds to it;
/// entries of tables are added or replaced one by one; every other key replaces.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Override {
    /// Patterns of files.
    #[schemars(with = "Vec<String>")]
    pub(super) files: Vec<Text>,
    /// Only these rules.
    #[serde(default)]
    #[schemars(with = "Vec<RuleName>")]
    pub(super) select: Vec<Text>,
    /// Not these rules.
    #[serde(default)]
    #[schemars(with = "Vec<RuleName>")]
    pub(super) ignore: Vec<Text>,
    /// The lowest severity that leads to exit code 1.
    pub(super) fail_on: Option<FailOn>,
    /// The severities of rules.
    #[serde(default)]
    #[schemars(with = "Severities")]
    pub(super) severity: BTreeMap<Text, SeverityName>,
    /// Whose cache is modelled.
    pub(super) builder: Option<Builder>,
    /// How many of the newest commits stand for the changes to come.
    pub(super) history: Option<u32>,
    /// Build arguments and their values.
    #[serde(default)]
    pub(super) args: BTreeMap<String, String>,
    /// Where images may come from.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) trusted_registries: Option<Vec<Text>>,
    /// Labels that an image must have, each with the form of its value.
    #[serde(default)]
    pub(super) label_schema: BTreeMap<String, LabelForm>,
    /// Whether an image must have no other label.
    pub(super) strict_labels: Option<bool>,
}

/// The build context of one Dockerfile.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct DockerfileEntry {
    /// The Dockerfile, relative to the folder of the configuration.
    pub(super) path: String,
    /// The build context, likewise.
    pub(super) context: String,
}

/// The JSON Schema of the configuration file.
pub fn json_schema() -> serde_json::Value {
    let mut settings = SchemaSettings::draft07();
    settings.transforms.insert(0, Box::new(RecursiveTransform(without_null)));
    let mut schema = settings.into_generator().into_root_schema_for::<Schema>();
    schema.insert("$id".to_owned(), JSON_SCHEMA.into());
    schema.to_value()
}

/// TOML has no null: a key that is not set is not there.
fn without_null(schema: &mut schemars::Schema) {
    if schema.get("default").is_some_and(serde_json::Value::is_null) {
        schema.remove("default");
    }
    if let Some(serde_json::Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let null = serde_json::json!({ "type": "null" });
    let Some(serde_json::Value::Array(forms)) = schema.get_mut("anyOf") else { return };
    forms.retain(|form| *form != null);
    if let [serde_json::Value::Object(only)] = forms.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        only.into_iter().for_each(|(key, value)| drop(schema.insert(key, value)));
    }
}
