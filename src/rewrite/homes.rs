//! Homes that a copy fills: programs look for the settings of their user there.

use super::{
    carried::{Bring, Carried},
    crossing::{Needed, Obstacle},
};
use crate::{
    ecosystem::Access,
    model::{KnownCommand, StagePath, StepId},
};

/// Settings of a command that a copy brings to the home of its user, or to what may be it: they must be copied before it.
///
/// # Errors
/// Settings of which nobody knows whether the copy brings them.
pub(super) fn settings_in_homes(
    carried: &Carried<'_>,
    id: StepId,
    command: &KnownCommand,
) -> Result<Vec<Needed>, Obstacle> {
    let names: Vec<&str> = command.known.pack.settings.iter().filter_map(|path| path.strip_prefix("~/")).collect();
    let homes = if names.is_empty() { Vec::new() } else { homes(carried, id) };
    let places = homes.iter().flat_map(|home| names.iter().map(|name| home.join(&format!("./{name}"))));
    let mut needed = Vec::new();
    for place in places {
        match carried.brings(&place) {
            Bring::Nothing => {}
            Bring::File(path) => needed.push(Needed { path, directory: false, place }),
            Bring::Directory(path) => needed.push(Needed { path, directory: true, place }),
            _ => {
                let reason =
                    format!("`{}` may find settings in `{place}`, which is copied before it", command.known.title);
                return Err(Obstacle::new(id, reason, place.as_str()));
            }
        }
    }
    Ok(needed)
}

/// The home that is known, and those that the steps before give to users, where one of these may run the step. What `HOME`
/// names is told by the variable.
fn homes(carried: &Carried<'_>, id: StepId) -> Vec<StagePath> {
    let build = carried.build;
    let state = &build.step(id).before;
    if state.variable("HOME").is_some() {
        return Vec::new();
    }
    let known = state.home().map(|home| StagePath::root().join(&home));
    let runs = build.ids_to(id).filter(|_| state.user.is_some()).filter_map(|other| build.step(other).run());
    let makers = runs.flat_map(|run| &run.commands).filter(|command| command.known.spec().makes_homes);
    let written = makers.flat_map(|command| &command.accesses).filter(|access| access.access == Access::Write);
    known.into_iter().chain(written.map(|access| access.path.clone())).collect()
}
