//! Whether a context file stands where a command looks for it.
//!
//! Steps are asked from the command upwards, those of the stages it inherits from included. The first that brings the file
//! or may write at its place decides. What the base image holds is not asked: whoever copies a project into an image means
//! its files to come from there.

use super::{
    build::{Action, Base, Build, Step, StepId},
    path::StagePath,
    placement::Placement,
    run::{KnownCommand, PathAccess, ResolvedMount, Run},
    transfer::Transfer,
};
use crate::{
    context::{EntryKind, Filtered, path},
    ecosystem::{Access, Effect},
};

/// What is known of a context file at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// This step copies it there.
    Copied(StepId),
    /// A mount of the command's own step shows it there.
    Mounted,
    /// Nothing brings it there.
    Absent,
    /// Something may have: a step that may do anything, files of another stage.
    Unknown,
}

impl Presence {
    /// Whether it stands there.
    pub fn is_there(self) -> bool {
        matches!(self, Self::Copied(_) | Self::Mounted)
    }
}

impl Build<'_> {
    /// Whether a context path stands where a command of the `RUN` at `id` looks for it. Of a directory, any file is
    /// enough.
    pub fn presence(&self, id: StepId, command: &KnownCommand, path: &str) -> Presence {
        let (Some(context), Some(place)) = (self.inputs.context, command.place_of(path)) else {
            return Presence::Unknown;
        };
        let Some(run) = self.step(id).run() else { return Presence::Unknown };
        let wanted = Wanted { build: self, context, path, place };
        if wanted.is_behind_link() {
            return Presence::Unknown;
        }
        let own = wanted.in_mounts(run).or_else(|| wanted.in_earlier_commands(id, run, command));
        own.or_else(|| self.upwards(id).find_map(|(id, step)| wanted.in_step(id, step))).unwrap_or(Presence::Absent)
    }

    /// The steps before one, nearest first, those of the stages it inherits from included.
    pub fn upwards(&self, id: StepId) -> impl Iterator<Item = (StepId, &Step)> {
        let parent = |(stage, _): &(usize, usize)| match self.stages[*stage].base {
            Base::Stage(parent) if parent < *stage => Some((parent, self.stages[parent].steps.len())),
            _ => None,
        };
        let chain = std::iter::successors(Some((id.stage, id.step)), parent);
        chain
            .flat_map(|(stage, end)| (0..end).rev().map(move |step| StepId { stage, step }))
            .map(|id| (id, self.step(id)))
    }
}

/// What is looked for, and where.
struct Wanted<'a> {
    build: &'a Build<'a>,
    context: &'a Filtered<'a>,
    path: &'a str,
    place: StagePath,
}

impl Wanted<'_> {
    fn is_behind_link(&self) -> bool {
        let ends = self.path.match_indices('/').map(|(end, _)| end).chain([self.path.len()]);
        let is_link =
            |end: usize| self.context.entry(&self.path[..end]).is_some_and(|entry| entry.kind == EntryKind::Link);
        ends.into_iter().any(is_link)
    }

    fn in_mounts(&self, run: &Run) -> Option<Presence> {
        run.mounts.iter().rev().find_map(|mount| self.in_mount(mount))
    }

    fn in_mount(&self, mount: &ResolvedMount) -> Option<Presence> {
        let Some(target) = &mount.target else {
            // Sockets and secrets that say no place stand in directories of the system.
            return mount.mount.target.is_some().then_some(Presence::Unknown);
        };
        let Some(rest) = self.place.below(target) else {
            return target.may_overlap(&self.place).then_some(Presence::Unknown);
        };
        let shown = mount.context.as_deref().map(|source| path::join(source, rest));
        let exists = shown.is_some_and(|path| path.is_empty() || self.context.entry(&path).is_some());
        Some(if exists { Presence::Mounted } else { Presence::Unknown })
    }

    fn in_earlier_commands(&self, id: StepId, run: &Run, command: &KnownCommand) -> Option<Presence> {
        let start = command.command.range.start;
        let opaque = run.opaque.iter().any(|piece| piece.range.start < start) && self.reaches(id);
        let earlier = run.commands.iter().filter(|other| other.command.range.start < start);
        (opaque || earlier.into_iter().any(|other| self.may_be_written(other))).then_some(Presence::Unknown)
    }

    fn in_step(&self, id: StepId, step: &Step) -> Option<Presence> {
        match &step.action {
            Action::Transfer(transfer) => self.in_transfer(id, transfer),
            Action::Run(run) => {
                let opaque = !run.is_known() && self.reaches(id);
                (opaque || run.commands.iter().any(|command| self.may_be_written(command))).then_some(Presence::Unknown)
            }
            Action::Malformed => Some(Presence::Unknown),
            _ => None,
        }
    }

    fn in_transfer(&self, id: StepId, transfer: &Transfer) -> Option<Presence> {
        if let Some(placement) = &transfer.placement {
            return self.is_brought(placement).then_some(Presence::Copied(id));
        }
        let near = transfer.destination.as_ref().is_none_or(|destination| self.is_at(destination));
        near.then_some(Presence::Unknown)
    }

    /// Whether a placement brings a file to the place, or something below it.
    fn is_brought(&self, placement: &Placement) -> bool {
        let stands = |path: &str| self.context.entry(path).is_some_and(|_| placement.selector.selects(path));
        placement.origins(&self.place).any(|path| path.is_empty() || stands(&path))
            || placement.roots.iter().any(|root| root.landing.below(&self.place).is_some_and(|rest| !rest.is_empty()))
    }

    /// Whether a step that may do anything could reach the place: it runs there, or names it.
    fn reaches(&self, id: StepId) -> bool {
        let step = self.build.step(id);
        let directory = &step.before.directory;
        let runs_there = directory.as_str() != "/" && self.is_at(directory);
        let text = self.build.instruction(id).range.of(self.build.inputs.file.source());
        let project = self.place.parent();
        runs_there || text.contains(self.place.name()) || project.as_str() != "/" && text.contains(project.as_str())
    }

    /// Whether a command of an earlier step may have put the file there, or taken it away.
    fn may_be_written(&self, command: &KnownCommand) -> bool {
        let reads = command.accesses.iter().any(|access| access.access == Access::Read);
        // What only writes by name, such as a command that makes directories, puts nothing into them.
        let fills = reads || command.effect() != Effect::Paths;
        let named = command.accesses.iter().any(|access| self.is_touched(access, fills));
        let written = command.closure.iter().flat_map(|closure| &closure.writes);
        let writes =
            written.into_iter().any(|write| command.place_of(&write.path).is_none_or(|place| self.is_at(&place)));
        let works_there = command.directory.as_ref().is_none_or(|directory| self.is_at(directory));
        named || writes || (command.effect() == Effect::Build && works_there)
    }

    fn is_touched(&self, access: &PathAccess, fills: bool) -> bool {
        let exact = access.path == self.place || access.path.below(&self.place).is_some();
        let above = self.place.below(&access.path).is_some();
        match access.access {
            Access::Read | Access::Modify | Access::Project => false,
            Access::Remove => exact || above || access.pattern && self.begins_like(access),
            Access::Write => {
                exact || above && (access.recursive || fills) || access.pattern && self.begins_like(access)
            }
        }
    }

    fn begins_like(&self, access: &PathAccess) -> bool {
        self.place.as_str().starts_with(access.path.as_str())
    }

    /// Whether a place is at, above or below the wanted one. A working directory that only the base image knows is taken
    /// to be elsewhere.
    fn is_at(&self, place: &StagePath) -> bool {
        place.is_floating() == self.place.is_floating() && place.may_overlap(&self.place)
    }
}
