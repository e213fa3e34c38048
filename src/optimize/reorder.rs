//! The best order of the steps of a draft.

use super::draft::{Draft, Surroundings};
use crate::{
    diagnostic::Safety,
    rewrite::{Move, Weights, reorder},
};

/// Better orders of the stages of a draft, by moves that promise as much as is wanted.
pub(super) fn reorderings(draft: &Draft, surroundings: &Surroundings<'_>, wanted: Safety) -> Vec<Move> {
    draft.with_build(surroundings, |build| {
        let target = build.target(surroundings.target).unwrap_or_default();
        let weights = Weights { profile: surroundings.profile, history: surroundings.history, target };
        let found = reorder(build, &weights, wanted).into_iter().map(|found| found.change);
        found.filter(|change| change.safety >= wanted).collect()
    })
}
