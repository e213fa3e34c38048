//! The `RUN`s of a build, resolved one after another: what each finds depends on those before it.

use super::{
    build::{Action, Build, Step, StepId},
    path::StagePath,
    run::{KnownCommand, Run},
};
use crate::ecosystem::{Access, Effect, Match, pack::Cost};

impl Build<'_> {
    pub(super) fn resolve_runs(&mut self) {
        let ids: Vec<StepId> =
            self.steps().filter(|(_, step)| matches!(step.action, Action::Run(_))).map(|(id, _)| id).collect();
        for id in ids {
            let step = self.step(id);
            let stages = &self.stages[..=id.stage];
            let is_changed = |place: &StagePath| self.may_have_changed(id, place);
            let run =
                Run::resolve(&self.inputs, stages, self.instruction(id), &step.before, &self.view(id), &is_changed);
            let run = self.with_downloads(id, run);
            self.stages[id.stage].steps[id.step].action = Action::Run(Box::new(run));
        }
    }

    /// Whether something else than copies of context files may have put names into a directory before a step.
    fn may_have_changed(&self, id: StepId, place: &StagePath) -> bool {
        let at = |written: &StagePath| {
            place.below(written).is_some() || written.parent() == *place || written.is_floating() != place.is_floating()
        };
        let by_run = |step: &Step, run: &Run| {
            let named = |command: &KnownCommand| {
                let mut written = command.accesses.iter().filter(|access| access.access != Access::Read);
                let mut filled = command.closure.iter().flat_map(|closure| &closure.writes);
                written.any(|access| access.path.may_overlap(place))
                    || filled.any(|write| command.place_of(&write.path).is_none_or(|written| at(&written)))
            };
            let text = self.inputs.file.instructions()[step.instruction].range.of(self.inputs.file.source());
            !run.is_known() && text.contains(place.name()) || run.commands.iter().any(named)
        };
        self.steps_before(id).any(|step| match &step.action {
            Action::Transfer(transfer) => {
                let elsewhere = transfer.destination.as_ref().is_none_or(|destination| destination.may_overlap(place));
                transfer.placement.is_none() && elsewhere
            }
            Action::Run(run) => by_run(step, run),
            Action::Malformed => true,
            _ => false,
        })
    }

    /// A command that finds nothing downloaded pays for the download too; one that only completes an earlier install pays
    /// for what is left. Of what a cache mount saves, the downloads are saved once: by the mount or by an earlier step.
    fn with_downloads(&self, id: StepId, mut run: Run) -> Run {
        let mut change = Cost::default();
        for command in &run.commands {
            let rest = command.warm_up.as_ref().and_then(|step| step.rest).filter(|_| self.is_begun(id, command));
            let download = own_download(command);
            let is_cold = !self.is_warm(id, &command.known);
            if is_cold {
                change = change.plus(download);
            }
            if let Some(whole) = command.known.cost().filter(|_| command.known.unknown.is_empty()) {
                let saved = run.saved_by_mount(command, rest.unwrap_or(whole).plus(download));
                change = change.minus(if is_cold { saved } else { saved.minus(download).or_nothing() });
            }
            if let Some((rest, whole)) = rest.zip(command.known.cost()) {
                change = change.plus(rest).minus(whole);
            }
        }
        run.cost = run.cost.plus(change);
        run
    }

    /// Whether a step before `id` has run a command of the same pack in the same directory that downloads or installs.
    fn is_begun(&self, id: StepId, command: &KnownCommand) -> bool {
        let mut commands = self.steps_before(id).filter_map(Step::run).flat_map(|run| &run.commands);
        commands.any(|other| {
            other.known.pack.name == command.known.pack.name
                && other.directory == command.directory
                && !other.known.spec().apart
                && matches!(other.effect(), Effect::Download | Effect::Install)
        })
    }

    /// Whether a step before `id`, in its stage or in one that the stage starts from, downloads, installs or builds by the
    /// same pack as this command: what it has downloaded is there.
    pub fn is_warm(&self, id: StepId, command: &Match) -> bool {
        let runs = self.steps_before(id).filter_map(Step::run);
        let mut commands = runs.flat_map(|run| &run.commands);
        commands.any(|other| {
            let fills = matches!(other.effect(), Effect::Download | Effect::Install) || other.warm_up.is_some();
            fills && !other.known.spec().apart && other.known.pack.name == command.pack.name
        })
    }
}

/// What a command takes to download what an earlier step could have downloaded for it.
fn own_download(command: &KnownCommand) -> Cost {
    let open = command.warm_up.as_ref().is_some_and(|step| step.closure.refusals.is_empty() && step.rest.is_none());
    let download = command.known.pack.cost.get(&Effect::Download).filter(|_| open);
    download.copied().unwrap_or_default()
}
