//! The best order of the steps of a draft.

use super::draft::{Draft, Surroundings};
use crate::{
    cache::{Costs, Events},
    diagnostic::Safety,
    rewrite::{Exchanges, Move, Weights, may_reorder, reorder},
};

/// Better orders of the stages of a draft, by moves that promise as much as is wanted.
pub(super) fn reorderings(draft: &Draft, surroundings: &Surroundings<'_>, wanted: Safety) -> Vec<Move> {
    draft.with_build(surroundings, |build| {
        let target = build.target(surroundings.target).unwrap_or_default();
        let exchanges = Exchanges::new(build);
        if !may_reorder(build, &exchanges, target, wanted) {
            return Vec::new();
        }
        let Surroundings { profile, history, .. } = *surroundings;
        let (events, costs) = (Events::of_history(build, profile, history), Costs::of_classes(build));
        let weights = Weights { profile, history, events: &events, costs: &costs, target };
        let found = reorder(build, &weights, &exchanges, wanted).into_iter().map(|found| found.change);
        found.filter(|change| change.safety >= wanted).collect()
    })
}
