//! Configuration: `layerwise.toml`, from the folder of a file upward.
//!
//! `Schema` is the file as written, [`Settings`] what it means, [`Discovery`] finds the one that holds for a file.
//! A mistake in it is a [`ConfigError`] that shows the place.

mod discovery;
mod error;
mod paths;
mod schema;
mod settings;

pub use discovery::{Discovery, Source};
pub use error::ConfigError;
pub use paths::{display_path, normalize};
pub use schema::{Builder, FailOn};
pub use settings::{FileSettings, Overrides, Settings};

/// The name of the configuration file.
pub const FILE_NAME: &str = "layerwise.toml";
