//! Steps that were seen: what one traced run of a `RUN` says of moving a copy below it.
//!
//! A trace is no claim about the step: the next commit may lead it elsewhere. It lets a copy cross a step of which nothing
//! else is known, as a move that may change the image; and it is enough to contradict what a pack claims.

use super::{
    carried::Bring,
    crossing::{Caveat, Crossing, Needed, Obstacle, Reader},
    presence::stands_without,
};
use crate::{
    cache::step_digest,
    ecosystem::{Observation, ObservedFile, Reach},
    model::{Build, StagePath, StepId},
};

/// What was seen of a step; `None` where no build was traced.
pub(super) fn observation<'a>(build: &Build<'a>, id: StepId) -> Option<&'a Observation> {
    let observed = build.inputs.catalog.observed();
    if observed.is_empty() { None } else { observed.of(&step_digest(build, id)) }
}

/// What it takes to cross a step, going by its trace alone.
pub(super) fn cross(reader: &Reader<'_>, seen: &Observation, ahead: &[Needed]) -> Result<Crossing, Obstacle> {
    let mut crossing = Crossing::default();
    for file in brought(reader, seen) {
        let place = place_of(file);
        let (Bring::File(path) | Bring::Directory(path)) = reader.carried.brings(&place) else {
            return Err(reader.obstacle(format!("it was seen to reach `{place}`"), place.as_str()));
        };
        if file.reach == Reach::Changed {
            return Err(changed(reader, &place));
        }
        if file.reach == Reach::Listed {
            let reason = format!("it was seen to read the names in `{place}`, so every file in there may matter");
            return Err(reader.obstacle(reason, place.as_str()));
        }
        if !file.is_directory {
            reader.need(&path, false, &place, &mut crossing)?;
        }
    }
    crossing.manifests.sort();
    crossing.manifests.dedup();
    let before: Vec<Needed> = ahead.iter().chain(&crossing.manifests).cloned().collect();
    for directory in brought(reader, seen).filter(|file| file.is_directory) {
        let place = place_of(directory);
        if !stands_without(reader.carried, reader.id, &place, &before) {
            let reason = format!("it was seen to look for the directory `{place}`, which the copy creates");
            return Err(reader.obstacle(reason, place.as_str()));
        }
    }
    crossing.caveats.push(Caveat::Seen {
        reason: "what it reads was seen in one build of this commit, which is evidence and no proof for others"
            .to_owned(),
    });
    Ok(crossing)
}

/// Whether the trace agrees with what is claimed: `ahead` is all that the step is said to need of the copy.
pub(super) fn check(reader: &Reader<'_>, seen: &Observation, ahead: &[Needed]) -> Result<(), Obstacle> {
    for file in brought(reader, seen) {
        let place = place_of(file);
        if file.reach == Reach::Changed {
            return Err(changed(reader, &place));
        }
        let is_said = ahead
            .iter()
            .any(|needed| needed.place == place || needed.directory && place.below(&needed.place).is_some());
        if file.reach == Reach::Read && !is_said && !is_there(reader, &place) {
            let reason = format!("it was seen to read `{place}`, which nothing says of it");
            return Err(reader.obstacle(reason, place.as_str()));
        }
    }
    Ok(())
}

/// What it reached of what the copy brings.
fn brought<'a>(reader: &Reader<'a>, seen: &'a Observation) -> impl Iterator<Item = &'a ObservedFile> {
    let carried = reader.carried;
    seen.files.iter().filter(move |file| carried.brings(&place_of(file)) != Bring::Nothing)
}

fn is_there(reader: &Reader<'_>, place: &StagePath) -> bool {
    match reader.carried.brings(place) {
        Bring::File(path) => reader.carried.is_there_already(&path, place),
        _ => false,
    }
}

fn changed(reader: &Reader<'_>, place: &StagePath) -> Obstacle {
    reader.obstacle(format!("it was seen to change `{place}`, which is copied before it"), place.as_str())
}

fn place_of(file: &ObservedFile) -> StagePath {
    StagePath::root().join(file.place.trim_start_matches('/'))
}
