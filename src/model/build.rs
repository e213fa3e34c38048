//! A Dockerfile with its meaning: stages of steps, each with what it finds and what it does.

use std::collections::BTreeMap;

use super::{assembly, path::StagePath, run::Run, state::State, transfer::Transfer, view::View};
use crate::{
    context::Filtered,
    ecosystem::{Catalog, Effect, ImageFacts, Read},
    syntax::{Dockerfile, Instruction, Keyword},
};

/// All that a model is made of.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The parsed file.
    pub file: &'a Dockerfile,
    /// The build context after `.dockerignore`; `None` where nobody knows it.
    pub context: Option<&'a Filtered<'a>>,
    /// What is known of programs.
    pub catalog: &'a Catalog,
    /// Values given with `--build-arg`.
    pub arguments: &'a BTreeMap<String, String>,
}

/// A Dockerfile with its meaning.
pub struct Build<'a> {
    /// What it was made of.
    pub inputs: Inputs<'a>,
    /// Stages in the order of the file.
    pub stages: Vec<Stage>,
    /// The stage whose image is built, by index; `None` where there is none of the name that was asked for.
    pub built: Option<usize>,
}

/// A step's place: the stage and the index among the stage's steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId {
    /// Index in [`Build::stages`].
    pub stage: usize,
    /// Index in [`Stage::steps`].
    pub step: usize,
}

/// From one `FROM` to the next.
#[derive(Debug)]
pub struct Stage {
    /// Its name in lower case, where it has one.
    pub name: Option<String>,
    /// What it starts from.
    pub base: Base,
    /// Index of the `FROM` instruction in the file.
    pub from: usize,
    /// The instructions after `FROM`.
    pub steps: Vec<Step>,
    /// What the last step leaves.
    pub end: State,
}

/// What a stage starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// The empty image.
    Scratch,
    /// An earlier stage, by index.
    Stage(usize),
    /// An image of that reference, variables expanded.
    Image(String),
    /// A reference with a variable that only the build knows, as written.
    Unknown(String),
}

/// One instruction of a stage.
#[derive(Debug)]
pub struct Step {
    /// Index of the instruction in the file.
    pub instruction: usize,
    /// What it finds.
    pub before: State,
    /// What it does.
    pub action: Action,
}

/// What a step does.
#[derive(Debug)]
pub enum Action {
    /// Executes commands.
    Run(Box<Run>),
    /// `COPY` or `ADD`.
    Transfer(Box<Transfer>),
    /// Creates and enters a directory.
    Workdir(StagePath),
    /// `ENV`: names declared.
    Environment(Vec<String>),
    /// `ARG`: names declared.
    Argument(Vec<String>),
    /// `USER`.
    User,
    /// `SHELL`.
    Shell,
    /// `VOLUME`: directories whose later writes some builders throw away.
    Volume(Vec<StagePath>),
    /// Image configuration that no step reads: `LABEL`, `EXPOSE`, `CMD` and their like.
    Metadata,
    /// An instruction that could not be read: it may do anything.
    Malformed,
}

impl<'a> Build<'a> {
    /// Works out the meaning of a file of which the last stage is built.
    pub fn new(inputs: Inputs<'a>) -> Self {
        Self::of_target(inputs, None)
    }

    /// Works out the meaning of a file of which a stage is built, given by name or number; the last where `None`.
    pub fn of_target(inputs: Inputs<'a>, target: Option<&str>) -> Self {
        let mut build = Self { inputs, stages: assembly::stages(inputs), built: None };
        build.built = build.target(target);
        build.resolve_runs();
        build.trace_made();
        build
    }

    /// The instruction of a step.
    pub fn instruction(&self, id: StepId) -> &'a Instruction {
        &self.inputs.file.instructions()[self.step(id).instruction]
    }

    /// The step of that id.
    pub fn step(&self, id: StepId) -> &Step {
        &self.stages[id.stage].steps[id.step]
    }

    /// All steps in the order of the file.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, &Step)> {
        self.stages.iter().enumerate().flat_map(|(stage, found)| {
            found.steps.iter().enumerate().map(move |(step, found)| (StepId { stage, step }, found))
        })
    }

    /// The index of the stage that a name or number means, seen from stage `before`: only earlier stages count.
    pub fn stage_named(&self, reference: &str, before: usize) -> Option<usize> {
        stage_named(&self.stages, reference, before)
    }

    /// The steps of a stage before `id`, the nearest first, then those of the stages it starts from.
    pub fn steps_to(&self, id: StepId) -> impl Iterator<Item = &Step> {
        self.ids_to(id).map(|id| self.step(id))
    }

    /// As [`Build::steps_to`], by id.
    pub fn ids_to(&self, id: StepId) -> impl Iterator<Item = StepId> {
        let mut next = id;
        std::iter::from_fn(move || {
            while next.step == 0 {
                let Base::Stage(parent) = self.stages[next.stage].base else { return None };
                if parent >= next.stage {
                    return None;
                }
                next = StepId { stage: parent, step: self.stages[parent].steps.len() };
            }
            next.step -= 1;
            Some(next)
        })
    }

    /// Whether instructions that stand in no stage of the file run at the start of a stage or of one before it: `ONBUILD`
    /// of an earlier stage.
    pub fn has_triggers(&self, stage: usize) -> bool {
        let mut child = stage;
        while let Base::Stage(parent) = self.stages[child].base
            && parent < child
        {
            let instructions = self.inputs.file.instructions();
            let mut steps = self.stages[parent].steps.iter();
            if steps.any(|step| instructions[step.instruction].keyword == Keyword::Onbuild) {
                return true;
            }
            child = parent;
        }
        false
    }

    /// The stages that building `target` needs, itself included; a stage that nothing reaches is not built.
    pub fn reachable(&self, target: usize) -> Vec<bool> {
        let mut needed = vec![false; self.stages.len()];
        let mut open = vec![target];
        while let Some(index) = open.pop() {
            if index >= needed.len() || std::mem::replace(&mut needed[index], true) {
                continue;
            }
            open.extend(self.stages[index].sources());
        }
        needed
    }

    /// What is known of the image that a stage starts from.
    pub fn image_facts(&self, stage: usize) -> Option<&'static ImageFacts> {
        let Base::Image(reference) = &self.stages.get(stage)?.base else { return None };
        assembly::facts_of(reference)
    }

    /// Whether the image that a stage starts from, through other stages too, has a directory.
    pub fn image_has_directory(&self, stage: usize, place: &StagePath) -> bool {
        assembly::base_has_directory(&self.stages[self.first_stage(stage)].base, place)
    }

    /// The stage that a stage starts from, through other stages too.
    fn first_stage(&self, stage: usize) -> usize {
        let mut child = stage;
        while let Base::Stage(parent) = self.stages[child].base
            && parent < child
        {
            child = parent;
        }
        child
    }

    /// Whether the image that a stage starts from, through other stages too, is known to have a program of its own.
    pub fn image_brings(&self, stage: usize, program: &str) -> bool {
        let Base::Image(reference) = &self.stages[self.first_stage(stage)].base else { return false };
        assembly::facts_of(reference).is_some_and(|facts| facts.brings(program))
    }

    /// The index of the stage to build: the one of that name or number, the last where none is given.
    pub fn target(&self, name: Option<&str>) -> Option<usize> {
        match name {
            None => self.stages.len().checked_sub(1),
            Some(name) => self
                .stage_named(name, self.stages.len())
                .or_else(|| name.parse().ok().filter(|index| *index < self.stages.len())),
        }
    }

    /// Files that tell this build what to install or to download: manifests, lock files and what they lead to. A build that
    /// downloads on its way has them too.
    pub fn manifests(&self) -> impl Iterator<Item = &str> {
        self.manifest_reads().map(|read| read.path.as_str())
    }

    /// As [`Build::manifests`], with what is known of each; the same file may come several times.
    pub fn manifest_reads(&self) -> impl Iterator<Item = &Read> {
        let commands = self.steps().filter_map(|(_, step)| step.run()).flat_map(|run| &run.commands);
        let closures = commands.flat_map(|command| {
            let gets = matches!(command.effect(), Effect::Install | Effect::Download);
            let own = command.closure.as_ref().filter(|_| gets);
            own.into_iter().chain(command.warm_up.as_ref().map(|step| &step.closure))
        });
        closures.flat_map(|closure| &closure.reads).filter(|read| !read.directory)
    }

    /// What stands where just before a step.
    pub fn view(&self, id: StepId) -> View<'_> {
        let transfers = self.steps_before(id).filter_map(Step::transfer);
        View::new(transfers.filter_map(|transfer| transfer.placement.as_ref()).collect())
    }

    /// The steps whose results a step finds, earliest first, those of the stages that its stage starts from included.
    pub fn steps_before(&self, id: StepId) -> impl Iterator<Item = &Step> {
        let mut chain = vec![(id.stage, id.step)];
        while let Some((stage, _)) = chain.last() {
            match self.stages[*stage].base {
                Base::Stage(parent) if parent < *stage => chain.push((parent, self.stages[parent].steps.len())),
                _ => break,
            }
        }
        chain.into_iter().rev().flat_map(|(stage, end)| &self.stages[stage].steps[..end])
    }
}

impl Stage {
    /// The earlier stages that this one starts from, copies from or mounts.
    pub fn sources(&self) -> impl Iterator<Item = usize> {
        let base = match self.base {
            Base::Stage(index) => Some(index),
            _ => None,
        };
        base.into_iter().chain(self.steps.iter().flat_map(Step::stage_sources))
    }
}

impl Step {
    /// The step's `COPY` or `ADD`, if it is one.
    pub fn transfer(&self) -> Option<&Transfer> {
        match &self.action {
            Action::Transfer(transfer) => Some(transfer),
            _ => None,
        }
    }

    /// The step's `RUN`, if it is one.
    pub fn run(&self) -> Option<&Run> {
        match &self.action {
            Action::Run(run) => Some(run),
            _ => None,
        }
    }

    /// The stages whose files this step copies or mounts.
    pub fn stage_sources(&self) -> Vec<usize> {
        match &self.action {
            Action::Transfer(transfer) => transfer.stage().into_iter().collect(),
            Action::Run(run) => run.stages.clone(),
            _ => Vec::new(),
        }
    }
}

pub(super) fn stage_named(stages: &[Stage], reference: &str, before: usize) -> Option<usize> {
    let reference = reference.to_lowercase();
    let earlier = &stages[..before.min(stages.len())];
    earlier.iter().rposition(|stage| stage.name.as_deref() == Some(reference.as_str()))
}
