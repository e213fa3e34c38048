//! One change, carried through the stages of a build.

use std::collections::{BTreeMap, BTreeSet};

use super::{KeyText, Profile};
use crate::model::{Action, Base, Build, StepId};
use crate::syntax::variables;

/// What is not as it was at the build before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Context paths whose content, mode or existence changed.
    pub paths: Vec<String>,
    /// Build arguments with a new value.
    pub arguments: Vec<String>,
}

/// The steps that an event dirties directly, by the index of their instruction, with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dirt {
    steps: BTreeMap<usize, Vec<Reason>>,
}

/// Why a step is not taken from the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Files that it copies or mounts changed: all of them, sorted.
    Files(Vec<String>),
    /// A build argument in its key changed.
    Argument(String),
    /// The step of that instruction, earlier in the stage, runs again.
    Follows(usize),
    /// The stage it starts from changes: by the index of the stage.
    BaseStage(usize),
    /// The stage it copies from or mounts may have other content: by the index of the stage.
    FromStage(usize),
    /// The step itself was written anew, or finds other variables or another directory.
    Edited,
    /// The builder does not keep what such a step makes, so it runs at every build.
    NotKept,
    /// A class of changes that stands in for missing history.
    Class(&'static str),
}

/// What becomes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Taken from the cache.
    Hit,
    /// Runs again.
    Rebuilt,
    /// Image configuration: nothing to run.
    Metadata,
    /// Its stage is not needed for the target.
    NotBuilt,
}

impl Status {
    /// The name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Rebuilt => "rebuilt",
            Self::Metadata => "metadata",
            Self::NotBuilt => "not-built",
        }
    }
}

/// What becomes of one step, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Index of the instruction.
    pub instruction: usize,
    /// What becomes of it.
    pub status: Status,
    /// Why it runs again; empty unless it does.
    pub reasons: Vec<Reason>,
}

/// What becomes of every step of every stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// Outcomes by stage, each stage's `FROM` left out.
    pub stages: Vec<Vec<Outcome>>,
}

impl Simulation {
    /// The instructions that run again, in the order of the file.
    pub fn rebuilt(&self) -> impl Iterator<Item = usize> {
        let outcomes = self.stages.iter().flatten();
        outcomes.filter(|outcome| outcome.status == Status::Rebuilt).map(|outcome| outcome.instruction)
    }
}

impl Dirt {
    /// The steps whose own key a change touches.
    pub fn of_change(build: &Build<'_>, profile: Profile, change: &Change) -> Self {
        let mut dirt = Self::default();
        for (index, stage) in build.stages.iter().enumerate() {
            for name in build.arguments_of_base(index).into_iter().filter(|name| change.arguments.contains(name)) {
                dirt.add(stage.from, Reason::Argument(name));
            }
        }
        for (id, step) in build.steps() {
            let files: Vec<String> =
                change.paths.iter().filter(|path| reads_path(build, profile, id, path)).cloned().collect();
            if !files.is_empty() {
                dirt.add(step.instruction, Reason::Files(files));
            }
            for name in argument_changes(build, profile, id, &change.arguments) {
                dirt.add(step.instruction, Reason::Argument(name));
            }
        }
        dirt
    }

    /// Adds a step with a reason.
    pub fn add(&mut self, instruction: usize, reason: Reason) {
        self.steps.entry(instruction).or_default().push(reason);
    }

    pub(super) fn into_steps(self) -> impl Iterator<Item = (usize, Vec<Reason>)> {
        self.steps.into_iter()
    }

    /// The dirty steps.
    pub fn instructions(&self) -> BTreeSet<usize> {
        self.steps.keys().copied().collect()
    }

    fn reasons(&self, instruction: usize) -> Vec<Reason> {
        self.steps.get(&instruction).cloned().unwrap_or_default()
    }
}

/// Whether a changed context path is in the key of a step itself.
pub(super) fn reads_path(build: &Build<'_>, profile: Profile, id: StepId, path: &str) -> bool {
    // The ignore file is asked last: that takes longest.
    names_path(build, profile, id, path) && !is_ignored(build, path)
}

/// Whether a context path is in the key of a step itself, unless the ignore file leaves it out.
pub(super) fn names_path(build: &Build<'_>, profile: Profile, id: StepId, path: &str) -> bool {
    match &build.step(id).action {
        Action::Transfer(transfer) => {
            let made = transfer.made.as_ref();
            transfer.selects(path) || made.is_some_and(|made| made.depends_on(path, build.is_in_context(path)))
        }
        Action::Run(run) => profile.bind_mount_content && run.mounts_path(path),
        _ => false,
    }
}

/// Whether the builder never sees a context path.
pub(super) fn is_ignored(build: &Build<'_>, path: &str) -> bool {
    build.inputs.context.is_some_and(|context| context.excludes(path))
}

/// The changed arguments that are in the key of a step itself: a `RUN` has every variable in scope in its key, used or
/// not; any other step those that it mentions, where the builder expands them in its key.
pub(super) fn argument_changes(build: &Build<'_>, profile: Profile, id: StepId, changed: &[String]) -> Vec<String> {
    let step = build.step(id);
    let mut found = match &step.action {
        _ if changed.is_empty() => Vec::new(),
        Action::Run(_) => step.before.arguments_of(step.before.variables().map(|(name, _)| name)),
        Action::Transfer(transfer) if profile.paths == KeyText::Expanded => {
            step.before.arguments_of(transfer.mentions.iter().map(String::as_str))
        }
        Action::Workdir(_) if profile.paths == KeyText::Expanded => mentioned(build, id),
        // The key of a declaration has the default, not what the build gives.
        Action::Argument(_) | Action::Workdir(_) | Action::Transfer(_) | Action::Malformed => Vec::new(),
        _ if profile.metadata == Some(KeyText::Expanded) => mentioned(build, id),
        _ => Vec::new(),
    };
    found.retain(|name| changed.contains(name));
    found
}

/// The build arguments that the text of an instruction is made of.
fn mentioned(build: &Build<'_>, id: StepId) -> Vec<String> {
    let names = variables(build.instruction(id).arguments.as_str(), build.inputs.file.escape());
    build.step(id).before.arguments_of(names.iter().map(String::as_str))
}

/// Carries directly dirtied steps through the stages that `target` needs.
pub fn simulate(build: &Build<'_>, profile: Profile, dirt: &Dirt, target: usize) -> Simulation {
    let needed = build.reachable(target);
    let mut ends = vec![End::default(); build.stages.len()];
    let mut stages = Vec::with_capacity(build.stages.len());
    for (index, stage) in build.stages.iter().enumerate() {
        if !needed[index] {
            let unbuilt = |instruction| Outcome { instruction, status: Status::NotBuilt, reasons: Vec::new() };
            stages.push(stage.steps.iter().map(|step| unbuilt(step.instruction)).collect());
            continue;
        }
        let mut walk = Walk { build, profile, dirt, ends: &ends, cause: None, surroundings: false };
        if let Base::Stage(parent) = stage.base {
            let end = ends.get(parent).copied().unwrap_or_default();
            walk.cause = end.changed.then_some(Reason::BaseStage(parent));
            walk.surroundings = end.surroundings;
        }
        walk.start_from(stage.from);
        let steps = 0..stage.steps.len();
        stages.push(steps.map(|step| walk.step(StepId { stage: index, step })).collect());
        ends[index] = End { changed: walk.cause.is_some(), surroundings: walk.surroundings };
    }
    Simulation { stages }
}

/// What became of a stage.
#[derive(Clone, Copy, Default)]
struct End {
    /// Whether a step of it ran again.
    changed: bool,
    /// Whether more changed than files that it copies from the context.
    surroundings: bool,
}

/// The way through one stage.
struct Walk<'a> {
    build: &'a Build<'a>,
    profile: Profile,
    dirt: &'a Dirt,
    ends: &'a [End],
    /// Whether more has changed than files that are copied from the context.
    surroundings: bool,
    /// Why every later step of the stage misses, once one has missed.
    cause: Option<Reason>,
}

impl Walk<'_> {
    /// A `FROM` whose image changed dirties the stage from its start.
    fn start_from(&mut self, from: usize) {
        if self.cause.is_none() && !self.dirt.reasons(from).is_empty() {
            self.cause = Some(Reason::Follows(from));
            self.surroundings = true;
        }
    }

    fn step(&mut self, id: StepId) -> Outcome {
        let step = self.build.step(id);
        let instruction = step.instruction;
        let own = self.own_reasons(id);
        self.surroundings |= !own.is_empty() && !only_files(&step.action, &own);
        let (in_chain, keyed) = match &step.action {
            Action::Transfer(transfer) => (!(self.profile.link && transfer.is_linked()), true),
            Action::Run(_) | Action::Workdir(_) | Action::Malformed => (true, true),
            _ => (self.profile.metadata_keys(), self.profile.metadata_keys()),
        };
        if !keyed {
            return Outcome { instruction, status: Status::Metadata, reasons: Vec::new() };
        }
        let mut reasons = own;
        if in_chain && reasons.is_empty() {
            reasons.extend(self.cause.clone());
        }
        if !reasons.is_empty() && self.cause.is_none() {
            self.cause = Some(Reason::Follows(instruction));
        }
        if reasons.is_empty()
            && !self.profile.keeps_files
            && matches!(step.action, Action::Transfer(_) | Action::Workdir(_))
        {
            reasons.push(Reason::NotKept);
        }
        let status = if reasons.is_empty() { Status::Hit } else { Status::Rebuilt };
        Outcome { instruction, status, reasons }
    }

    fn own_reasons(&self, id: StepId) -> Vec<Reason> {
        let step = self.build.step(id);
        let mut reasons = self.dirt.reasons(step.instruction);
        // The file is the same as long as what it is made of is, and what makes it.
        let is_traced = step.transfer().is_some_and(|transfer| transfer.made.is_some());
        let differs = |end: &End| if is_traced { end.surroundings } else { end.changed };
        let stages = step.stage_sources();
        let others = stages.into_iter().filter(|stage| self.ends.get(*stage).is_some_and(differs));
        reasons.extend(others.map(Reason::FromStage));
        reasons
    }
}

/// Whether a step runs again for nothing but files of the context that it copies.
fn only_files(action: &Action, reasons: &[Reason]) -> bool {
    let Action::Transfer(transfer) = action else { return false };
    let of_files = |reason: &Reason| matches!(reason, Reason::Files(_) | Reason::Class(_));
    transfer.is_from_context() && transfer.mentions.is_empty() && reasons.iter().all(of_files)
}
