//! `docker build` with `BuildKit`, and builders of buildx, local or remote.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::buildkit_log::Log;
use super::order_file::{self, OrderFiles};
use super::program::{Finished, Program};
use super::stages::stages;
use super::{BuiltImage, Engine, EngineError, Kept, Order, container};
use crate::syntax::Dockerfile;
use crate::verify::archive::{self, KnownLayers};
use crate::verify::smoke::Ran;

/// Numbers for the tags of one process.
static TAGS: AtomicU64 = AtomicU64::new(0);

/// A builder that speaks of its steps as `BuildKit` does.
#[derive(Debug)]
pub struct BuildKit {
    program: Program,
    /// Whether the image goes through Docker's store; else the builder writes it to a file.
    docker: bool,
    layers: KnownLayers,
}

impl BuildKit {
    /// `docker build`: the image is tagged in Docker's store, saved from there, and its tag removed.
    pub fn docker(program: Program) -> Self {
        Self { program, docker: true, layers: KnownLayers::default() }
    }

    /// `docker buildx build`: the builder writes the image to a file.
    pub fn buildx(program: Program) -> Self {
        Self { program, docker: false, layers: KnownLayers::default() }
    }

    fn arguments(&self, order: &Order<'_>, files: &OrderFiles, tag: &str) -> Vec<String> {
        let first: &[&str] = if self.docker { &["build"] } else { &["buildx", "build"] };
        let mut arguments: Vec<String> = first.iter().map(|word| (*word).to_owned()).collect();
        arguments.extend(self.program.options().iter().cloned());
        arguments.extend(["--progress=rawjson", "--provenance=false"].map(str::to_owned));
        arguments.extend(order_file::options(order, files));
        arguments.push(if self.docker {
            format!("--tag={tag}")
        } else {
            format!("--output=type=docker,dest={}", order_file::shown(&files.archive()))
        });
        arguments.push(order_file::shown(order.context));
        arguments
    }

    fn save(&self, tag: &str, files: &OrderFiles) -> Result<(), EngineError> {
        self.program.run_into(&["save".to_owned(), tag.to_owned()], &files.archive())
    }

    /// The image in Docker's store; without its tag, at the end, it is one for the next `docker image prune`.
    fn kept(&self, tag: &str) -> Kept {
        let program = self.program.clone();
        Kept::new(tag.to_owned(), move |tag| program.try_run(&["rmi", "--no-prune", tag]))
    }
}

impl Engine for BuildKit {
    fn name(&self) -> &'static str {
        if self.docker { "docker" } else { "buildkit" }
    }

    fn build(&self, order: &Order<'_>) -> Result<BuiltImage, EngineError> {
        let files = OrderFiles::write(order)?;
        let number = TAGS.fetch_add(1, Ordering::Relaxed);
        let tag = format!("layerwise-verify:{}-{number}", std::process::id());
        let done = self.program.run(&self.arguments(order, &files, &tag))?;
        let log = Log::read(done.lines.iter().map(|line| line.text.as_str()));
        if !done.status.success() {
            return Err(failure(&done, &log));
        }
        let kept = self.docker.then(|| self.kept(&tag));
        if self.docker {
            self.save(&tag, &files)?;
        }
        let image = archive::read(&files.archive(), &self.layers)?;
        let steps = log.steps(&stages(&Dockerfile::parse(order.dockerfile)));
        Ok(BuiltImage {
            files: image,
            steps,
            seconds: done.seconds,
            kept: kept.filter(|_| order.keep),
            seen: Vec::new(),
        })
    }

    fn runs_images(&self) -> bool {
        self.docker
    }

    fn run_image(&self, image: &BuiltImage, limit: Duration) -> Result<Ran, EngineError> {
        container::run(&self.program, false, image, limit)
    }
}

fn failure(done: &Finished, log: &Log) -> EngineError {
    let said = log.failure();
    let refused = [
        "unknown flag",
        "unknown progress",
        "Cannot connect to the Docker daemon",
        "no builder",
        "ERROR: use `docker --context=",
        "is not supported for the docker driver",
    ];
    if let Some(line) = done.lines.iter().find(|line| refused.iter().any(|word| line.text.contains(word))) {
        let remedy = "`verify` needs a running engine with buildx 0.13 or newer (`--progress=rawjson`)";
        return EngineError::Unusable(format!("{}: {remedy}", line.text));
    }
    EngineError::Failed(match log.failed_step() {
        Some(step) => format!("{step}\n{said}"),
        None => said,
    })
}
