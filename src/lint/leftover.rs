//! What package managers leave in the layers of the image that ships.

use crate::ecosystem::{Access, pack::Leftover};
use crate::model::{Build, KnownCommand, Run, StagePath, StepId};
use crate::syntax::MountKind;

/// What commands of one pack leave in the layer of one step.
pub(super) struct Left<'a> {
    /// The commands that leave it, in the order of the text; never empty.
    pub(super) commands: Vec<&'a KnownCommand>,
    /// What it is.
    pub(super) leftover: &'a Leftover,
}

/// The steps that the image of the last stage is made of, in the order of the file.
pub(super) fn shipped(build: &Build<'_>) -> Vec<StepId> {
    let Some(stage) = build.target(None) else { return Vec::new() };
    let end = StepId { stage, step: build.stages[stage].steps.len() };
    let mut steps: Vec<StepId> = build.ids_to(end).collect();
    steps.reverse();
    steps
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
            None => found.push(Left { commands: vec![command], leftover }),
        }
    }
    found.retain(|left| !is_mounted(run, left.leftover) && !is_removed(run, left));
    found
}

/// The places where leftovers stand.
pub(super) fn places(leftover: &Leftover) -> impl Iterator<Item = StagePath> {
    leftover.directories.iter().map(|directory| StagePath::root().join(directory))
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

fn is_mounted(run: &Run, leftover: &Leftover) -> bool {
    let kinds = [MountKind::Cache, MountKind::Tmpfs];
    let mounts = run.mounts.iter().filter(|mount| kinds.contains(&mount.mount.kind));
    let targets: Vec<Option<&StagePath>> = mounts.map(|mount| mount.target.as_ref()).collect();
    // A mount whose place is not known may be the one.
    places(leftover).any(|place| targets.iter().any(|target| target.is_none_or(|target| target.may_overlap(&place))))
}

/// Whether something after the commands removes what they leave, or may.
fn is_removed(run: &Run, left: &Left<'_>) -> bool {
    let Some(last) = left.commands.last().map(|command| command.command.range.end) else { return true };
    let after = |start: usize| start >= last;
    let removes = |command: &&KnownCommand| {
        command.known.is_any_of(&left.leftover.removed_by)
            || command.accesses.iter().any(|access| {
                access.access == Access::Remove
                    && places(left.leftover).any(|place| removes_at(&access.path, access.pattern, &place))
            })
    };
    run.opaque.iter().any(|piece| after(piece.range.start))
        || run.commands.iter().filter(|command| after(command.command.range.start)).any(|command| removes(&command))
}

/// Whether the removal of a path, or of all that begin like it, concerns a directory.
pub(super) fn removes_at(path: &StagePath, pattern: bool, place: &StagePath) -> bool {
    path.may_overlap(place) || pattern && place.as_str().starts_with(path.as_str())
}
