//! Directories that stand in a stage without what a copy brings.
//!
//! A copy creates its destination with all directories above it. A step that works in one of them, or writes into it,
//! needs it to be there: it must not move in front of the copy unless something else makes the directory.

use super::{
    carried::{Bring, Carried},
    crossing::Needed,
};
use crate::model::{Action, StagePath, Step, StepId, Transfer};

/// Whether the step at `id` finds a directory even where the carried copy comes later. `ahead` is what is copied in front
/// of it.
pub(super) fn stands_without(carried: &Carried<'_>, id: StepId, place: &StagePath, ahead: &[Needed]) -> bool {
    if !depends(carried, place) || is_of_base(carried, place) {
        return true;
    }
    ahead.iter().any(|needed| is_made_by(carried, needed, place)) || is_made_before(carried, id, place)
}

/// The directories that a copy creates, going by the file: its destination and what is above it.
pub(super) fn created(carried: &Carried<'_>) -> Vec<StagePath> {
    let Some(destination) = &carried.transfer.destination else { return Vec::new() };
    let mut directories = Vec::new();
    let mut place = destination.clone();
    while !stands_without(carried, carried.id, &place, &[]) {
        let parent = place.parent();
        directories.push(place);
        place = parent;
    }
    directories
}

/// Whether a step makes a directory of its own accord: by entering it, or by copying something into it.
pub(super) fn makes(step: &Step, place: &StagePath) -> bool {
    match &step.action {
        Action::Workdir(path) => path.below(place).is_some(),
        Action::Transfer(transfer) => copies_into(transfer, place),
        _ => false,
    }
}

fn copies_into(transfer: &Transfer, place: &StagePath) -> bool {
    let Some(destination) = &transfer.destination else { return false };
    match (destination.below(place), &transfer.placement) {
        (None, _) => false,
        (Some(""), Some(placement)) => {
            placement.roots.iter().any(|root| root.directory || root.landing != *destination)
        }
        (Some(""), None) => transfer.into_directory,
        (Some(_), _) => true,
    }
}

fn is_made_by(carried: &Carried<'_>, needed: &Needed, place: &StagePath) -> bool {
    let directory = if needed.directory { needed.place.clone() } else { needed.place.parent() };
    let within = || needed.directory && place.below(&needed.place).is_some();
    directory.below(place).is_some() || within() && matches!(carried.brings(place), Bring::Directory(_))
}

/// Whether the copy has a hand in the directory: it creates it, or fills it.
fn depends(carried: &Carried<'_>, place: &StagePath) -> bool {
    let above = carried.transfer.destination.as_ref().is_none_or(|destination| destination.below(place).is_some());
    above || !matches!(carried.brings(place), Bring::Nothing | Bring::File(_))
}

/// Whether the base image has the directory. Its working directory is there wherever it is.
fn is_of_base(carried: &Carried<'_>, place: &StagePath) -> bool {
    place.as_str() == "?" || carried.build.image_has_directory(carried.id.stage, place)
}

/// Whether a step before `id`, other than the copy, makes the directory.
fn is_made_before(carried: &Carried<'_>, id: StepId, place: &StagePath) -> bool {
    let build = carried.build;
    build.ids_to(id).any(|other| other != carried.id && makes(build.step(other), place))
}
