//! A copy below which another one moves: no file of one may land on a file of the other, or it is the same file.

use super::{
    carried::{Bring, Carried},
    crossing::Obstacle,
    links::link_above,
    owner::check_owner_beside,
};
use crate::{
    model::{Root, StepId, Transfer},
    syntax::{Body, Instruction},
};

/// Whether `carried` may move below the copy at `id`.
///
/// # Errors
/// The place where both would write.
pub(super) fn cross_transfer(carried: &Carried<'_>, id: StepId, other: &Transfer) -> Result<(), Obstacle> {
    let Some(destination) = &other.destination else {
        return Err(Obstacle::new(id, "its destination depends on a variable that is not known", "COPY"));
    };
    if let Some(link) = link_above(carried.build, id, destination) {
        let reason = format!("it copies to `{destination}` through the link `{link}`");
        return Err(Obstacle::new(id, reason, destination.as_str()));
    }
    check_owner_beside(carried, id, other)?;
    let same_flags = same_flags(carried, id);
    let conflict = |place: &str| Obstacle::new(id, format!("both copies write `{place}`"), place.to_owned());
    let Some(placement) = &other.placement else {
        return match carried.brings(destination) {
            Bring::Nothing => Ok(()),
            _ => Err(conflict(destination.as_str())),
        };
    };
    let unseen = placement.absent.iter().find(|root| carried.brings(&root.landing) != Bring::Nothing);
    let clash = unseen.or_else(|| placement.roots.iter().find(|root| !is_apart(carried, root, same_flags)));
    clash.map_or(Ok(()), |root| Err(conflict(root.landing.as_str())))
}

/// Whether a root of the other copy and the carried copy write different places, or the same file to the same place.
fn is_apart(carried: &Carried<'_>, root: &Root, same_flags: bool) -> bool {
    match carried.brings(&root.landing) {
        Bring::Nothing => true,
        Bring::File(path) => same_flags && !root.directory && path == root.context,
        Bring::Directory(path) => root.directory && (same_flags && path == root.context || is_disjoint(carried, root)),
        Bring::Mixed => root.directory && is_disjoint(carried, root),
        Bring::Unknown => false,
    }
}

/// Whether nothing that the other directory holds is brought by the carried copy too.
fn is_disjoint(carried: &Carried<'_>, root: &Root) -> bool {
    let Some((context, _)) = carried.placement() else { return false };
    let entries = context.list(&root.context);
    entries.iter().all(|(name, _)| carried.brings(&root.landing.join(&format!("./{name}"))) == Bring::Nothing)
}

/// Whether another copy gives what it brings to the same owner with the same mode, and leaves out the same.
pub(super) fn same_flags(carried: &Carried<'_>, id: StepId) -> bool {
    let other = carried.build.instruction(id);
    ["chown", "chmod", "exclude", "parents"]
        .iter()
        .all(|flag| carried.instruction.flag_value(flag) == other.flag_value(flag))
}

/// Whether the copy at `id` brings all that `carried` brings to the same places, so that nobody misses `carried` above it.
pub(super) fn covers(carried: &Carried<'_>, id: StepId) -> bool {
    let Some(other) = Carried::new(carried.build, id) else { return false };
    let (Some((_, placement)), Some((_, wider))) = (carried.placement(), other.placement()) else { return false };
    let plain = |instruction: &Instruction| {
        matches!(instruction.body, Body::Copy(_))
            && ["exclude", "parents", "link"].iter().all(|flag| instruction.flag(flag).is_none())
    };
    let is_brought = |root: &Root| match other.brings(&root.landing) {
        Bring::File(path) => !root.directory && path == root.context,
        Bring::Directory(path) => root.directory && path == root.context,
        Bring::Nothing | Bring::Mixed | Bring::Unknown => false,
    };
    plain(carried.instruction)
        && plain(other.instruction)
        && same_flags(carried, id)
        && placement.is_certain()
        && wider.is_certain()
        && !placement.roots.is_empty()
        && placement.absent.is_empty()
        && placement.roots.iter().all(is_brought)
}
