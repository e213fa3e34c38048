//! What the configuration says of registries, for the commands that ask them.

use std::ffi::OsString;
use std::path::Path;

#[cfg(all(feature = "runtime", target_os = "linux"))]
use clap::Args;

use super::failure::Failure;
use super::settings::configuration;
use crate::config::{Discovery, Mirrors, Overrides};

/// Which configuration holds.
#[cfg(all(feature = "runtime", target_os = "linux"))]
#[derive(Debug, Args)]
pub(super) struct RegistryArgs {
    /// The configuration file, of which `[registry]` holds.
    #[arg(long, value_name = "FILE", env = "LAYERWISE_CONFIG", conflicts_with = "isolated")]
    config: Option<OsString>,

    /// Go without a configuration file.
    #[arg(long)]
    isolated: bool,
}

#[cfg(all(feature = "runtime", target_os = "linux"))]
impl RegistryArgs {
    /// The mirrors that hold in a folder, or for the files in it.
    pub(super) fn mirrors(&self, folder: &Path) -> Result<Mirrors, Failure> {
        mirrors(folder, self.config.clone(), self.isolated)
    }
}

/// The mirrors that hold in a folder.
pub(super) fn mirrors(folder: &Path, config: Option<OsString>, isolated: bool) -> Result<Mirrors, Failure> {
    let directory = std::env::current_dir().map_err(|error| Failure::NoWorkingDirectory(error.to_string()))?;
    let discovery = Discovery::new(&directory, configuration(config, isolated), Overrides::default())?;
    let settings = discovery.for_directory(&directory.join(folder)).map_err(Failure::Config)?;
    Ok(settings.mirrors.clone())
}
