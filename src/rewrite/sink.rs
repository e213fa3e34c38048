//! How far down a copy may move.

use super::{
    carried::{Bring, Carried},
    crossing::{Caveat, Crossing, Needed, Obstacle, cross_run},
    moves::{difference, quoted},
    presence::{created, makes},
    restate::destination_text,
    transfer_crossing::cross_transfer,
};
use crate::model::{Action, Build, StagePath, State, StepId, Supply};

/// A `RUN` that takes less, in seconds, is not worth a move.
const WORTH_CROSSING: f64 = 1.0;

/// The way of one copy down its stage.
#[derive(Clone, Debug)]
pub struct Sink {
    /// The copy.
    pub carried: StepId,
    /// The `RUN`s that it moves below, in order; empty where it stays.
    pub crossed: Vec<Crossed>,
    /// What stopped it, if anything did before the end of the stage.
    pub stopped_by: Option<Obstacle>,
}

/// A `RUN` that a copy moves below.
#[derive(Clone, Debug)]
pub struct Crossed {
    /// The `RUN`.
    pub id: StepId,
    /// What it takes.
    pub crossing: Crossing,
}

impl Sink {
    /// The last `RUN` that the copy moves below.
    pub fn last(&self) -> Option<StepId> {
        self.crossed.last().map(|crossed| crossed.id)
    }

    /// The part of the way that leads to the first `RUN` that needs something of the copy; `None` where nothing that is
    /// worth a move lies on it.
    pub fn to_first_need(&self, build: &Build<'_>) -> Option<Self> {
        self.part(build, |crossed| crossed.crossing.manifests.is_empty())
    }

    /// The part of the way that leaves the image as it is, where the rest may not; `None` where all of it does, or nothing
    /// that is worth a move lies on it.
    pub fn safe_part(&self, build: &Build<'_>) -> Option<Self> {
        let is_safe = |crossed: &Crossed| !crossed.crossing.caveats.iter().any(|caveat| difference(caveat).is_some());
        if self.crossed.iter().all(is_safe) {
            return None;
        }
        self.part(build, is_safe)
    }

    /// The first part of the way, as long as what is crossed is as wanted.
    fn part(&self, build: &Build<'_>, wanted: impl Fn(&Crossed) -> bool) -> Option<Self> {
        let first = self.crossed.iter().take_while(|crossed| wanted(crossed));
        let mut way = Self { crossed: first.cloned().collect(), ..self.clone() };
        let worth = way.crossed.iter().rposition(|crossed| is_worth_crossing(build, crossed.id))? + 1;
        way.crossed.truncate(worth);
        Some(way)
    }

    /// Whether the copy moves below a step.
    pub fn crosses(&self, id: StepId) -> bool {
        self.crossed.iter().any(|crossed| crossed.id == id)
    }

    /// What must hold for the image to stay the same.
    pub fn caveats(&self) -> impl Iterator<Item = &Caveat> {
        self.crossed.iter().flat_map(|crossed| &crossed.crossing.caveats)
    }

    /// Everything that is copied ahead, in order, each path once.
    pub fn manifests(&self) -> Vec<Needed> {
        let mut found: Vec<Needed> =
            self.crossed.iter().flat_map(|crossed| crossed.crossing.manifests.clone()).collect();
        found.sort();
        found.dedup();
        found
    }
}

/// Follows the copy at `id` down its stage; `None` where the step is no copy that can be moved.
pub fn sink(build: &Build<'_>, id: StepId) -> Option<Sink> {
    let carried = Carried::new(build, id)?;
    let stage = &build.stages[id.stage];
    let mut sink = Sink { carried: id, crossed: Vec::new(), stopped_by: None };
    let mut worth = 0;
    for step in id.step + 1..stage.steps.len() {
        let below = StepId { step, ..id };
        let after = stage.steps.get(step + 1).map_or(&stage.end, |next| &next.before);
        let crossed =
            stays_the_same(&carried, below, after).and_then(|()| cross_step(&carried, below, &sink.manifests()));
        match crossed {
            Ok(Some(crossing)) => {
                sink.crossed.push(Crossed { id: below, crossing });
                if is_worth_crossing(build, below) {
                    worth = sink.crossed.len();
                }
            }
            Ok(None) => {}
            Err(obstacle) => {
                sink.stopped_by = Some(obstacle);
                break;
            }
        }
    }
    sink.crossed.truncate(worth);
    check_directories(&carried, &mut sink);
    Some(sink)
}

pub(super) fn is_worth_crossing(build: &Build<'_>, id: StepId) -> bool {
    build.step(id).run().is_some_and(|run| (run.cost.low * run.cost.high).sqrt() >= WORTH_CROSSING)
}

/// Whether one step can be crossed; what a `RUN` takes for it. `ahead` is what is copied in front of it.
fn cross_step(carried: &Carried<'_>, id: StepId, ahead: &[Needed]) -> Result<Option<Crossing>, Obstacle> {
    let step = carried.build.step(id);
    match &step.action {
        Action::Run(run) => cross_run(carried, id, run, ahead).map(Some),
        Action::Transfer(other) => cross_transfer(carried, id, other).map(|()| None),
        Action::Workdir(path) => {
            let overlaps = carried.transfer.destination.as_ref().is_none_or(|place| place.may_overlap(path));
            if overlaps && !step.before.runs_as_root() {
                let reason = match &step.before.user {
                    Some(_) => "it would create the directory for another user",
                    None => "it would create the directory for the user of the base image, who is not known",
                };
                return Err(Obstacle::new(id, reason, path.as_str()));
            }
            if is_perhaps_no_directory(carried, path) {
                return Err(Obstacle::new(id, "it may be no directory that the copy brings there", path.as_str()));
            }
            Ok(None)
        }
        Action::Volume(paths) => match paths.iter().find(|path| carried.brings(path) != Bring::Nothing) {
            Some(path) => Err(Obstacle::new(id, "some builders drop what is copied into a volume", path.as_str())),
            None => Ok(None),
        },
        Action::Argument(names) => match names.iter().find(|name| is_cache_buster(name)) {
            Some(name) => Err(Obstacle::new(id, "it is there to break the cache on purpose", name.as_str())),
            None => Ok(None),
        },
        Action::Malformed => Err(Obstacle::new(id, "the instruction cannot be read", "")),
        Action::Environment(_) | Action::User | Action::Shell | Action::Metadata => Ok(None),
    }
}

/// Whether the copy may bring a link or a file to where a directory would be created.
fn is_perhaps_no_directory(carried: &Carried<'_>, path: &StagePath) -> bool {
    match carried.brings(path) {
        Bring::Nothing | Bring::Directory(_) | Bring::Mixed => false,
        Bring::File(_) => true,
        Bring::Unknown => {
            let destination = carried.transfer.destination.as_ref();
            destination.is_none_or(|destination| path.below(destination).is_none_or(|rest| !rest.is_empty()))
        }
    }
}

fn is_cache_buster(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '-'], "");
    name.contains("cachebust") || name.contains("bustcache")
}

/// Whether the copy can be written to mean the same in the state after a step: same destination, same values of the variables it mentions.
fn stays_the_same(carried: &Carried<'_>, id: StepId, after: &State) -> Result<(), Obstacle> {
    let before = &carried.build.step(carried.id).before;
    let mentioned = &carried.transfer.mentions;
    if let Some(name) = mentioned.iter().find(|name| before.variable(name) != after.variable(name)) {
        return Err(Obstacle::new(id, format!("it changes `{name}`, which the copy mentions"), name.as_str()));
    }
    if destination_text(carried, after).is_some() {
        return Ok(());
    }
    let reason = if carried.transfer.destination.as_ref().is_some_and(StagePath::is_floating) {
        "the copy goes to the working directory of the base image, which is not known, and it changes that directory"
    } else {
        "it changes the directory that the copy's destination is relative to"
    };
    Err(Obstacle::new(id, reason, "WORKDIR"))
}

/// The directories that a copy creates get the owner and mode of its flags. Where a step that the copy moves below makes
/// one of them first, with other flags or none, those differ.
fn check_directories(carried: &Carried<'_>, sink: &mut Sink) {
    let Some(last) = sink.last() else { return };
    let directories = created(carried);
    // What is copied ahead creates the directories as the copy would.
    let ahead = sink.crossed.iter().position(|crossed| !crossed.crossing.manifests.is_empty());
    let end = match ahead {
        Some(0) => return,
        Some(index) => sink.crossed[index].id.step,
        None => last.step,
    };
    let steps = &carried.build.stages[carried.id.stage].steps;
    let maker = (carried.id.step + 1..end).find_map(|step| {
        let id = StepId { step, ..carried.id };
        if same_owner(carried, id) {
            return None;
        }
        directories.iter().find(|place| makes(&steps[step], place)).map(|place| (id, place))
    });
    if let (Some((id, place)), Some(first)) = (maker, sink.crossed.first_mut()) {
        let maker = quoted(carried.build, id);
        first.crossing.caveats.push(Caveat::Differs {
            reason: format!("`{place}` would be created by {maker} instead of by the copy, with another owner"),
            evidence: place.to_string(),
        });
    }
}

/// Whether two instructions give what they create to the same owner with the same mode.
fn same_owner(carried: &Carried<'_>, id: StepId) -> bool {
    let other = carried.build.instruction(id);
    ["chown", "chmod"].iter().all(|flag| carried.instruction.flag_value(flag) == other.flag_value(flag))
}

/// Whether a copy brings files of the context, rather than of a stage or an image.
pub(super) fn is_from_context(build: &Build<'_>, id: StepId) -> bool {
    build.step(id).transfer().is_some_and(|transfer| transfer.supply == Supply::Context)
}
