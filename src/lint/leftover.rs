//! What package managers leave in the layers of the image that ships.

use crate::ecosystem::{Access, pack::Leftover};
use crate::model::{Build, KnownCommand, PathAccess, Run, StagePath, StepId};
use crate::syntax::MountKind;

/// The home of `root`, below which packs name directories.
const ROOT_HOME: &str = "/root";

/// What commands of one pack leave in the layer of one step.
pub(super) struct Left<'a> {
    /// The commands that leave it, in the order of the text; never empty.
    pub(super) commands: Vec<&'a KnownCommand>,
    /// What it is.
    pub(super) leftover: &'a Leftover,
    /// Where it stands.
    pub(super) places: Vec<StagePath>,
}

/// A `RUN` of the image that ships, among the steps that the image is made of.
pub(super) struct ShippedRun<'a> {
    pub(super) id: StepId,
    pub(super) run: &'a Run,
    /// The steps before it, in the order of the file.
    pub(super) before: &'a [StepId],
    /// The steps after it.
    pub(super) after: &'a [StepId],
}

/// The steps that the image of the last stage is made of, in the order of the file.
pub(super) fn shipped(build: &Build<'_>) -> Vec<StepId> {
    let Some(stage) = build.target(None) else { return Vec::new() };
    let end = StepId { stage, step: build.stages[stage].steps.len() };
    let mut steps: Vec<StepId> = build.ids_to(end).collect();
    steps.reverse();
    steps
}

/// The `RUN`s among the steps that the image is made of, in the order of the file.
pub(super) fn shipped_runs<'a>(build: &'a Build<'_>, shipped: &'a [StepId]) -> impl Iterator<Item = ShippedRun<'a>> {
    shipped.iter().enumerate().filter_map(|(index, id)| {
        let run = build.step(*id).run()?;
        Some(ShippedRun { id: *id, run, before: &shipped[..index], after: &shipped[index + 1..] })
    })
}

impl<'a> ShippedRun<'a> {
    /// The first access to what an earlier step brings, the command that it is of, the nearest such step, and what that
    /// brings.
    pub(super) fn first_of<T>(
        &self,
        is_meant: impl Fn(&KnownCommand, &PathAccess) -> bool,
        brings: impl Fn(StepId, &PathAccess) -> Option<T>,
    ) -> Option<(&'a KnownCommand, &'a PathAccess, StepId, T)> {
        let accesses =
            self.run.commands.iter().flat_map(|command| command.accesses.iter().map(move |access| (command, access)));
        accesses.filter(|(command, access)| is_meant(command, access)).find_map(|(command, access)| {
            let (step, what) = self.before.iter().rev().find_map(|step| Some((*step, brings(*step, access)?)))?;
            Some((command, access, step, what))
        })
    }
}

/// What stays in the layer of a `RUN`, one for each pack. Nothing is said of a step in which something may remove it that
/// nobody can read.
pub(super) fn left_in<'a>(build: &'a Build<'_>, id: StepId) -> Vec<Left<'a>> {
    let Some(run) = build.step(id).run() else { return Vec::new() };
    let mut found: Vec<Left<'a>> = Vec::new();
    for command in run.commands.iter().filter(|command| leaves(build, id, command)) {
        let Some(leftover) = &command.known.pack.leftover else { continue };
        match found.iter_mut().find(|left| left.leftover == leftover) {
            Some(left) => left.commands.push(command),
            None => found.push(Left { commands: vec![command], leftover, places: places(build, id, leftover) }),
        }
    }
    found.retain(|left| !is_mounted(run, left) && !is_removed(run, left));
    found
}

/// Where leftovers of a step stand: in the home of its user, where that is known.
fn places(build: &Build<'_>, id: StepId, leftover: &Leftover) -> Vec<StagePath> {
    let home = build.step(id).before.home();
    let place = |directory: &String| match (below_home(directory), &home) {
        (Some(rest), Some(home)) => StagePath::root().join(home).join(&format!("./{rest}")),
        _ => StagePath::root().join(directory),
    };
    leftover.directories.iter().map(place).collect()
}

/// The rest of a directory that packs name in the home of `root`.
fn below_home(directory: &str) -> Option<&str> {
    directory.strip_prefix(ROOT_HOME)?.strip_prefix('/')
}

fn leaves(build: &Build<'_>, id: StepId, command: &KnownCommand) -> bool {
    let known = &command.known;
    let Some(leftover) = &known.pack.leftover else { return false };
    // Twins have the same commands; only the project tells which one it is.
    let is_sure = known.pack.project.is_none() || command.closure.is_some();
    let prevented = leftover.never_with.iter().any(|name| known.has_option(name))
        || leftover.never_when_set.iter().any(|name| is_set(build, id, name));
    is_sure
        && known.is_any_of(&leftover.left_by)
        && !command.command.guard.conditional
        && !prevented
        && !is_configured(build, id, leftover)
}

/// Whether a variable is set for a step: before it, or in its script.
fn is_set(build: &Build<'_>, id: StepId, name: &str) -> bool {
    let step = build.step(id);
    step.before.variable(name).is_some() || build.instruction(id).range.of(build.inputs.file.source()).contains(name)
}

/// Whether an earlier step may have written the option into the settings of the package manager.
fn is_configured(build: &Build<'_>, id: StepId, leftover: &Leftover) -> bool {
    let source = build.inputs.file.source();
    let Some(name) = leftover.option.as_ref().map(|option| option.trim_start_matches('-')) else { return false };
    build.ids_to(id).chain([id]).any(|id| {
        let text = build.instruction(id).range.of(source);
        (text.contains("config") || text.contains(".conf")) && text.contains(name)
    })
}

fn is_mounted(run: &Run, left: &Left<'_>) -> bool {
    let kinds = [MountKind::Cache, MountKind::Tmpfs];
    let mounts = run.mounts.iter().filter(|mount| kinds.contains(&mount.mount.kind));
    let targets: Vec<Option<&StagePath>> = mounts.map(|mount| mount.target.as_ref()).collect();
    // A mount whose place is not known may be the one.
    left.places.iter().any(|place| targets.iter().any(|target| target.is_none_or(|target| target.may_overlap(place))))
}

/// Whether something after the commands removes what they leave, or may.
fn is_removed(run: &Run, left: &Left<'_>) -> bool {
    let Some(last) = left.commands.last().map(|command| command.command.range.end) else { return true };
    let after = |start: usize| start >= last;
    let removes =
        |command: &&KnownCommand| command.known.is_any_of(&left.leftover.removed_by) || left.is_removed_by(command);
    run.opaque.iter().any(|piece| after(piece.range.start))
        || run.commands.iter().filter(|command| after(command.command.range.start)).any(|command| removes(&command))
}

impl Left<'_> {
    /// Whether a command removes files where the leftovers stand, or may: a home that is not known may be any.
    pub(super) fn is_removed_by(&self, command: &KnownCommand) -> bool {
        let at_home = |path: &StagePath| {
            let mut inside = self.leftover.directories.iter().filter_map(|directory| below_home(directory));
            inside.any(|rest| path.as_str().ends_with(&format!("/{rest}")))
        };
        command.accesses.iter().filter(|access| access.access == Access::Remove).any(|access| {
            at_home(&access.path) || self.places.iter().any(|place| removes_at(&access.path, access.pattern, place))
        })
    }
}

/// Whether the removal of a path, or of all that begin like it, concerns a directory.
pub(super) fn removes_at(path: &StagePath, pattern: bool, place: &StagePath) -> bool {
    path.may_overlap(place) || pattern && place.as_str().starts_with(path.as_str())
}
