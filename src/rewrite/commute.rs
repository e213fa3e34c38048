//! Whether two steps of a stage may change places.
//!
//! Two steps *commute* when the image is the same in either order: neither writes what the other reads or writes, and
//! neither brings a program, a library or a setting that the other may use. Where that cannot be shown, they do not.

use std::sync::OnceLock;

use super::{
    carried::{Bring, Carried},
    crossing::{Crossing, cross_run},
    footprint::{Footprint, Work},
    owner::named_owner,
    presence::{created, makes},
    transfer_crossing::cross_transfer,
};
use crate::model::{Action, Build, Run, StepId};

/// What is known of two steps that change places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Swap {
    /// The image stays the same; with what shows it, where that is worth telling.
    Free(Option<String>),
    /// It may differ, for this reason.
    Doubtful(String),
    /// They must stay in their order.
    Fixed,
}

/// What is known of the steps of a build that change places, worked out once for each stage.
pub struct Exchanges {
    /// By stage, by step: the steps above it in order.
    stages: Vec<OnceLock<Vec<Vec<Swap>>>>,
}

impl Exchanges {
    /// Those of a build, of which nothing is known yet.
    pub fn new(build: &Build<'_>) -> Self {
        Self { stages: build.stages.iter().map(|_| OnceLock::new()).collect() }
    }

    /// By step of a stage: what is known of it changing places with each step above it.
    pub(super) fn of(&self, build: &Build<'_>, stage: usize) -> &[Vec<Swap>] {
        self.stages.get(stage).map_or(&[], |known| known.get_or_init(|| swaps_in(build, stage)))
    }
}

fn swaps_in(build: &Build<'_>, stage: usize) -> Vec<Vec<Swap>> {
    let steps = &build.stages[stage].steps;
    let ids = (0..steps.len()).map(|step| StepId { stage, step });
    let prints: Vec<Option<Footprint<'_>>> =
        ids.map(|id| Some(Footprint::new(build, id, build.step(id).run()?))).collect();
    let row = |second: usize| {
        let above = (0..second).map(|first| match (&prints[first], &prints[second]) {
            (Some(one), Some(other)) => swap_runs(one, other),
            _ => swap(build, StepId { stage, step: first }, StepId { stage, step: second }),
        });
        above.collect()
    };
    (0..steps.len()).map(row).collect()
}

/// Whether the step at `second` may move in front of the one at `first`, which stands above it in the same stage; not both
/// of them are a `RUN`.
fn swap(build: &Build<'_>, first: StepId, second: StepId) -> Swap {
    let is_free = match (&build.step(first).action, &build.step(second).action) {
        (Action::Transfer(_), Action::Run(run)) => copy_below_run(build, first, second, run),
        (Action::Run(run), Action::Transfer(_)) => copy_above_run(build, second, first, run),
        (Action::Transfer(_), Action::Transfer(_)) => swap_copies(build, first, second),
        (Action::Metadata, Action::Run(_) | Action::Transfer(_))
        | (Action::Run(_) | Action::Transfer(_), Action::Metadata) => true,
        // What changes the state of the stage stays between the steps that find it.
        _ => false,
    };
    if is_free { Swap::Free(None) } else { Swap::Fixed }
}

fn swap_copies(build: &Build<'_>, first: StepId, second: StepId) -> bool {
    let (Some(one), Some(other)) = (Carried::new(build, first), Carried::new(build, second)) else { return false };
    let same_owner =
        ["chown", "chmod"].iter().all(|flag| one.instruction.flag_value(flag) == other.instruction.flag_value(flag));
    let apart = cross_transfer(&one, second, other.transfer).is_ok()
        && cross_transfer(&other, first, one.transfer).is_ok()
        && named_owner(&other).is_none();
    apart && (same_owner || !makes_directory_of(&one, second) && !makes_directory_of(&other, first))
}

/// Whether the step makes a directory that the copy would make with another owner.
fn makes_directory_of(carried: &Carried<'_>, id: StepId) -> bool {
    created(carried).iter().any(|place| makes(carried.build.step(id), place))
}

fn copy_below_run(build: &Build<'_>, copy: StepId, run_id: StepId, run: &Run) -> bool {
    let Some(carried) = Carried::new(build, copy) else { return false };
    cross_run(&carried, run_id, run, &[]).is_ok_and(|crossing| is_clear(&crossing))
}

/// A copy moves up only where nothing that it brings can be of use to the `RUN`, whatever its name.
fn copy_above_run(build: &Build<'_>, copy: StepId, run_id: StepId, run: &Run) -> bool {
    let Some(carried) = Carried::new(build, copy).filter(|carried| named_owner(carried).is_none()) else {
        return false;
    };
    let clear = cross_run(&carried, run_id, run, &[]).is_ok_and(|crossing| is_clear(&crossing));
    let mut worked_in = run.commands.iter().filter(|command| command.closure.is_some());
    clear
        && worked_in.all(|command| {
            let apart = command.directory.as_ref().is_some_and(|place| carried.brings(place) == Bring::Nothing);
            apart || command.place_of("").is_some() && keeps_names(&carried, command)
        })
}

/// Whether all that a copy brings stands where the command's project has it: then the command's closure knows of it.
fn keeps_names(carried: &Carried<'_>, command: &crate::model::KnownCommand) -> bool {
    let Some((_, placement)) = carried.placement() else { return false };
    let mut brought = placement.roots.iter().chain(&placement.absent);
    brought.all(|root| command.place_of(&root.context).as_ref() == Some(&root.landing))
}

fn is_clear(crossing: &Crossing) -> bool {
    crossing.manifests.is_empty() && crossing.caveats.is_empty()
}

fn swap_runs(one: &Footprint<'_>, other: &Footprint<'_>) -> Swap {
    if one.conflict(other).is_some() {
        return Swap::Fixed;
    }
    match (one.work, other.work) {
        // What a step finds may come from any package that was installed before it.
        (Work::Other | Work::System, _) | (_, Work::Other) => Swap::Fixed,
        (Work::Programs, other) if other != Work::System => Swap::Fixed,
        (_, Work::System) => system_above(one, other),
        (Work::Paths | Work::Fetch, Work::Paths | Work::Fetch) if one.reaches_others || other.reaches_others => {
            Swap::Fixed
        }
        (Work::Paths | Work::Fetch, Work::Project | Work::Programs) if one.names_shared => Swap::Fixed,
        (Work::Project, Work::Paths | Work::Fetch) if other.names_shared => Swap::Fixed,
        (Work::Project, Work::Project | Work::Programs) if one.reaches_others || one.shares_place(other) => Swap::Fixed,
        (Work::Paths, _) | (_, Work::Paths) | (Work::Fetch, Work::Fetch) => Swap::Free(None),
        _ => apart_from_packages(one, other),
    }
}

/// An installation of system packages moves in front of a step that did without them.
fn system_above(one: &Footprint<'_>, system: &Footprint<'_>) -> Swap {
    let installs = matches!(one.work, Work::Project | Work::Programs);
    if one.names_system() || !installs && one.reaches_others {
        return Swap::Fixed;
    }
    match one.runs_packages {
        _ if !installs => Swap::Free(None),
        Some(title) => Swap::Doubtful(format!(
            "`{title}` may build packages with what `{}` installs, if that comes first",
            system.manager()
        )),
        None if one.brings_programs => Swap::Free(Some(format!(
            "`{}` runs no code of packages, and its program comes with the base image",
            one.title()
        ))),
        None => Swap::Doubtful(format!("`{}` may replace a program that `{}` runs", system.manager(), one.title())),
    }
}

/// Two installs of different files.
fn apart_from_packages(one: &Footprint<'_>, other: &Footprint<'_>) -> Swap {
    let running = one.runs_packages.map(|title| (title, other)).or(other.runs_packages.map(|title| (title, one)));
    match running {
        Some((title, beside)) => Swap::Doubtful(format!(
            "packages that `{title}` installs may run programs of their own, which find what `{}` has left",
            beside.title()
        )),
        None => Swap::Free(Some(format!("neither `{}` nor `{}` runs code of packages", one.title(), other.title()))),
    }
}
