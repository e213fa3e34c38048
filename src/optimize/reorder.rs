//! The best order of the steps of a draft.

use super::draft::{Draft, Surroundings};
use crate::{
    cache::{Costs, Events},
    diagnostic::Safety,
    rewrite::{Exchanges, Move, Weights, reorder},
};

/// Better orders of the stages of a draft, by moves that promise as much as is wanted.
pub(super) fn reorderings(draft: &Draft, surroundings: &Surroundings<'_>, wanted: Safety) -> Vec<Move> {
    draft.with_build(surroundings, |build| {
        let target = build.target(surroundings.target).unwrap_or_default();
        let exchanges = Exchanges::new(build);
        let Surroundings { profile, history, .. } = *surroundings;
        let (events, costs) = (Events::of_history(build, profile, history), Costs::new(build));
        let weights = Weights { profile, history, events: &events, costs: &costs, target };
        let found = reorder(build, &weights, &exchanges, wanted).into_iter().map(|found| found.change);
        found.filter(|change| change.safety >= wanted).collect()
    })
}
