//! Files that a stage makes of a part of the context only, and that another stage takes from it.
//!
//! The stage runs again after every change of what it copies; the copy from it has the content of the file in its key, and
//! that changes with the part only.

use super::{
    build::{Action, Build, Step, StepId},
    path::StagePath,
    run::{KnownCommand, Run},
    transfer::Supply,
};
use crate::{
    context::EntryKind,
    ecosystem::{self, Access, Effect, Read},
    syntax::{Body, Source},
};

/// What a name in a `COPY` must not hold to be a name.
const NOT_IN_NAMES: [char; 7] = ['*', '?', '[', '\\', '$', '"', '\''];

/// A file of which it is known what its content depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Where it stands in the stage that makes it.
    pub place: StagePath,
    /// The paths of the context that it depends on.
    pub reads: Vec<Read>,
}

impl Made {
    /// What a command makes that runs in that directory.
    pub(super) fn new(made: ecosystem::Made, directory: &StagePath) -> Self {
        Self { place: directory.join(&made.path), reads: made.closure.reads }
    }

    /// Whether it may be another file after a change of that path of the context. Where only the presence of a file
    /// matters, a path that is there was edited, and one that is not came or went.
    pub fn depends_on(&self, path: &str, is_there: bool) -> bool {
        let parent = |path: &str| path.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned());
        self.reads.iter().any(|read| match (read.directory, read.presence) {
            (true, _) => path.strip_prefix(read.path.as_str()).is_some_and(|rest| rest.starts_with('/')),
            (false, false) => read.path == path,
            (false, true) => !is_there && parent(&read.path) == parent(path),
        })
    }
}

impl Build<'_> {
    /// Notes with each copy from a stage what its file is made of, where that is known.
    pub(super) fn trace_made(&mut self) {
        let copies: Vec<StepId> = self.steps().map(|(id, _)| id).filter(|id| self.copied_file(*id).is_some()).collect();
        for id in copies {
            let made = self.copied_file(id).and_then(|(stage, place)| self.made_at(stage, &place));
            if let Action::Transfer(transfer) = &mut self.stages[id.stage].steps[id.step].action {
                transfer.made = made;
            }
        }
    }

    /// Whether a path of the context exists, as the builder sees it.
    pub fn is_in_context(&self, path: &str) -> bool {
        let entry = self.inputs.context.and_then(|context| context.entry(path));
        entry.is_some_and(|entry| entry.kind != EntryKind::Directory)
    }

    /// The one file that a copy takes from a stage.
    fn copied_file(&self, id: StepId) -> Option<(usize, StagePath)> {
        let transfer = self.step(id).transfer().filter(|transfer| !transfer.add && transfer.mentions.is_empty())?;
        let Supply::Stage(stage) = transfer.supply else { return None };
        let Body::Copy(arguments) = &self.instruction(id).body else { return None };
        let [Source::Path(word)] = arguments.sources.as_slice() else { return None };
        (!word.text.contains(NOT_IN_NAMES)).then(|| (stage, StagePath::root().join(&word.text)))
    }

    /// What the file at a place is made of at the end of a stage.
    fn made_at(&self, stage: usize, place: &StagePath) -> Option<Made> {
        let end = StepId { stage, step: self.stages[stage].steps.len() };
        let mut maker: Option<&Made> = None;
        // From the end of the stage to its beginning, and on through those that it starts from.
        let mut seen: Vec<&Step> = self.steps_to(end).collect();
        let copied = seen.iter().rposition(|step| brings_context(step)).map_or(0, |first| first + 1);
        // What ran before the first copy runs again with its base image only.
        seen.truncate(copied);
        for step in seen {
            match (&step.action, maker) {
                (Action::Run(run), None) => maker = Some(made_by(run, place)?),
                (Action::Run(run), Some(made)) if leaves_alone(run, made) => {}
                (Action::Transfer(transfer), Some(_)) if transfer.is_from_context() => {}
                (Action::Run(_) | Action::Transfer(_) | Action::Malformed, _) => return None,
                _ => {}
            }
        }
        maker.cloned()
    }
}

/// What the file is made of by the last command of a step, where those before it do nothing to the project.
fn made_by<'r>(run: &'r Run, place: &StagePath) -> Option<&'r Made> {
    let (last, before) = run.commands.split_last()?;
    let made = last.made.as_ref().filter(|made| made.place == *place)?;
    let command = &last.command;
    let runs_always = !command.guard.conditional && !command.guard.masked && command.redirects.is_empty();
    let harmless = before.iter().all(|command| !touches(command, made));
    (run.is_known() && run.mounts.is_empty() && runs_always && harmless).then_some(made)
}

/// Whether a step does nothing to what the file is made of.
fn leaves_alone(run: &Run, made: &Made) -> bool {
    run.is_known() && !run.commands.iter().any(|command| touches(command, made))
}

fn brings_context(step: &Step) -> bool {
    step.transfer().is_some_and(|transfer| matches!(transfer.supply, Supply::Context | Supply::Unknown))
        || step.run().is_some_and(|run| run.mounts.iter().any(|mount| mount.context.is_some()))
}

/// Whether a command may do something to what the file is made of, or to what makes it.
fn touches(command: &KnownCommand, made: &Made) -> bool {
    let reads = || made.reads.iter().filter_map(|read| command.place_of(&read.path));
    match command.effect() {
        Effect::Inert | Effect::ContextFree if command.known.spec().closure.is_none() => {
            command.accesses.iter().any(|access| access.access != Access::Read && access.path.may_overlap(&made.place))
        }
        Effect::Paths => command.accesses.iter().any(|access| {
            access.access != Access::Read
                && (access.path.may_overlap(&made.place)
                    || made.place.parent().below(&access.path).is_some()
                    || access.path.below(&made.place.parent()).is_some()
                    || reads().any(|place| place.may_overlap(&access.path)))
        }),
        _ => true,
    }
}
