//! Whether a copy may move below a `RUN`, and what must be copied in front of it first.

mod absent;
mod mentions;
mod tree;

use super::{
    carried::{Bring, Carried, overlaps},
    environment::{environment_obstacle, program_obstacle},
    homes::settings_in_homes,
    leaving_out::leave_out,
    observed::{self, observation},
    owner::check_owner,
};
use crate::{
    context::path,
    ecosystem::{Access, Closure, Effect, Missing, Refusal, WriteKind},
    model::{KnownCommand, PathAccess, Run, StagePath, StepId},
};

/// What a crossing of one step takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crossing {
    /// What the step reads of what the copy brings: it must be copied before the step.
    pub manifests: Vec<Needed>,
    /// What must hold for the image to stay the same.
    pub caveats: Vec<Caveat>,
    /// Directories that the step fills and that the context does not hold: they belong in `.dockerignore`.
    pub outputs: Vec<String>,
}

/// A context path that a step needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Needed {
    /// Relative to the root of the context.
    pub path: String,
    /// Whether everything below it is needed.
    pub directory: bool,
    /// Where it must stand in the stage.
    pub place: StagePath,
}

impl Needed {
    /// Whether copying it brings the other one as well.
    fn holds(&self, other: &Self) -> bool {
        let rest = path::below(&other.path, &self.path).filter(|rest| !rest.is_empty());
        self.directory && rest.is_some_and(|rest| other.place.below(&self.place) == Some(rest))
    }
}

/// What must hold for a crossing to keep the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caveat {
    /// A directory that the step fills stands in the context too. Left out of the context, it cannot hide what the step
    /// made, and the image of a clean checkout stays the same.
    Ignore {
        /// Relative to the root of the context.
        path: String,
        /// Why leaving it out keeps the image.
        reason: String,
    },
    /// The image may differ.
    Differs {
        /// As a phrase.
        reason: String,
        /// The file that shows it.
        evidence: String,
    },
    /// All that is known was seen in one run.
    Seen {
        /// As a phrase.
        reason: String,
    },
}

/// Why a step cannot be crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The step.
    pub id: StepId,
    /// As a phrase.
    pub reason: String,
    /// What shows it: a file and the place in it, or the command.
    pub evidence: String,
    /// Whether the step needs the sources by its very nature, so that nothing can be done about it.
    pub inherent: bool,
}

impl Obstacle {
    pub(super) fn new(id: StepId, reason: impl Into<String>, evidence: impl Into<String>) -> Self {
        Self { id, reason: reason.into(), evidence: evidence.into(), inherent: false }
    }
}

/// What makes a name more than a name in a `COPY`.
pub(super) const PATTERN_LETTERS: [char; 8] = ['*', '?', '[', '\\', '$', '"', '\'', '`'];

/// Whether `carried` may move below the `RUN` at `id`.
///
/// # Errors
/// The first reason why not.
pub(super) fn cross_run(carried: &Carried<'_>, id: StepId, run: &Run, ahead: &[Needed]) -> Result<Crossing, Obstacle> {
    let reader = Reader { carried, id, run };
    let seen = observation(carried.build, id);
    let traced = seen.filter(|seen| seen.is_complete && !run.is_known());
    if traced.is_none() {
        reader.check_opaque()?;
    }
    reader.check_mounts()?;
    reader.check_links()?;
    check_owner(carried, id, run)?;
    if let Some(seen) = traced {
        return observed::cross(&reader, seen, ahead);
    }
    let mut crossing = Crossing::default();
    for command in &run.commands {
        reader.cross_command(command, &mut crossing)?;
    }
    crossing.manifests.sort();
    crossing.manifests.dedup();
    let trees: Vec<Needed> = crossing.manifests.iter().filter(|needed| needed.directory).cloned().collect();
    crossing.manifests.retain(|needed| !trees.iter().any(|tree| tree.holds(needed)));
    let ahead: Vec<Needed> = ahead.iter().chain(&crossing.manifests).cloned().collect();
    reader.check_directories(&ahead)?;
    reader.check_mentions(&crossing)?;
    if let Some(seen) = seen {
        observed::check(&reader, seen, &ahead)?;
    }
    Ok(crossing)
}

/// Looks for what of a copy a `RUN` needs.
pub(super) struct Reader<'a> {
    pub(super) carried: &'a Carried<'a>,
    pub(super) id: StepId,
    run: &'a Run,
}

impl Reader<'_> {
    pub(super) fn obstacle(&self, reason: impl Into<String>, evidence: impl Into<String>) -> Obstacle {
        Obstacle::new(self.id, reason, evidence)
    }

    fn refused(&self, refusal: &Refusal) -> Obstacle {
        let mut obstacle = self.obstacle(refusal.reason.clone(), refusal.evidence.clone());
        obstacle.inherent = refusal.inherent;
        obstacle
    }

    fn check_opaque(&self) -> Result<(), Obstacle> {
        let Some(opaque) = self.run.opaque.first() else { return Ok(()) };
        let text = opaque.range.of(self.carried.build.inputs.file.source());
        let command = text.lines().next().unwrap_or_default().trim().to_owned();
        Err(self.obstacle(format!("{}, so it may read any file", opaque.reason), command))
    }

    fn cross_command(&self, command: &KnownCommand, crossing: &mut Crossing) -> Result<(), Obstacle> {
        let inherent = command.closure.iter().flat_map(|closure| &closure.refusals).find(|refusal| refusal.inherent);
        if let Some(refusal) = inherent {
            return Err(self.refused(refusal));
        }
        for access in &command.accesses {
            self.cross_access(access, crossing)?;
        }
        let pointed_to = program_obstacle(self.carried, self.id, self.run, command)?;
        self.need_files(&pointed_to, crossing)?;
        let effect = command.effect();
        if matches!(effect, Effect::Inert | Effect::Paths) {
            return Ok(());
        }
        let title = &command.known.title;
        if effect == Effect::Build {
            let mut obstacle = self.obstacle(format!("`{title}` reads the sources"), title.clone());
            obstacle.inherent = true;
            return Err(obstacle);
        }
        if let Some(reason) = self.carried.reaches_into_system() {
            return Err(self.obstacle(reason, title.clone()));
        }
        let pointed_to = environment_obstacle(self.carried, self.id, self.run, command)?;
        self.need_files(&pointed_to, crossing)?;
        let in_homes = settings_in_homes(self.carried, self.id, command)?;
        self.need_files(&in_homes, crossing)?;
        if effect == Effect::ContextFree {
            return self.cross_context_free(command, crossing);
        }
        if command.command.guard.masked && !command.command.guard.by_order {
            return Err(self.obstacle(format!("the failure of `{title}` is ignored"), title.clone()));
        }
        if command.command.guard.masked {
            let reason = format!("the step goes on where `{title}` fails, so a file that it misses would not be told");
            let caveat = Caveat::Differs { reason, evidence: title.clone() };
            if !crossing.caveats.contains(&caveat) {
                crossing.caveats.push(caveat);
            }
        }
        match &command.closure {
            Some(closure) => self.cross_closure(command, closure, crossing),
            None => Err(self
                .obstacle(format!("the project that `{title}` installs is not in the build context"), title.clone())),
        }
    }

    /// A command that installs or fetches by name may read settings of the project, or change them.
    fn cross_context_free(&self, command: &KnownCommand, crossing: &mut Crossing) -> Result<(), Obstacle> {
        let title = &command.known.title;
        match &command.closure {
            _ if command.known.spec().closure.is_none() => Ok(()),
            Some(closure) => self.cross_closure(command, closure, crossing),
            None => Err(self.obstacle(format!("nobody can tell which settings `{title}` finds"), title.clone())),
        }
    }

    fn cross_access(&self, access: &PathAccess, crossing: &mut Crossing) -> Result<(), Obstacle> {
        let path = &access.path;
        let verb = match access.access {
            Access::Read | Access::Project => "reads",
            Access::Write => "writes",
            Access::Modify => "changes",
            Access::Remove => "removes",
        };
        let brought = if access.pattern { self.carried.brings_like(path) } else { self.carried.brings(path) };
        match (brought, access.access) {
            (Bring::Nothing, _) => Ok(()),
            (Bring::File(file), Access::Read) if !access.pattern => self.need(&file, false, path, crossing),
            // What a pattern matches is told by all names of its directory.
            (Bring::Directory(directory), Access::Read) if access.pattern && !directory.is_empty() => {
                self.need(&directory, true, &path.parent(), crossing)
            }
            (Bring::Directory(directory), Access::Read) if access.recursive && !directory.is_empty() => {
                self.need(&directory, true, path, crossing)
            }
            _ => Err(self
                .obstacle(format!("it {verb} `{}`, which is copied before it", access.path), access.path.to_string())),
        }
    }

    fn cross_closure(
        &self,
        command: &KnownCommand,
        closure: &Closure,
        crossing: &mut Crossing,
    ) -> Result<(), Obstacle> {
        if let Some(refusal) = closure.refusals.first() {
            return Err(self.refused(refusal));
        }
        // Something may put it into the build context before the build.
        let absent = |missing: &&Missing| missing.required && self.carried.transfer.selects(&missing.path);
        if let Some(missing) = closure.missing.iter().find(absent) {
            let reason =
                format!("`{}` needs `{}`, which the build context does not have", command.known.title, missing.path);
            return Err(self.obstacle(reason, missing.from.clone()));
        }
        self.check_absent(command, closure)?;
        for read in &closure.reads {
            let place = command.place_of(&read.path).ok_or_else(|| self.unplaced(&read.path))?;
            self.cross_read(&read.path, read.directory, &place, crossing)?;
        }
        for write in &closure.writes {
            let place = command.place_of(&write.path).ok_or_else(|| self.unplaced(&write.path))?;
            self.cross_write(command, &write.path, write.kind, &place, crossing);
        }
        Ok(())
    }

    fn unplaced(&self, path: &str) -> Obstacle {
        self.obstacle(format!("nobody can tell where `{path}` stands in the stage"), path)
    }

    fn cross_read(
        &self,
        path: &str,
        directory: bool,
        place: &StagePath,
        crossing: &mut Crossing,
    ) -> Result<(), Obstacle> {
        match self.carried.brings(place) {
            Bring::Nothing => Ok(()),
            Bring::Unknown => Err(self.obstacle(format!("it reads `{place}`, which may be copied before it"), path)),
            Bring::Mixed => {
                Err(self.obstacle(format!("it reads `{place}`, in which several sources of the copy meet"), path))
            }
            Bring::File(found) | Bring::Directory(found) if found != path => {
                Err(self.obstacle(format!("`{found}` is copied to where it reads `{path}`"), path))
            }
            Bring::File(_) | Bring::Directory(_) if self.is_mounted(path, place) => Ok(()),
            Bring::File(_) | Bring::Directory(_) => self.need(path, directory, place, crossing),
        }
    }

    /// Notes a path that the step needs before it.
    pub(super) fn need(
        &self,
        path: &str,
        directory: bool,
        place: &StagePath,
        crossing: &mut Crossing,
    ) -> Result<(), Obstacle> {
        if self.carried.transfer.varies {
            return Err(self.obstacle("a build argument decides which files are copied before it", path));
        }
        if self.carried.stands_behind_link(path) {
            return Err(self.obstacle(format!("`{path}` is, or stands behind, a symbolic link"), path));
        }
        if directory && self.carried.instruction.flag("exclude").is_some() {
            return Err(self.obstacle(format!("`--exclude` may keep files of `{path}` out of what is copied"), path));
        }
        if path.contains(PATTERN_LETTERS) {
            return Err(self.obstacle(format!("`COPY` would read the name of `{path}` as a pattern"), path));
        }
        let is_there = self.carried.is_there_already(path, place) || self.is_brought_between(path, directory, place);
        if !is_there {
            crossing.manifests.push(Needed { path: path.to_owned(), directory, place: place.clone() });
        }
        Ok(())
    }

    fn need_files(&self, files: &[Needed], crossing: &mut Crossing) -> Result<(), Obstacle> {
        files.iter().try_for_each(|file| self.need(&file.path, file.directory, &file.place, crossing))
    }

    fn is_mounted(&self, path: &str, place: &StagePath) -> bool {
        self.run.mounts.iter().any(|mount| {
            let target = mount.target.as_ref().and_then(|target| place.below(target));
            let source = mount.context.as_deref().zip(target);
            source.is_some_and(|(source, rest)| path.trim_start_matches(source).trim_start_matches('/') == rest)
        })
    }

    fn cross_write(
        &self,
        command: &KnownCommand,
        path: &str,
        kind: WriteKind,
        place: &StagePath,
        crossing: &mut Crossing,
    ) {
        let brought = self.carried.brings(place) != Bring::Nothing;
        let title = &command.known.title;
        match kind {
            WriteKind::Output | WriteKind::CleanOutput if !brought => crossing.outputs.push(path.to_owned()),
            WriteKind::Output | WriteKind::CleanOutput if self.is_untracked(path) => {
                let reason = format!("`{path}` is ignored by git, so no clean checkout has it");
                crossing.caveats.push(leave_out(self.carried, path, true, reason));
            }
            WriteKind::CleanOutput => {
                let reason = format!("`{title}` empties `{path}` before it fills it");
                crossing.caveats.push(leave_out(self.carried, path, false, reason));
            }
            WriteKind::Output => crossing.caveats.push(Caveat::Differs {
                reason: format!("`{path}` of the build context would be copied over what `{title}` installs"),
                evidence: path.to_owned(),
            }),
            WriteKind::MayRewrite if brought => crossing.caveats.push(Caveat::Differs {
                reason: format!("`{title}` may write `{path}` anew, and the later copy would bring the old one back"),
                evidence: path.to_owned(),
            }),
            WriteKind::MayRewrite | WriteKind::Create => {}
        }
    }

    fn is_untracked(&self, path: &str) -> bool {
        self.carried.placement().is_some_and(|(context, _)| context.unfiltered().is_untracked_by_rule(path))
    }
}

/// Whether a `RUN` may write at a place, or below it.
pub(super) fn may_write(run: &Run, place: &StagePath) -> bool {
    let named = |command: &KnownCommand| {
        command.accesses.iter().any(|access| access.access != Access::Read && overlaps(&access.path, place))
    };
    let closure = |command: &KnownCommand| {
        let Some(closure) = &command.closure else { return command.effect() == Effect::Install };
        closure.writes.iter().any(|write| command.place_of(&write.path).is_none_or(|written| overlaps(&written, place)))
    };
    !run.is_known() || run.commands.iter().any(|command| named(command) || closure(command))
}
