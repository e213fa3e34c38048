//! Changes of the project, built one after the other: the cache behaves as predicted, and what it makes is what a clean
//! build makes. A build that only looks up to date, as compilers make it that go by times, is caught here.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use super::compare::{Difference, DifferenceKind};
use super::engine::{BuiltImage, Engine, EngineError, Order};
use super::noise::Noise;
use super::prediction::{Fate, Prediction};
use super::proof::{Job, Side};
use super::replayed::{Replay, Replayed};
use super::salt::Salted;
use super::snapshot::Snapshot;
use super::split;
use super::stumble::{Stumble, twice};
use super::timeline::{LaidOut, Timeline, TimelineError};
use crate::analysis::{Project, Session};
use crate::context::{Filtered, IgnoreFile};
use crate::diagnostic::FileEdit;
use crate::optimize::Surroundings;
use crate::source::DiskContext;

/// What a replay needs for each change.
struct Player<'a> {
    engine: &'a dyn Engine,
    job: &'a Job<'a>,
    /// The Dockerfile's path in the context.
    dockerfile: &'a str,
    before: Salted,
    after: Salted,
    /// What two builds of the original differ in.
    noise: &'a Noise,
    tell: &'a dyn Fn(&str),
    /// Builds of the candidate that failed, and did not when they were done again.
    stumbles: RefCell<Vec<Stumble>>,
}

/// Where a project stands on disk, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The build context.
    pub disk: &'a DiskContext,
    /// The path of the Dockerfile in it.
    pub dockerfile: &'a str,
    /// What two builds of the original differ in.
    pub noise: &'a Noise,
}

/// Replays a timeline.
///
/// # Errors
/// [`EngineError`] where the engine cannot be used.
pub fn replay(
    engine: &dyn Engine,
    job: &Job<'_>,
    ground: Ground<'_>,
    timeline: &Timeline,
    tell: &dyn Fn(&str),
) -> Result<Replay, EngineError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let salted = |side: Side| Salted::new(&job.draft(side).dockerfile, &format!("{now} {side:?}"));
    let (before, after) = (salted(Side::Before), salted(Side::After));
    let player = Player {
        engine,
        job,
        dockerfile: ground.dockerfile,
        before,
        after,
        noise: ground.noise,
        tell,
        stumbles: RefCell::default(),
    };
    let ignore = job.before.ignore.as_ref().map(|text| IgnoreFile::parse(&job.before.ignore_path, text));
    let context = Filtered::new(ground.disk, ignore.as_ref());
    let count = timeline.names().count().saturating_sub(1);
    let mut found = Replay::default();
    let mut earlier: Vec<Snapshot> = Vec::new();
    for (index, name) in timeline.names().enumerate() {
        tell(&match index {
            0 => format!("building what the changes start from: {name}"),
            _ => format!("building change {index} of {count}: {name}"),
        });
        let laid_out = timeline.lay_out(index, ground.disk, &context);
        let outcome = match laid_out.and_then(|state| Ok((snapshot(&state)?, state))) {
            Err(error) => Err(EngineError::Failed(error.to_string())),
            Ok((now, state)) => {
                let outcome = if index == 0 { player.start(&state) } else { player.play(&state, (&now, &earlier)) };
                // A build that failed half way may have left something as well.
                earlier.push(now);
                outcome
            }
        };
        found.stumbles.extend(
            player.stumbles.take().into_iter().map(|stumble| Stumble { change: Some(name.to_owned()), ..stumble }),
        );
        match outcome {
            Ok(replayed) if index > 0 || replayed.broken.is_some() => {
                let stops = index == 0;
                found.changes.push(Replayed { change: name.to_owned(), ..replayed });
                if stops {
                    return Ok(found);
                }
            }
            Ok(_) => {}
            Err(EngineError::Failed(reason)) if index == 0 => {
                found.stopped = Some(format!("{name} does not build: {reason}"));
                return Ok(found);
            }
            Err(EngineError::Failed(reason)) => {
                let skipped = Some(reason);
                found.changes.push(Replayed { change: name.to_owned(), skipped, ..Replayed::default() });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn snapshot(state: &LaidOut) -> Result<Snapshot, TimelineError> {
    Snapshot::of(&state.context)
        .map_err(|error| TimelineError::File { path: state.context.clone(), reason: error.to_string() })
}

impl Player<'_> {
    fn salted(&self, side: Side) -> &Salted {
        match side {
            Side::Before => &self.before,
            Side::After => &self.after,
        }
    }

    /// What a build of the candidate came to, at a state that the original builds: there a failure is a result.
    fn candidate(
        &self,
        build: impl Fn() -> Result<BuiltImage, EngineError>,
    ) -> Result<Result<BuiltImage, Replayed>, EngineError> {
        match twice(build, self.tell) {
            Ok((image, failure)) => {
                let stumble = failure.map(|reason| Stumble { side: Side::After, change: None, reason });
                self.stumbles.borrow_mut().extend(stumble);
                Ok(Ok(image))
            }
            Err(EngineError::Failed(reason)) => Ok(Err(Replayed { broken: Some(reason), ..Replayed::default() })),
            Err(error) => Err(error),
        }
    }

    /// Builds a side with the cache.
    fn cached(&self, state: &LaidOut, side: Side) -> Result<BuiltImage, EngineError> {
        self.build(state, side, self.salted(side), false)
    }

    /// Builds the candidate without the cache, and apart from it: what a clean build leaves is not found by later ones.
    fn clean(&self, state: &LaidOut) -> Result<BuiltImage, EngineError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let salted = Salted::new(&self.job.after.dockerfile, &format!("{now} clean"));
        self.build(state, Side::After, &salted, true)
    }

    /// Builds a side; the indices of the steps are those of the file without salt.
    fn build(&self, state: &LaidOut, side: Side, salted: &Salted, fresh: bool) -> Result<BuiltImage, EngineError> {
        let mut built = self.engine.build(&Order {
            dockerfile: &salted.text,
            ignore: self.job.draft(side).ignore.as_deref(),
            context: &state.context,
            target: self.job.surroundings.target,
            arguments: self.job.surroundings.arguments,
            fresh,
            keep: false,
            traced: false,
        })?;
        built.steps.retain_mut(|step| {
            let original = salted.original(step.instruction);
            step.instruction = original.unwrap_or_default();
            original.is_some()
        });
        Ok(built)
    }

    /// Fills the cache.
    fn start(&self, state: &LaidOut) -> Result<Replayed, EngineError> {
        self.cached(state, Side::Before)?;
        Ok(self.candidate(|| self.cached(state, Side::After))?.err().unwrap_or_default())
    }

    fn play(&self, state: &LaidOut, snapshots: (&Snapshot, &[Snapshot])) -> Result<Replayed, EngineError> {
        let before = self.cached(state, Side::Before)?;
        let after = match self.candidate(|| self.cached(state, Side::After))? {
            Ok(after) => after,
            Err(broken) => return Ok(broken),
        };
        let clean = match self.candidate(|| self.clean(state))? {
            Ok(clean) => clean,
            Err(broken) => return Ok(broken),
        };
        let mut replayed =
            Replayed { seconds_before: before.seconds, seconds_after: after.seconds, ..Replayed::default() };
        self.compare_hits(state, snapshots, &after, &mut replayed);
        let against = self.noise.sort(&before.files.tree, &after.files.tree);
        (replayed.differences, replayed.noise) = (against.differences, against.noise);
        if self.job.split {
            let found = std::mem::take(&mut replayed.differences);
            replayed.differences = split::own(self.job, (&before, &after), found);
        }
        let against = self.noise.sort(&clean.files.tree, &after.files.tree);
        replayed.stale = against.differences;
        self.look_again(state, (&clean, &after), &against.noise, &mut replayed)?;
        let noise = against.noise.into_iter().filter(|found| !replayed.stale.contains(found));
        replayed.noise.extend(noise.collect::<Vec<_>>());
        Ok(replayed)
    }

    /// A stale program hides behind what differs by itself in it: where one does, the candidate is built once more without
    /// the cache, and what both clean builds agree on must be in the program that the cache has made.
    fn look_again(
        &self,
        state: &LaidOut,
        (clean, after): (&BuiltImage, &BuiltImage),
        noise: &[Difference],
        replayed: &mut Replayed,
    ) -> Result<(), EngineError> {
        let is_program = |found: &&Difference| {
            let node = after.files.tree.node(found.path.trim_start_matches('/'));
            found.kind == DifferenceKind::Content && node.is_some_and(|node| !node.blocks.is_empty())
        };
        let programs: Vec<&Difference> = noise.iter().filter(is_program).collect();
        if programs.is_empty() {
            return Ok(());
        }
        let again = match self.candidate(|| self.clean(state))? {
            Ok(again) => again,
            Err(broken) => {
                *replayed = broken;
                return Ok(());
            }
        };
        let (clean, again, after) = (&clean.files.tree, &again.files.tree, &after.files.tree);
        let compared = Noise::between(clean, again).compare(clean, again, after);
        let is_stale = |found: &&&Difference| {
            compared.differences.iter().any(|other| (&other.path, other.kind) == (&found.path, found.kind))
        };
        replayed.stale.extend(programs.iter().filter(is_stale).map(|found| (*found).clone()));
        Ok(())
    }

    fn compare_hits(
        &self,
        state: &LaidOut,
        (now, earlier): (&Snapshot, &[Snapshot]),
        after: &BuiltImage,
        replayed: &mut Replayed,
    ) {
        let ignore = self.job.after.ignore.clone();
        let pending: Vec<FileEdit> =
            ignore.map(|text| FileEdit { path: self.job.after.ignore_path.clone(), text }).into_iter().collect();
        let dockerfile = state.context.join(self.dockerfile);
        let Ok(project) = Project::open(&Session::default(), &state.context, &dockerfile, &pending) else {
            replayed.disagreements.push("the folder of the change cannot be read".to_owned());
            return;
        };
        let surroundings = Surroundings { context: &project, ..self.job.surroundings };
        self.job.after.with_build(&surroundings, |build| {
            let target = build.target(surroundings.target).unwrap_or_default();
            let predictions =
                earlier.iter().map(|state| Prediction::of(build, surroundings.profile, target, now.changed(state)));
            let prediction = Prediction::best(predictions);
            let line =
                |instruction: usize| build.inputs.file.instructions().get(instruction).map_or(0, |found| found.lines.0);
            replayed.predicted = prediction.rebuilt().into_iter().map(line).collect();
            let ran = after.steps.iter().filter(|step| !step.hit);
            replayed.observed = ran.map(|step| line(step.instruction)).collect();
            for (instruction, fate) in prediction.disagreements(&after.steps) {
                let (said, did) = match fate {
                    Fate::Hit => ("come from the cache", "it ran"),
                    _ => ("run again", "it came from the cache"),
                };
                replayed.disagreements.push(format!("line {} was to {said}, and {did}", line(instruction)));
            }
        });
    }
}
