//! Which engine builds, and what it is given.

use clap::{Args, ValueEnum};

use crate::cache::Builder;
use crate::verify::Engine;
use crate::verify::engine::{BuildKit, Buildah, Program};

/// How verification builds.
#[derive(Debug, Args)]
pub(in crate::cli) struct EngineArgs {
    /// What builds the images.
    #[arg(long, value_enum, default_value_t, value_name = "ENGINE", env = "LAYERWISE_ENGINE")]
    pub(in crate::cli) engine: EngineName,

    /// The command to run in place of the engine's own name; its words are separated by blanks.
    #[arg(long, value_name = "COMMAND", env = "LAYERWISE_ENGINE_COMMAND")]
    engine_command: Option<String>,

    /// An option for each build, such as `--engine-option=--network=host`; may be given several times.
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    engine_option: Vec<String>,

    /// How many of the newest commits are built again, one after the other, with the cache; 0 for none. Where there is no
    /// history, a source and a manifest are edited instead.
    #[arg(long = "replay", value_name = "N", default_value_t = 2)]
    pub(in crate::cli) replay: usize,
}

/// Engines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum EngineName {
    /// `docker build`, with `BuildKit`.
    #[default]
    Docker,
    /// `docker buildx build`: builders of buildx, local or remote; name one with `--engine-option=--builder=NAME`.
    Buildkit,
    /// `podman build`.
    Podman,
    /// `buildah build`.
    Buildah,
}

impl EngineArgs {
    /// The engine.
    pub(in crate::cli) fn start(&self) -> Box<dyn Engine> {
        let own = match self.engine {
            EngineName::Docker | EngineName::Buildkit => "docker",
            EngineName::Podman => "podman",
            EngineName::Buildah => "buildah",
        };
        let program = Program::new(self.engine_command.as_deref().unwrap_or(own), &self.engine_option);
        match self.engine {
            EngineName::Docker => Box::new(BuildKit::docker(program)),
            EngineName::Buildkit => Box::new(BuildKit::buildx(program)),
            EngineName::Podman => Box::new(Buildah::podman(program)),
            EngineName::Buildah => Box::new(Buildah::program(program)),
        }
    }

    /// Whose cache it has.
    pub(in crate::cli) fn builder(&self) -> Builder {
        match self.engine {
            EngineName::Docker | EngineName::Buildkit => Builder::BuildKit,
            EngineName::Podman | EngineName::Buildah => Builder::Buildah,
        }
    }
}
