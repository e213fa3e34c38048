//! What the configuration says of builds and registries, for the commands that do without the rest of it.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

#[cfg(all(feature = "runtime", target_os = "linux"))]
use clap::Args;

use super::failure::Failure;
use super::settings::configuration;
#[cfg(all(feature = "runtime", target_os = "linux"))]
use crate::config::FileSettings;
use crate::config::{Discovery, Overrides, Registries, Settings};

/// Which configuration holds.
#[cfg(all(feature = "runtime", target_os = "linux"))]
#[derive(Debug, Args)]
pub(super) struct ConfigurationArgs {
    /// The configuration file; `[registry]` holds, and `[args]` in builds.
    #[arg(long, value_name = "FILE", env = "LAYERWISE_CONFIG", conflicts_with = "isolated")]
    config: Option<OsString>,

    /// Go without a configuration file.
    #[arg(long)]
    isolated: bool,
}

#[cfg(all(feature = "runtime", target_os = "linux"))]
impl ConfigurationArgs {
    /// What holds for a file at that absolute path. What other files say of it is left out.
    pub(super) fn for_file(&self, path: &Path) -> Result<FileSettings, Failure> {
        let settings = settings(path.parent().unwrap_or(path), self.config.clone(), self.isolated)?;
        Ok(settings.for_file(path))
    }

    /// How registries are asked in a folder, or for the files in it.
    pub(super) fn registries(&self, folder: &Path) -> Result<Registries, Failure> {
        registries(folder, self.config.clone(), self.isolated)
    }
}

/// How registries are asked in a folder.
pub(super) fn registries(folder: &Path, config: Option<OsString>, isolated: bool) -> Result<Registries, Failure> {
    Ok(settings(folder, config, isolated)?.registries.clone())
}

fn settings(folder: &Path, config: Option<OsString>, isolated: bool) -> Result<Arc<Settings>, Failure> {
    let directory = std::env::current_dir().map_err(|error| Failure::NoWorkingDirectory(error.to_string()))?;
    let discovery = Discovery::new(&directory, configuration(config, isolated), Overrides::default())?;
    discovery.for_directory(&directory.join(folder)).map_err(Failure::Config)
}
