//! Which engine builds, and what it is given.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cache::Builder;
use crate::cli::failure::Failure;
use crate::config::Registries;
use crate::verify::engine::{BuildKit, Buildah, Program};
use crate::verify::{Engine, EngineError};

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

    /// Start the command of both images too, without a network, until the HEALTHCHECK passes, the command exits, or so many
    /// seconds are over (10 unless given). With the engines embedded, docker and podman.
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10",
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    smoke: Option<u64>,
}

/// Engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum EngineName {
    /// The runtime of this program, as `layerwise build` has it; on Linux.
    Embedded,
    /// `docker build`, with `BuildKit`.
    Docker,
    /// `docker buildx build`: builders of buildx, local or remote; name one with `--engine-option=--builder=NAME`.
    Buildkit,
    /// `podman build`.
    Podman,
    /// `buildah build`.
    Buildah,
}

impl Default for EngineName {
    fn default() -> Self {
        if cfg!(all(feature = "runtime", target_os = "linux")) { Self::Embedded } else { Self::Docker }
    }
}

#[cfg(all(feature = "runtime", target_os = "linux"))]
fn embedded(registries: Registries) -> Result<Box<dyn Engine>, Failure> {
    let engine = crate::verify::engine::Embedded::start(registries).map_err(Failure::Engine)?;
    Ok(Box::new(engine))
}

#[cfg(not(all(feature = "runtime", target_os = "linux")))]
fn embedded(_: Registries) -> Result<Box<dyn Engine>, Failure> {
    let reason = "this program has no runtime of its own here; name another engine with `--engine`";
    Err(Failure::Engine(EngineError::Unusable(reason.to_owned())))
}

impl EngineArgs {
    /// How long each image is run at most.
    pub(in crate::cli) fn smoke(&self) -> Option<Duration> {
        self.smoke.map(Duration::from_secs)
    }

    /// The engine; with `traces`, one that traces steps. The one of this program asks registries as these settings say. Call
    /// it before any thread is started.
    pub(in crate::cli) fn start(&self, registries: Registries, traces: bool) -> Result<Box<dyn Engine>, Failure> {
        let engine = self.named(registries)?;
        if self.smoke.is_some() && !engine.runs_images() {
            let reason = format!(
                "{} builds images and does not run them: leave out `--smoke`, or take the engine embedded, docker or podman",
                engine.name()
            );
            return Err(Failure::Engine(EngineError::Unusable(reason)));
        }
        if traces && !engine.traces() {
            let reason = format!(
                "{} does not tell which files steps reach: leave out `--trace`, or take the engine embedded, with more ids than one",
                engine.name()
            );
            return Err(Failure::Engine(EngineError::Unusable(reason)));
        }
        Ok(engine)
    }

    fn named(&self, registries: Registries) -> Result<Box<dyn Engine>, Failure> {
        let own = match self.engine {
            EngineName::Embedded => return embedded(registries),
            EngineName::Docker | EngineName::Buildkit => "docker",
            EngineName::Podman => "podman",
            EngineName::Buildah => "buildah",
        };
        let program = Program::new(self.engine_command.as_deref().unwrap_or(own), &self.engine_option);
        Ok(match self.engine {
            EngineName::Embedded | EngineName::Docker => Box::new(BuildKit::docker(program)),
            EngineName::Buildkit => Box::new(BuildKit::buildx(program)),
            EngineName::Podman => Box::new(Buildah::podman(program)),
            EngineName::Buildah => Box::new(Buildah::program(program)),
        })
    }

    /// Whose cache it has.
    pub(in crate::cli) fn builder(&self) -> Builder {
        match self.engine {
            EngineName::Embedded | EngineName::Docker | EngineName::Buildkit => Builder::BuildKit,
            EngineName::Podman | EngineName::Buildah => Builder::Buildah,
        }
    }
}
