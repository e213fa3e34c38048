//! Whether a copy may move below another copy: no file of one may land on a file of the other.

use super::{
    carried::{Bring, Carried},
    crossing::Obstacle,
    links::link_above,
    owner::check_owner_beside,
};
use crate::model::{Root, StepId, Transfer};

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
    let clash = placement.roots.iter().find(|root| !is_apart(carried, root, same_flags));
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

fn same_flags(carried: &Carried<'_>, id: StepId) -> bool {
    let other = carried.build.instruction(id);
    ["chown", "chmod", "exclude", "parents"]
        .iter()
        .all(|flag| carried.instruction.flag_value(flag) == other.flag_value(flag))
}
