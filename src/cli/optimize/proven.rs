//! Plans that are proven: what the proof does not hold for is left out, one move after the other.

use std::collections::BTreeSet;

use super::super::failure::Failure;
use super::super::terminal;
use super::super::verify::{Bench, Work, remember};
use crate::analysis::{self, OptimizeRequest, Planned};
use crate::optimize::Applied;

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
    loop {
        let opened = work.opened;
        let planned = analysis::optimize_without(&opened.project, &opened.source, request, &without);
        let mut planned = planned.map_err(|error| Failure::build(&opened.name, error))?;
        if !planned.plan.changes() {
            let verdict = Some("nothing is left to prove".to_owned()).filter(|_| !dropped.is_empty());
            return Ok(Proven { planned, verdict, dropped });
        }
        let bench = match &bench {
            Some(bench) => bench,
            None => bench.insert(Bench::new(work)?),
        };
        let found = bench.verified(&planned.plan.draft)?;
        if found.is_proven() {
            remember(&work, &planned.plan.draft, &found.proof)?;
            return Ok(Proven { planned, verdict: Some(found.in_words()), dropped });
        }
        let plan = &mut planned.plan;
        let mut moves = std::mem::take(&mut plan.applied).into_iter().rev();
        let Some(first) = moves.next().filter(|found| !without.contains(&found.key)) else {
            plan.draft = work.original();
            plan.after = plan.before;
            return Ok(Proven { planned, verdict: Some(found.in_words()), dropped });
        };
        let left_out = moves.fold(first, |least, next| if next.safety < least.safety { next } else { least });
        terminal::note(&format!("verify: {}; trying without: {}", found.in_words(), left_out.title));
        without.insert(left_out.key.clone());
        dropped.push(Dropped { applied: left_out, reason: found.in_words() });
    }
}
