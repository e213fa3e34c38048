//! Equal images: the original built twice, the candidate once, none from a cache, and all compared.

use std::path::Path;
use std::time::Duration;

use super::compare::Difference;
use super::engine::{BuiltImage, Engine, EngineError, Order};
use super::image_config::ConfigDifference;
use super::measured::{Measured, measured};
use super::noise::Noise;
use super::origin::{Origin, origins};
use super::smoke::{Smoke, smoke};
use super::split::{self, Split};
use super::stumble::{Stumble, twice, unsteady};
use super::trace::{self, TracedStep};
use crate::optimize::{Draft, Surroundings};

/// Two files for one project.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The build context on disk.
    pub context: &'a Path,
    /// The file as it is.
    pub before: &'a Draft,
    /// The file that may take its place.
    pub after: &'a Draft,
    /// What is known of the project; the target and the build arguments among it.
    pub surroundings: Surroundings<'a>,
    /// How long each image is run at most; `None` where none is run.
    pub smoke: Option<Duration>,
    /// Whether it is to be seen which files the steps of the original reach.
    pub trace: bool,
    /// Whether the candidate runs in another image, and is to hold what its last stage makes alone.
    pub split: bool,
}

/// Which of two files is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The original.
    Before,
    /// The candidate.
    After,
}

/// A difference with the steps that made the two sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The difference.
    pub difference: Difference,
    /// The step of the original that wrote or removed the path.
    pub step_before: Option<Origin>,
    /// The step of the candidate.
    pub step_after: Option<Origin>,
}

/// What builds of two files have shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// Paths at which the images differ.
    pub differences: Vec<Explained>,
    /// Differences that two builds of the original show as well.
    pub noise: Vec<Difference>,
    /// What two builds of the original differ in.
    pub self_noise: Noise,
    /// Properties of the image that differ.
    pub config: Vec<ConfigDifference>,
    /// Properties in which two builds of the original differ, such as a time in a label, with what the candidate has: it
    /// has something there.
    pub config_noise: Vec<ConfigDifference>,
    /// Why the candidate does not build, where the original does.
    pub broken: Option<String>,
    /// How the images go when they are started; `None` where they were not.
    pub smoke: Option<Smoke>,
    /// What a candidate that runs in another image has left out; `None` where the whole images are compared.
    pub split: Option<Split>,
    /// Which files the steps of the original reached, where they were traced.
    pub traces: Vec<TracedStep>,
    /// Builds that failed, and did not when they were done again.
    pub stumbles: Vec<Stumble>,
    /// Clean builds of the original.
    pub before: Measured,
    /// The clean build of the candidate; `None` where it does not build.
    pub after: Option<Measured>,
}

impl Proof {
    /// Whether the images are equal, and go the same way where they were started. Of a [`Split`], the parts are, and they
    /// must have been started. A candidate that builds at times only is none of that.
    pub fn is_equal(&self) -> bool {
        let runs = match self.split {
            None => self.smoke.as_ref().is_none_or(Smoke::agrees),
            Some(_) => self.smoke.as_ref().is_some_and(split::is_borne_out),
        };
        self.has_equal_images() && runs && unsteady(self.stumbles.iter()).is_none()
    }

    fn has_equal_images(&self) -> bool {
        self.differences.is_empty() && self.config.is_empty() && self.broken.is_none()
    }
}

/// The original, built twice.
#[derive(Debug)]
pub struct Original {
    first: BuiltImage,
    second: BuiltImage,
    noise: Noise,
    stumbles: Vec<Stumble>,
}

impl Original {
    /// Builds it without a cache, twice; `tell` hears what goes on.
    ///
    /// # Errors
    /// [`EngineError`] where the engine cannot be used, or the original does not build.
    pub fn build(engine: &dyn Engine, job: &Job<'_>, tell: &dyn Fn(&str)) -> Result<Self, EngineError> {
        tell("building the file as it is, without a cache");
        let first = build(engine, job, Side::Before, job.trace)?;
        std::thread::sleep(engine.clock());
        tell("building it again, to see what differs by itself");
        // The file builds, as was seen.
        let (second, failure) = twice(|| clean_build(engine, job, Side::Before), tell)?;
        let noise = Noise::between(&first.files.tree, &second.files.tree);
        let stumble = failure.map(|reason| Stumble { side: Side::Before, change: None, reason });
        Ok(Self { first, second, noise, stumbles: stumble.into_iter().collect() })
    }

    /// Which files its steps reached, where they were traced.
    pub fn traces(&self, job: &Job<'_>) -> Vec<TracedStep> {
        let took = |image: &BuiltImage, instruction: usize| {
            let step = image.steps.iter().find(|step| step.instruction == instruction);
            step.map_or(0.0, |step| step.seconds)
        };
        job.before.with_build(&job.surroundings, |build| {
            let seconds = |instruction| (took(&self.first, instruction), took(&self.second, instruction));
            let seen = self.first.seen.iter();
            seen.filter_map(|seen| trace::traced(build, seen, seconds(seen.instruction))).collect()
        })
    }
}

/// Builds the candidate without a cache and compares it with the original.
///
/// # Errors
/// [`EngineError`] where the engine cannot be used. A candidate that does not build is a result.
pub fn prove(
    engine: &dyn Engine,
    original: &Original,
    job: &Job<'_>,
    tell: &dyn Fn(&str),
) -> Result<Proof, EngineError> {
    let Original { first, second, noise, stumbles } = original;
    let both = [first, second];
    // A traced build takes longer than others.
    let timed = if job.trace { &both[1..] } else { &both[..] };
    let mut proof = Proof {
        differences: Vec::new(),
        noise: Vec::new(),
        self_noise: noise.clone(),
        config: Vec::new(),
        config_noise: Vec::new(),
        broken: None,
        smoke: None,
        split: None,
        traces: original.traces(job),
        stumbles: stumbles.clone(),
        before: measured(job, Side::Before, timed),
        after: None,
    };
    tell("building the candidate, without a cache");
    let after = match twice(|| clean_build(engine, job, Side::After), tell) {
        Ok((after, failure)) => {
            let stumble = failure.map(|reason| Stumble { side: Side::After, change: None, reason });
            proof.stumbles.extend(stumble);
            after
        }
        Err(EngineError::Failed(reason)) => {
            proof.broken = Some(reason);
            return Ok(proof);
        }
        Err(error) => return Err(error),
    };
    let compared = noise.compare(&first.files.tree, &second.files.tree, &after.files.tree);
    proof.differences = explained(job, (first, &after), compared.differences);
    if job.split {
        let (split, own) = split::sorted(std::mem::take(&mut proof.differences));
        (proof.split, proof.differences) = (Some(split), own);
    }
    proof.noise = compared.noise;
    (proof.config, proof.config_noise) = config_differences([first, second, &after]);
    proof.config.retain(|found| !job.split || split::is_set(job, found));
    proof.after = Some(measured(job, Side::After, &[&after]));
    if let Some(limit) = job.smoke.filter(|_| proof.has_equal_images()) {
        proof.smoke = Some(smoke(engine, (second, &after), limit, tell)?);
    }
    Ok(proof)
}

/// Properties in which the third image differs from the first, and of those the ones in which the second does too. There
/// the builds say nothing, but for one that is gone or that the original does not have each time.
fn config_differences(images: [&BuiltImage; 3]) -> (Vec<ConfigDifference>, Vec<ConfigDifference>) {
    let [first, second, after] = images.map(|image| &image.files.config);
    let unsteady = first.differences(second);
    let is_steady = |found: &ConfigDifference| {
        let known = unsteady.iter().find(|other| other.property == found.property);
        known.is_none_or(|known| found.after.is_empty() && !known.before.is_empty() && !known.after.is_empty())
    };
    let (steady, noise): (Vec<_>, Vec<_>) = first.differences(after).into_iter().partition(is_steady);
    let with_second: Vec<String> = second.differences(after).into_iter().map(|found| found.property).collect();
    (steady, noise.into_iter().filter(|found| with_second.contains(&found.property)).collect())
}

impl Job<'_> {
    /// The file of a side.
    pub fn draft(&self, side: Side) -> &Draft {
        match side {
            Side::Before => self.before,
            Side::After => self.after,
        }
    }
}

fn clean_build(engine: &dyn Engine, job: &Job<'_>, side: Side) -> Result<BuiltImage, EngineError> {
    build(engine, job, side, false)
}

fn build(engine: &dyn Engine, job: &Job<'_>, side: Side, traced: bool) -> Result<BuiltImage, EngineError> {
    let draft = job.draft(side);
    engine.build(&Order {
        dockerfile: &draft.dockerfile,
        ignore: draft.ignore.as_deref(),
        context: job.context,
        target: job.surroundings.target,
        arguments: job.surroundings.arguments,
        fresh: true,
        keep: job.smoke.is_some(),
        traced,
    })
}

/// The step that made each layer of an image.
pub(super) fn origins_of(job: &Job<'_>, side: Side, image: &BuiltImage) -> Vec<Origin> {
    job.draft(side).with_build(&job.surroundings, |build| {
        let target = build.target(job.surroundings.target).unwrap_or_default();
        origins(build, target, &image.files.config.history)
    })
}

/// Differences with the steps that made both sides.
pub(super) fn explained(job: &Job<'_>, images: (&BuiltImage, &BuiltImage), found: Vec<Difference>) -> Vec<Explained> {
    if found.is_empty() {
        return Vec::new();
    }
    let before = origins_of(job, Side::Before, images.0);
    let after = origins_of(job, Side::After, images.1);
    let step = |image: &BuiltImage, origins: &[Origin], path: &str| {
        // Notes that do not go with the layers say nothing.
        let known = origins.len() == image.files.tree.layers();
        let layer = image.files.tree.layer_of(path.trim_start_matches('/')).filter(|_| known)?;
        origins.get(layer).cloned()
    };
    let explain = |difference: Difference| Explained {
        step_before: step(images.0, &before, &difference.path),
        step_after: step(images.1, &after, &difference.path),
        difference,
    };
    found.into_iter().map(explain).collect()
}
