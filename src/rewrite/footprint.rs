//! What a `RUN` leaves behind and rests on, as far as it matters for its place among other `RUN`s.

use super::{
    carried::{meets_system, overlaps},
    links::reached_through_link,
};
use crate::{
    ecosystem::{Access, Effect, home_settings, pack::Kind},
    model::{Build, KnownCommand, Run, StagePath, State, StepId},
    syntax::MountKind,
};

/// What sort of work a `RUN` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Touches the paths that it names.
    Paths,
    /// Fetches to places that it names.
    Fetch,
    /// Installs the project's dependencies, or downloads them.
    Project,
    /// Installs programs by name with a package manager of a language.
    Programs,
    /// Installs packages of the system: it reads and writes the system's directories.
    System,
    /// Anything else: it stays where it is.
    Other,
}

/// What a `RUN` leaves behind and rests on.
pub(super) struct Footprint<'a> {
    pub(super) work: Work,
    /// The commands that do the work, first ones first.
    commands: Vec<&'a KnownCommand>,
    /// Places that it reads.
    reads: Vec<StagePath>,
    /// Places that it writes, with all below them.
    writes: Vec<StagePath>,
    /// Places that do not exist, and that it would read if they did.
    wanted: Vec<StagePath>,
    /// Whether what it writes may be a program that others run, or a setting of one.
    pub(super) reaches_others: bool,
    /// Whether it names a place that installs of any kind may fill or read, though nobody tells them to.
    pub(super) names_shared: bool,
    /// The first command that may run programs of packages, which find whatever is installed.
    pub(super) runs_packages: Option<&'a str>,
    /// Whether its programs come with the base image and nothing takes their place.
    pub(super) brings_programs: bool,
}

impl<'a> Footprint<'a> {
    /// That of the `RUN` at `id`.
    pub(super) fn new(build: &'a Build<'_>, id: StepId, run: &'a Run) -> Self {
        let mut print = Self {
            work: work_of(run),
            commands: run.commands.iter().filter(|command| works(command)).collect(),
            reads: Vec::new(),
            writes: Vec::new(),
            wanted: Vec::new(),
            reaches_others: false,
            names_shared: false,
            runs_packages: None,
            brings_programs: true,
        };
        for command in &run.commands {
            if print.add_command(build, id, command).is_none() {
                print.work = Work::Other;
            }
        }
        if print.add_mounts(run).is_none() || reached_through_link(build, id, run).is_some() {
            print.work = Work::Other;
        }
        let state = &build.step(id).before;
        print.reaches_others =
            print.work == Work::Programs || print.writes.iter().any(|place| reaches_others(place, state));
        let shared = print.touched().any(|place| reaches_others(place, state) || is_home(place));
        Self { names_shared: shared, ..print }
    }

    /// Whether both install where nobody tells them to: what one leaves there, the other finds.
    pub(super) fn shares_place(&self, other: &Self) -> bool {
        self.manager() == other.manager() || !self.is_placed() && !other.is_placed()
    }

    /// Whether it is known where the packages go that it installs.
    fn is_placed(&self) -> bool {
        self.commands.iter().all(|command| {
            let writes = command.closure.as_ref().is_some_and(|closure| !closure.writes.is_empty());
            writes || !command.known.spec().fills.is_empty()
        })
    }

    /// The command that stands for the work, as its pack spells it.
    pub(super) fn title(&self) -> &'a str {
        self.commands.first().map_or("the step", |command| command.known.title.as_str())
    }

    /// The pack of that command.
    pub(super) fn manager(&self) -> &'a str {
        self.commands.first().map_or("the step", |command| command.known.pack.name.get_ref())
    }

    /// A place that both touch, and one of them writes.
    pub(super) fn conflict<'p>(&'p self, other: &'p Self) -> Option<&'p StagePath> {
        let meets = |written: &StagePath, print: &Self| print.touched().any(|place| overlaps(written, place));
        let mine = self.writes.iter().find(|written| meets(written, other));
        mine.or_else(|| other.writes.iter().find(|written| meets(written, self)))
    }

    /// Whether it names a place in the system's directories.
    pub(super) fn names_system(&self) -> bool {
        self.touched().any(meets_system)
    }

    fn touched(&self) -> impl Iterator<Item = &StagePath> {
        self.reads.iter().chain(&self.writes).chain(&self.wanted)
    }

    fn add_command(&mut self, build: &Build<'_>, id: StepId, command: &'a KnownCommand) -> Option<()> {
        if command.command.user.is_some() {
            return None;
        }
        for access in &command.accesses {
            let place = if access.pattern { access.path.parent() } else { access.path.clone() };
            match access.access {
                Access::Read | Access::Project => self.reads.push(place),
                Access::Write | Access::Modify | Access::Remove => self.writes.push(place),
            }
        }
        if !works(command) {
            return Some(());
        }
        let is_own = command.command.program().is_some_and(|program| build.image_brings(id.stage, program));
        self.brings_programs &= is_own;
        if !is_confined(command) {
            self.runs_packages = self.runs_packages.or(Some(&command.known.title));
        }
        if command.effect() == Effect::ContextFree && command.known.spec().closure.is_none() {
            return Some(());
        }
        self.add_closure(command)
    }

    /// What an install reads and writes in the project; `None` where that is not known.
    fn add_closure(&mut self, command: &KnownCommand) -> Option<()> {
        let closure = command.closure.as_ref().filter(|closure| closure.refusals.is_empty())?;
        for read in &closure.reads {
            self.reads.push(command.place_of(&read.path)?);
        }
        for write in &closure.writes {
            self.writes.push(command.place_of(&write.path)?);
        }
        self.wanted.extend(closure.missing.iter().filter_map(|missing| command.place_of(&missing.path)));
        self.writes.extend(command.known.spec().fills.iter().map(|place| StagePath::root().join(place)));
        Some(())
    }

    /// A mount shows other files at its place, and cache mounts of one place share what they hold.
    fn add_mounts(&mut self, run: &Run) -> Option<()> {
        for mount in &run.mounts {
            if !matches!(mount.mount.kind, MountKind::Secret | MountKind::Ssh) {
                self.writes.push(mount.target.clone()?);
            }
        }
        Some(())
    }
}

/// Whether a command does more than to touch the paths that it names.
fn works(command: &KnownCommand) -> bool {
    !matches!(command.effect(), Effect::Inert | Effect::Paths)
}

/// Whether a command runs no program but its own.
fn is_confined(command: &KnownCommand) -> bool {
    let always = || {
        let mut confined = command.known.spec().confined.iter();
        confined.any(|confined| confined.when.is_empty() && confined.unless.is_empty())
    };
    command.closure.as_ref().is_some_and(|closure| closure.confined) || always()
}

fn work_of(run: &Run) -> Work {
    if !run.is_known() || run.commands.iter().any(|command| works(command) && command.command.guard.masked) {
        return Work::Other;
    }
    let kinds = run.commands.iter().filter(|command| works(command)).map(work_of_command);
    kinds.fold(Work::Paths, |all, kind| match (all, kind) {
        (Work::Paths, kind) => kind,
        (all, kind) if all == kind => all,
        (Work::System, Work::Fetch) | (Work::Fetch, Work::System) => Work::System,
        _ => Work::Other,
    })
}

fn work_of_command(command: &KnownCommand) -> Work {
    match (command.known.pack.kind, command.effect()) {
        (Kind::System, Effect::ContextFree) => Work::System,
        (Kind::Tool, Effect::ContextFree) if is_confined(command) => Work::Fetch,
        (Kind::Language, Effect::ContextFree) => Work::Programs,
        (Kind::Language, Effect::Install | Effect::Download) => Work::Project,
        _ => Work::Other,
    }
}

/// Whether what stands at a place may be run or read by programs that do not name it.
fn reaches_others(place: &StagePath, state: &State) -> bool {
    let in_home = home_settings().any(|name| place.as_str().split('/').any(|part| part == name));
    let named = |value: &str| {
        let mut pieces = value.split([':', '=', ' ', ',', ';']).filter(|piece| piece.starts_with('/'));
        pieces.any(|piece| StagePath::root().join(piece).may_overlap(place))
    };
    meets_system(place)
        || in_home
        || place.as_str().contains('~')
        || state.variables().any(|(_, variable)| named(&variable.partial))
}

/// Whether caches and settings of anybody may stand there.
fn is_home(place: &StagePath) -> bool {
    let shared = ["/root", "/home"].iter().any(|home| place.is_within(home));
    shared || matches!(place.as_str(), "/tmp" | "?")
}
