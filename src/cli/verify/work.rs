//! The work itself: images first, then the changes.

use super::super::failure::Failure;
use super::super::project::Opened;
use super::super::terminal;
use super::EngineArgs;
use crate::cache::step_digest;
use crate::ecosystem::Observation;
use crate::optimize::{Draft, Plan, Surroundings};
use crate::rewrite::MoveKind;
use crate::verify::{self, Engine, Ground, Job, Original, Timeline, Verified, files_to_edit};

/// What verification works on.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Work<'a> {
    /// The project.
    pub(in crate::cli) opened: &'a Opened,
    /// How it is asked to build.
    pub(in crate::cli) engine: &'a EngineArgs,
    /// What builds.
    pub(in crate::cli) builds: &'a dyn Engine,
    /// The stage to build.
    pub(in crate::cli) target: Option<&'a str>,
    /// How many commits are replayed.
    pub(in crate::cli) replayed: usize,
    /// Whether the steps of the original are traced.
    pub(in crate::cli) trace: bool,
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

/// A file that may take the original's place.
pub(in crate::cli) struct Candidate {
    /// The file.
    pub(in crate::cli) draft: Draft,
    /// Whether it runs in another image, and is to hold what its last stage makes alone.
    pub(in crate::cli) split: bool,
}

impl Candidate {
    /// What a plan makes.
    pub(in crate::cli) fn of_plan(plan: &Plan) -> Self {
        let split = plan.applied.iter().any(|applied| applied.kind == MoveKind::SplitStages);
        Self { draft: plan.draft.clone(), split }
    }
}

/// The original, built and ready for candidates.
pub(in crate::cli) struct Bench<'a> {
    work: Work<'a>,
    draft: Draft,
    original: Original,
}

impl<'a> Bench<'a> {
    /// Builds the original.
    pub(in crate::cli) fn new(work: Work<'a>) -> Result<Self, Failure> {
        let draft = work.original();
        let job = job(&work, &draft, &draft);
        let original = Original::build(work.builds, &job, &tell).map_err(Failure::Engine)?;
        Ok(Self { work, draft, original })
    }

    /// What the steps of the original were seen to reach, by their digests.
    pub(in crate::cli) fn observed(&self) -> Vec<(String, Observation)> {
        let job = job(&self.work, &self.draft, &self.draft);
        let traces = self.original.traces(&job);
        self.draft.with_build(&self.work.surroundings(), |build| {
            let digest = |instruction| {
                let (id, _) = build.steps().find(|(_, step)| step.instruction == instruction)?;
                Some(step_digest(build, id))
            };
            let steps = traces.iter();
            steps.filter_map(|step| Some((digest(step.instruction)?, step.observation()))).collect()
        })
    }

    /// Builds a candidate, and the changes of the project with both files.
    pub(in crate::cli) fn verified(&self, candidate: &Candidate) -> Result<Verified, Failure> {
        let job = Job { split: candidate.split, ..job(&self.work, &self.draft, &candidate.draft) };
        let engine = self.work.builds;
        let proof = verify::prove(engine, &self.original, &job, &tell).map_err(Failure::Engine)?;
        let replays = proof.is_equal() && self.work.replayed > 0;
        let Some(timeline) = replays.then(|| timeline(&self.work, &self.draft)).flatten() else {
            return Ok(Verified { proof, replay: None });
        };
        let project = &self.work.opened.project;
        let ground = Ground { disk: &project.disk, dockerfile: &project.dockerfile, noise: &proof.self_noise };
        let replay = verify::replay(engine, &job, ground, &timeline, &tell).map_err(Failure::Engine)?;
        Ok(Verified { proof, replay: Some(replay) })
    }
}

fn job<'a>(work: &'a Work<'_>, before: &'a Draft, after: &'a Draft) -> Job<'a> {
    Job {
        context: work.opened.project.disk.root(),
        before,
        after,
        surroundings: work.surroundings(),
        smoke: work.engine.smoke(),
        trace: work.trace,
        split: false,
    }
}

fn tell(text: &str) {
    terminal::note(&format!("verify: {text}"));
}

/// The newest commits, or edits where there are none.
fn timeline(work: &Work<'_>, original: &Draft) -> Option<Timeline> {
    Timeline::of_history(&work.opened.project.disk, work.replayed).or_else(|| {
        let mut files = original.with_build(&work.surroundings(), files_to_edit);
        files.truncate(work.replayed);
        (!files.is_empty()).then(|| Timeline::of_edits(&files))
    })
}
