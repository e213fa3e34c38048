//! Variables by which files that a copy brings may change what a command does.

use super::{
    carried::{Bring, Carried},
    crossing::{Crossing, Needed, Obstacle},
};
use crate::model::{KnownCommand, StagePath, StepId};

/// A search path in the environment, or a variable that the command's pack says it reads, may point to what is copied.
///
/// # Errors
/// The variable that does.
pub(super) fn environment_obstacle(
    carried: &Carried<'_>,
    id: StepId,
    command: &KnownCommand,
    crossing: &mut Crossing,
) -> Result<(), Obstacle> {
    let state = &carried.build.step(id).before;
    let set = state.variables().filter_map(|(name, variable)| Some((name.to_owned(), variable.value.clone()?)));
    let assigned = command
        .command
        .assignments
        .iter()
        .map(|given| (given.name.clone(), given.value.literal().unwrap_or_default().to_owned()));
    for (name, value) in set.chain(assigned) {
        let is_search_path = name == "PATH";
        if !is_search_path && !command.known.reads_variable(&name) {
            continue;
        }
        for entry in value.split(':').filter(|entry| entry.starts_with('/')) {
            let place = StagePath::root().join(entry);
            let obstacle = || {
                Obstacle::new(
                    id,
                    format!("`{name}` points to `{entry}`, which is copied before it"),
                    format!("{name}={value}"),
                )
            };
            match carried.brings(&place) {
                Bring::Nothing => {}
                Bring::Directory(directory) if is_search_path => {
                    if holds_program(carried, &directory, command) {
                        return Err(obstacle());
                    }
                }
                Bring::File(path) if !is_search_path && !carried.transfer.varies => {
                    crossing.manifests.push(Needed { path, directory: false, place });
                }
                _ => return Err(obstacle()),
            }
        }
    }
    Ok(())
}

/// Whether a context directory on the search path holds a program of the command's name.
fn holds_program(carried: &Carried<'_>, directory: &str, command: &KnownCommand) -> bool {
    let Some((context, _)) = carried.placement() else { return true };
    let programs = command.command.program().into_iter().chain(command.command.prefixes.iter().map(String::as_str));
    programs.into_iter().any(|program| {
        let path = if directory.is_empty() { program.to_owned() } else { format!("{directory}/{program}") };
        context.entry(&path).is_some()
    })
}
