//! Configuration: `layerwise.toml`, from the folder of a file upward.
//!
//! `Schema` is the file as written, [`Settings`] what it means, [`Discovery`] finds the one that holds for a file, and the
//! builds that Compose and Bake files declare of it. [`InForce`] tells of every value who says it.
//! A mistake in it is a [`ConfigError`] that shows the place, with a remedy.

mod builds;
mod discovery;
mod dockerfile_name;
mod error;
mod hadolint;
mod in_force;
mod paths;
mod reader;
mod registries;
mod remedy;
mod schema;
mod settings;
mod stated;

pub use builds::{DeclaredBuild, InlineDockerfile, declares_builds};
pub use discovery::{Discovery, Source};
pub use dockerfile_name::{is_about_dockerfiles, is_dockerfile_name};
pub use error::ConfigError;
pub use hadolint::{HADOLINT_FILES, HadolintImport};
pub use in_force::{Entry, InForce, RuleInForce};
pub use paths::{display_path, normalize};
pub use registries::Registries;
pub use schema::{Builder, FailOn, JSON_SCHEMA, json_schema};
pub use settings::{FileSettings, Overrides, Settings};
pub use stated::Origin;

/// The name of the configuration file.
pub const FILE_NAME: &str = "layerwise.toml";
