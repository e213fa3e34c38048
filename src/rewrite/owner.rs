//! Owners of what is copied: a name is looked up in the image at the time of the copy.

use super::{
    carried::{Bring, Carried, overlaps},
    crossing::Obstacle,
};
use crate::{
    ecosystem::{Access, user_files},
    model::{Run, StagePath, StepId, Transfer},
};

/// The owner that a copy names, where it is looked up in the image.
pub(super) fn named_owner<'a>(carried: &Carried<'a>) -> Option<&'a str> {
    let owner = carried.instruction.flag_value("chown")?;
    (!owner.chars().all(|letter| letter.is_ascii_digit() || letter == ':')).then_some(owner)
}

/// A `RUN` may give the owner another number.
///
/// # Errors
/// The command that may do so, or the file that the step writes.
pub(super) fn check_owner(carried: &Carried<'_>, id: StepId, run: &Run) -> Result<(), Obstacle> {
    let Some(owner) = named_owner(carried) else { return Ok(()) };
    let reason = |what: &str| format!("{what} may change who `{owner}` is, to whom the copy gives its files");
    if let Some(command) = run.commands.iter().find(|command| command.known.spec().changes_users) {
        let title = &command.known.title;
        return Err(Obstacle::new(id, reason(&format!("`{title}`")), title.clone()));
    }
    let written = |file: &&str| {
        let place = StagePath::root().join(file);
        let mut changes = run.commands.iter().flat_map(|command| &command.accesses);
        changes.any(|access| {
            let path = if access.pattern { &access.path.parent() } else { &access.path };
            access.access != Access::Read && overlaps(path, &place)
        })
    };
    match user_files().find(written) {
        Some(file) => Err(Obstacle::new(id, reason("the step"), file)),
        None => Ok(()),
    }
}

/// Another copy may bring a file that says who the owner is.
///
/// # Errors
/// That file.
pub(super) fn check_owner_beside(carried: &Carried<'_>, id: StepId, other: &Transfer) -> Result<(), Obstacle> {
    let Some(owner) = named_owner(carried) else { return Ok(()) };
    let copy = Carried::new(carried.build, id);
    let brings = |place: &StagePath| match &copy {
        Some(copy) => copy.brings(place) != Bring::Nothing,
        None => other.destination.as_ref().is_none_or(|destination| destination.may_overlap(place)),
    };
    match user_files().find(|file| brings(&StagePath::root().join(file))) {
        Some(file) => {
            let reason =
                format!("it may bring `{file}`, which says who `{owner}` is, to whom the copy gives its files");
            Err(Obstacle::new(id, reason, file))
        }
        None => Ok(()),
    }
}
