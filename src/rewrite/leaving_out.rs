//! Leaving a directory out of the build context: which other step would miss it.

use super::{carried::Carried, ignore_lines::is_emptied_next};
use crate::{
    context::{Selector, path},
    model::{Action, Build, StepId, Transfer},
};

/// The first step but the carried copy to which a path of the context makes a difference. A copy that takes it among
/// others does not count where `is_untracked` (no clean checkout has it), nor where its stage empties it before anything
/// uses it.
pub(super) fn missed_by(carried: &Carried<'_>, path: &str, is_untracked: bool) -> Option<StepId> {
    let build = carried.build;
    let misses =
        |(id, action): (StepId, &Action)| match action {
            Action::Transfer(transfer) if id != carried.id => {
                names(transfer, path) || !is_untracked && takes(build, id, transfer, path)
            }
            Action::Run(run) => run.mounts.iter().filter_map(|mount| mount.context.as_deref()).any(|source| {
                path::below(source, path).is_some() || !is_untracked && path::below(path, source).is_some()
            }),
            _ => false,
        };
    build.steps().map(|(id, step)| (id, &step.action)).find(|step| misses(*step)).map(|(id, _)| id)
}

/// Whether a source of the copy is the path or lies below it.
fn names(transfer: &Transfer, path: &str) -> bool {
    let mut sources = transfer.selector.iter().flat_map(Selector::sources);
    let mut roots = transfer.placement.iter().flat_map(|placement| &placement.roots);
    let is_within = |source: &str| path::below(source.trim_start_matches("./").trim_matches('/'), path).is_some();
    sources.any(is_within) || roots.any(|root| path::below(&root.context, path).is_some())
}

fn takes(build: &Build<'_>, id: StepId, transfer: &Transfer, path: &str) -> bool {
    let lands = transfer.placement.as_ref().is_none_or(|placement| placement.landing(path).is_some());
    lands && transfer.selects(path) && !is_emptied_next(build, id, path)
}
