//! Engines: what builds an image from a Dockerfile, tells which steps came from its cache, and hands the image over.

mod buildah;
mod buildkit;
mod buildkit_log;
mod container;
#[cfg(all(feature = "runtime", target_os = "linux"))]
mod embedded;
mod kept;
mod order_file;
mod program;
mod stages;
#[cfg(all(feature = "runtime", target_os = "linux"))]
mod trial;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::archive::{ArchiveError, ImageFiles};
use super::smoke::Ran;
use super::trace::Seen;

pub use buildah::Buildah;
pub use buildkit::BuildKit;
#[cfg(all(feature = "runtime", target_os = "linux"))]
pub use embedded::Embedded;
pub use kept::Kept;
pub use program::Program;

/// One build to be done.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The text of the Dockerfile; it need not be what stands in the context.
    pub dockerfile: &'a str,
    /// The text of the ignore file; `None` leaves it to what stands in the context.
    pub ignore: Option<&'a str>,
    /// The build context: a folder. It is read only.
    pub context: &'a Path,
    /// The stage to build; the last where `None`.
    pub target: Option<&'a str>,
    /// Values of build arguments.
    pub arguments: &'a BTreeMap<String, String>,
    /// Whether every step runs, whatever the cache holds.
    pub fresh: bool,
    /// Whether the engine keeps the image, so that it can be run.
    pub keep: bool,
    /// Whether it is to be seen which files the steps reach.
    pub traced: bool,
}

/// What became of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRecord {
    /// The index of its instruction in the file.
    pub instruction: usize,
    /// Whether it came from the cache.
    pub hit: bool,
    /// How long it took.
    pub seconds: f64,
}

/// A build that was done.
#[derive(Clone, Debug)]
pub struct BuiltImage {
    /// The image.
    pub files: ImageFiles,
    /// The steps that the engine told of, in the order of the file.
    pub steps: Vec<StepRecord>,
    /// How long the build took, without handing the image over.
    pub seconds: f64,
    /// The image in the engine, where it was to be kept.
    pub kept: Option<Kept>,
    /// What was seen of the steps that ran, where they were traced.
    pub seen: Vec<Seen>,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The program could not be started.
    #[error("`{program}` cannot be started: {reason}")]
    NotStarted {
        /// The command.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// The build failed: a step did, or the file is refused.
    #[error("the build failed: {0}")]
    Failed(String),
    /// The engine cannot be used as it is.
    #[error("{0}")]
    Unusable(String),
    /// A file of the build could not be written.
    #[error("`{}` cannot be written: {reason}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The image could not be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Builds images.
pub trait Engine {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Builds an image and reads it.
    ///
    /// # Errors
    /// [`EngineError`]; [`EngineError::Failed`] is what the file is to blame for.
    fn build(&self, order: &Order<'_>) -> Result<BuiltImage, EngineError>;

    /// How long to wait between two builds so that steps that write the time write another one: clocks of whole seconds are
    /// the coarsest that images often hold.
    fn clock(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// Whether it can see which files steps reach.
    fn traces(&self) -> bool {
        false
    }

    /// Whether it runs images too.
    fn runs_images(&self) -> bool {
        false
    }

    /// Starts the command of an image that was kept, in a sandbox without a network, until its `HEALTHCHECK` passes, it
    /// exits, or `limit` is over.
    ///
    /// # Errors
    /// [`EngineError::Unusable`] where it cannot be started, for reasons that are not the image's.
    fn run_image(&self, image: &BuiltImage, limit: Duration) -> Result<Ran, EngineError> {
        let _ = (image, limit);
        Err(EngineError::Unusable(format!("{} runs no images", self.name())))
    }
}
