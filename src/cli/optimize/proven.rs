//! Plans that are proven: what the proof does not hold for is left out, one move after the other.

use std::collections::BTreeSet;

use super::super::failure::Failure;
use super::super::terminal;
use super::super::verify::{Bench, Candidate, Work, remember};
use crate::analysis::{self, OptimizeRequest, Planned};
use crate::ecosystem::Observed;
use crate::optimize::Applied;
use crate::rewrite::MoveKind;

/// A plan, and what verification has said of it.
pub(super) struct Proven {
    pub(super) planned: Planned,
    /// The verdict in words; `None` where nothing was built.
    pub(super) verdict: Option<String>,
    /// Moves that were left out.
    pub(super) dropped: Vec<Dropped>,
}

/// A move with which the proof failed.
pub(super) struct Dropped {
    pub(super) applied: Applied,
    /// What the builds have shown.
    pub(super) reason: String,
}

impl Proven {
    /// A plan as it is.
    pub(super) fn unverified(planned: Planned) -> Self {
        Self { planned, verdict: None, dropped: Vec::new() }
    }
}

/// The largest plan that is proven, as far as leaving out moves one by one finds it: those that promise least first, then
/// the last, as later moves rest on earlier ones.
pub(super) fn proven(work: Work<'_>, request: &OptimizeRequest<'_>) -> Result<Proven, Failure> {
    let mut without = BTreeSet::new();
    let mut dropped = Vec::new();
    let mut bench = None;
    let catalog;
    let mut request = *request;
    if work.trace {
        let steps = bench.insert(Bench::new(work)?).observed();
        catalog = request.catalog.clone().with_observed(Observed::new(steps));
        request.catalog = &catalog;
    }
    loop {
        let opened = work.opened;
        let planned = analysis::optimize_without(&opened.project, &opened.source, &request, &without);
        let mut planned = planned.map_err(|error| Failure::build(&opened.name, error))?;
        if !planned.plan.changes() {
            let verdict = Some("nothing is left to prove".to_owned()).filter(|_| !dropped.is_empty());
            return Ok(Proven { planned, verdict, dropped });
        }
        let bench = match &bench {
            Some(bench) => bench,
            None => bench.insert(Bench::new(work)?),
        };
        let found = bench.verified(&Candidate::of_plan(&planned.plan))?;
        let is_seen = |applied: &Applied| applied.kind == MoveKind::CopySeenFirst;
        // What was seen in one commit alone is not enough.
        let lacks_replay = planned.plan.applied.iter().any(is_seen) && found.replayed() == 0;
        if found.is_proven() && !lacks_replay {
            remember(&work, &planned.plan.draft, &found.proof)?;
            return Ok(Proven { planned, verdict: Some(found.in_words()), dropped });
        }
        let reason = if lacks_replay && found.is_proven() {
            "nothing was replayed, and what was seen in one build needs it".to_owned()
        } else {
            found.in_words()
        };
        let plan = &mut planned.plan;
        let applied = std::mem::take(&mut plan.applied);
        let mut moves = applied.into_iter().filter(|applied| !found.is_proven() || is_seen(applied)).rev();
        let Some(first) = moves.next().filter(|found| !without.contains(&found.key)) else {
            plan.draft = work.original();
            plan.after = plan.before;
            return Ok(Proven { planned, verdict: Some(reason), dropped });
        };
        let left_out = moves.fold(first, |least, next| if next.safety < least.safety { next } else { least });
        terminal::note(&format!("verify: {reason}; trying without: {}", left_out.title));
        without.insert(left_out.key.clone());
        dropped.push(Dropped { applied: left_out, reason });
    }
}
