//! The work itself: images first, then the changes.

use super::super::failure::Failure;
use super::super::project::Opened;
use super::super::terminal;
use super::EngineArgs;
use crate::optimize::{Draft, Surroundings};
use crate::verify::{self, Ground, Job, Timeline, Verified, files_to_edit};

/// What verification works on.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Work<'a> {
    /// The project.
    pub(in crate::cli) opened: &'a Opened,
    /// The engine.
    pub(in crate::cli) engine: &'a EngineArgs,
    /// The stage to build.
    pub(in crate::cli) target: Option<&'a str>,
}

impl Work<'_> {
    /// What is known of the project.
    pub(in crate::cli) fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            context: &self.opened.project,
            catalog: &self.opened.catalog,
            arguments: &self.opened.arguments,
            profile: self.engine.builder().profile(),
            history: None,
            target: self.target,
        }
    }

    /// The file as it is.
    pub(in crate::cli) fn original(&self) -> Draft {
        self.opened.project.draft(&self.opened.source)
    }
}

/// Builds the original and the candidate, and the changes of the project with both.
pub(in crate::cli) fn verified(work: &Work<'_>, candidate: &Draft) -> Result<Verified, Failure> {
    let original = work.original();
    let project = &work.opened.project;
    let job =
        Job { context: project.disk.root(), before: &original, after: candidate, surroundings: work.surroundings() };
    let engine = work.engine.start();
    let tell = |text: &str| terminal::note(&format!("verify: {text}"));
    let proof = verify::prove(engine.as_ref(), &job, &tell).map_err(Failure::Engine)?;
    let changes = (proof.is_equal() && work.engine.replay > 0).then(|| timeline(work, &original)).flatten();
    let replay = match changes {
        Some(timeline) => {
            let ground = Ground { disk: &project.disk, dockerfile: &project.dockerfile, noise: &proof.self_noise };
            let replayed = verify::replay(engine.as_ref(), &job, ground, &timeline, &tell);
            Some(replayed.map_err(Failure::Engine)?)
        }
        None => None,
    };
    Ok(Verified { proof, replay })
}

/// The newest commits, or edits where there are none.
fn timeline(work: &Work<'_>, original: &Draft) -> Option<Timeline> {
    Timeline::of_history(&work.opened.project.disk, work.engine.replay).or_else(|| {
        let mut files = original.with_build(&work.surroundings(), files_to_edit);
        files.truncate(work.engine.replay);
        (!files.is_empty()).then(|| Timeline::of_edits(&files))
    })
}
