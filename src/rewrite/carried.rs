//! The copy that moves: what it brings to a place in the stage.

use super::{
    crossing::may_write,
    links::{is_through_link, link_above},
    transfer_crossing::same_flags,
};
use crate::{
    context::{EntryKind, Filtered},
    ecosystem::{home_settings, project_directories, system_directories},
    model::{Action, Build, Placement, Root, StagePath, StepId, Supply, Transfer},
    syntax::Instruction,
};

/// How deep a copy that reaches into the system's directories is looked into.
const DEPTH: usize = 4;

/// A `COPY` or `ADD` on its way down.
#[derive(Clone, Copy)]
pub struct Carried<'a> {
    /// The build it is in.
    pub build: &'a Build<'a>,
    /// Its step.
    pub id: StepId,
    /// What it does.
    pub transfer: &'a Transfer,
    /// Its instruction.
    pub instruction: &'a Instruction,
}

/// What a copy brings to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bring {
    /// Nothing at it or below it.
    Nothing,
    /// A file: this path of the context.
    File(String),
    /// A directory that holds just what this directory of the context does.
    Directory(String),
    /// A directory that no single one of the context stands for: several sources meet in it, or land further below.
    Mixed,
    /// Perhaps something: files of a stage, an image or the network.
    Unknown,
}

impl<'a> Carried<'a> {
    /// The copy at a step, if the step is one that can be looked into.
    pub fn new(build: &'a Build<'a>, id: StepId) -> Option<Self> {
        let transfer = build.step(id).transfer()?;
        let instruction = build.instruction(id);
        let movable = match transfer.supply {
            Supply::Context => transfer.placement.is_some() && !transfer.is_remote() && instruction.heredocs.is_empty(),
            Supply::Stage(_) | Supply::Image(_) => transfer.destination.is_some(),
            Supply::Inline | Supply::Remote | Supply::Unknown => false,
        };
        let behind_link = transfer.destination.as_ref().is_some_and(|place| link_above(build, id, place).is_some());
        (movable && !behind_link && !build.has_triggers(id.stage)).then_some(Self { build, id, transfer, instruction })
    }

    /// The context and where the copy's files land in it, for a copy of context files.
    pub fn placement(&self) -> Option<(&'a Filtered<'a>, &'a Placement)> {
        self.build.inputs.context.zip(self.transfer.placement.as_ref())
    }

    /// What it brings to a place, or below it.
    pub fn brings(&self, place: &StagePath) -> Bring {
        let Some((context, placement)) = self.placement() else {
            return match &self.transfer.destination {
                Some(destination) if !overlaps(destination, place) => Bring::Nothing,
                _ => Bring::Unknown,
            };
        };
        if placement.absent_at(place).is_some() {
            return Bring::Unknown;
        }
        // Several sources may share a place; later ones win, and directories become one.
        let origins = placement.roots.iter().rev().filter_map(|root| root.origin(place));
        let brought = origins.map(|path| bring_of(context, placement, &path));
        let mut brought = brought.filter(|brought| *brought != Bring::Nothing);
        // A source may also land below the place that is asked about.
        let lands_below = |root: &&Root| overlaps(&root.landing, place) && place.below(&root.landing).is_none();
        let below = placement.roots.iter().find(lands_below);
        match (brought.next(), brought.next(), below) {
            (Some(Bring::Directory(_)), Some(Bring::Unknown), _) => Bring::Unknown,
            (Some(Bring::Directory(_)), Some(_), _) | (Some(Bring::Directory(_)), _, Some(_)) => Bring::Mixed,
            (Some(found), ..) => found,
            _ if placement.roots.iter().filter_map(Root::other_landing).any(|other| overlaps(&other, place)) => {
                Bring::Unknown
            }
            (None, _, Some(root)) if root.landing.is_floating() != place.is_floating() => Bring::Unknown,
            (None, _, Some(_)) => Bring::Mixed,
            (None, _, None) => Bring::Nothing,
        }
    }

    /// What it brings to places that begin like this one: `/app/lib` for `lib*` in `/app`.
    pub(super) fn brings_like(&self, start: &StagePath) -> Bring {
        let directory = start.parent();
        let brought = self.brings(&directory);
        let Some((context, placement)) = self.placement() else { return brought };
        let floats = |place: &StagePath| place.is_floating() != start.is_floating();
        let is_unclear = |root: &Root| root.uncertain || floats(&root.landing);
        if placement.absent_at(&directory).is_some() || placement.roots.iter().any(is_unclear) {
            return brought;
        }
        let begins = |root: &Root| {
            let listed = root.origin(&directory).filter(|_| root.directory);
            root.landing.as_str().starts_with(start.as_str())
                || listed.is_some_and(|path| context.list(&path).iter().any(|(name, _)| name.starts_with(start.name())))
        };
        if placement.roots.iter().any(begins) { brought } else { Bring::Nothing }
    }

    /// Whether it puts a name that begins like this one into the same directory: `/app/hook.js` for `/app/hook.`.
    pub(super) fn brings_name_like(&self, start: &StagePath) -> bool {
        if self.placement().is_some() {
            return self.names_in(&start.parent()).iter().any(|name| name.starts_with(start.name()));
        }
        self.transfer.destination.as_ref().is_none_or(|place| place.as_str().starts_with(start.as_str()))
    }

    /// Names that a copy of context files puts into a directory.
    pub(super) fn names_in(&self, directory: &StagePath) -> Vec<String> {
        let Some((context, placement)) = self.placement() else { return Vec::new() };
        let names = |root: &Root| match root.origin(directory).filter(|_| root.directory) {
            Some(path) => context.list(&path).into_iter().map(|(name, _)| name).collect(),
            None if root.landing.parent() == *directory => vec![root.landing.name().to_owned()],
            None => Vec::new(),
        };
        placement.roots.iter().chain(&placement.absent).flat_map(names).collect()
    }

    /// Whether an earlier step of the stage has brought the same file to the same place for the same owner, and nothing
    /// touched it since.
    pub(super) fn is_there_already(&self, path: &str, place: &StagePath) -> bool {
        for id in self.build.ids_to(self.id) {
            let step = self.build.step(id);
            if is_through_link(self.build, id) {
                return false;
            }
            match &step.action {
                Action::Transfer(transfer) => {
                    let landing = transfer.placement.as_ref().and_then(|placement| placement.landing(path));
                    if landing.as_ref() == Some(place) {
                        return same_flags(self, id);
                    }
                    if transfer.destination.as_ref().is_none_or(|destination| overlaps(destination, place)) {
                        return false;
                    }
                }
                Action::Run(run) if may_write(run, place) => return false,
                Action::Malformed => return false,
                _ => {}
            }
        }
        false
    }

    /// Whether a context path is a link, or is reached through one.
    pub(super) fn stands_behind_link(&self, path: &str) -> bool {
        let Some((context, _)) = self.placement() else { return true };
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        ends.into_iter().any(|end| context.entry(&path[..end]).is_some_and(|entry| entry.kind == EntryKind::Link))
    }

    /// Why what it brings may change what any program does, if it may: it reaches into the system's directories or into
    /// settings of a home directory.
    pub fn reaches_into_system(&self) -> Option<String> {
        let Some((context, placement)) = self.placement() else {
            let destination = self.transfer.destination.as_ref()?;
            // What a stage brings to `/` may be programs as well.
            return meets_system(destination).then(|| format!("`{destination}` is or holds a directory of the system"));
        };
        placement.roots.iter().find_map(|root| {
            if root.directory {
                directory_reaches(context, &root.context, &root.landing, DEPTH)
            } else {
                place_reaches(&root.landing)
            }
        })
    }
}

/// Whether two places are at or below one another. A place of which only the base image knows where it stands is taken to
/// be anywhere but in the system's directories.
pub(super) fn overlaps(a: &StagePath, b: &StagePath) -> bool {
    match (a.is_floating(), b.is_floating()) {
        (true, false) => !is_system(b),
        (false, true) => !is_system(a),
        _ => a.may_overlap(b),
    }
}

/// Whether a place lies in the system's directories.
pub(super) fn is_system(place: &StagePath) -> bool {
    let is_within = |directory| place.is_within(directory);
    system_directories().any(is_within) && !project_directories().any(is_within)
}

/// Whether a place lies in the system's directories, or holds one of them.
pub(super) fn meets_system(place: &StagePath) -> bool {
    is_system(place) || system_directories().any(|directory| place.holds(directory))
}

fn place_reaches(place: &StagePath) -> Option<String> {
    let home = place.parent();
    let in_home = home.as_str() == "/root" || home.parent().as_str() == "/home";
    let reaches = is_system(place) || in_home && home_settings().any(|name| name == place.name());
    reaches.then(|| format!("it brings `{place}`, which other programs may read"))
}

/// A directory whose contents land at a place: looked into only as far as the place is no project directory of its own.
fn directory_reaches(context: &Filtered<'_>, path: &str, landing: &StagePath, depth: usize) -> Option<String> {
    if is_system(landing) {
        return place_reaches(landing);
    }
    // Where only the base image knows the place, it may be the root.
    let landing = if landing.as_str() == "?" { StagePath::root() } else { landing.clone() };
    let holds_system = system_directories().any(|directory| landing.holds(directory));
    let is_home = landing.as_str() == "/root" || landing.parent().as_str() == "/home";
    if depth == 0 || !(holds_system || is_home) {
        return None;
    }
    context.list(path).into_iter().find_map(|(name, entry)| {
        let place = landing.join(&format!("./{name}"));
        let below = if path.is_empty() { name } else { format!("{path}/{name}") };
        match entry.kind {
            EntryKind::Directory => {
                place_reaches(&place).or_else(|| directory_reaches(context, &below, &place, depth - 1))
            }
            _ => place_reaches(&place),
        }
    })
}

fn bring_of(context: &Filtered<'_>, placement: &Placement, path: &str) -> Bring {
    // What is named through a link that the copy brings stands elsewhere.
    let is_link = |above: &str| context.entry(above).is_some_and(|entry| entry.kind == EntryKind::Link);
    if path.match_indices('/').any(|(end, _)| is_link(&path[..end])) {
        return Bring::Unknown;
    }
    let kind = if path.is_empty() { Some(EntryKind::Directory) } else { context.entry(path).map(|entry| entry.kind) };
    match kind {
        Some(EntryKind::Directory) => Bring::Directory(path.to_owned()),
        Some(_) if placement.selector.selects(path) => Bring::File(path.to_owned()),
        _ => Bring::Nothing,
    }
}
