//! Choosing moves: apply what pays, leave out what does not, and say what was refused.

use std::collections::BTreeSet;

use super::{
    draft::{Draft, Surroundings},
    reorder::reorderings,
    trial::{Asked, Known, Outcome, carry_out, improve},
};
use crate::{
    cache::Expectation,
    diagnostic::Safety,
    model::Build,
    rewrite::{self, Move, MoveKind, Survey, WholeCopies},
};

/// Rounds at most; each must save [`LEAST_SHARE`] of what is left.
const MOST_ROUNDS: usize = 16;

/// Seconds of expected rebuild cost that one move must save.
pub(super) const LEAST_GAIN: f64 = 0.3;

/// Share of the expected rebuild cost that a plan must save.
const LEAST_SHARE: f64 = 0.02;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The texts to begin with.
    pub draft: &'a Draft,
    /// What stays the same.
    pub surroundings: Surroundings<'a>,
    /// Moves that promise less are offered, not applied.
    pub wanted: Safety,
}

/// A move that a plan applies.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// What it does.
    pub kind: MoveKind,
    /// What it promises.
    pub safety: Safety,
    /// In the imperative.
    pub title: String,
    /// Why the promise holds.
    pub argument: String,
    /// Lines of the original file.
    pub lines: Vec<usize>,
    /// What it does to which instruction: a name that stays the same while other moves change the file.
    pub key: String,
}

/// A step that stays where it is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// First line of the step.
    pub line: usize,
    /// As a phrase.
    pub reason: String,
    /// What shows it.
    pub evidence: String,
}

/// What is to be done with a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The texts afterwards.
    pub draft: Draft,
    /// What was applied, in order.
    pub applied: Vec<Applied>,
    /// What would be possible, but promises too little.
    pub offered: Vec<Applied>,
    /// What cannot be done.
    pub refusals: Vec<Refusal>,
    /// The expected rebuild cost of the original.
    pub before: Expectation,
    /// The expected rebuild cost afterwards.
    pub after: Expectation,
}

impl Plan {
    /// Whether the plan changes a file.
    pub fn changes(&self) -> bool {
        !self.applied.is_empty()
    }
}

/// Plans a file.
pub fn plan(request: &Request<'_>) -> Plan {
    plan_without(request, &BTreeSet::new())
}

/// Plans a file without some moves, which are named by [`Applied::key`].
pub fn plan_without(request: &Request<'_>, without: &BTreeSet<String>) -> Plan {
    let Request { draft, surroundings, wanted } = *request;
    planned(&Asked { draft, surroundings, wanted, without, goes_on: &|| true, known: Known::default() })
}

/// Plans a file as long as `goes_on` says that anybody waits for it; `None` where nobody did in the end. Once it has said no,
/// it must not say yes again.
pub fn plan_while(request: &Request<'_>, goes_on: &dyn Fn() -> bool) -> Option<Plan> {
    let Request { draft, surroundings, wanted } = *request;
    let plan =
        planned(&Asked { draft, surroundings, wanted, without: &BTreeSet::new(), goes_on, known: Known::default() });
    // What was cut short is no plan.
    goes_on().then_some(plan)
}

fn planned(request: &Asked<'_>) -> Plan {
    let before = request.expectation(request.draft);
    let mut outcome = Outcome::unchanged(request.draft);
    let mut after = before;
    for _ in 0..MOST_ROUNDS {
        if !(request.goes_on)() {
            break;
        }
        let improved = improve(request, &outcome, after);
        let Some((next, cost)) = improved.or_else(|| put_in_order(request, &outcome, after)) else { break };
        outcome.draft = next.draft;
        outcome.origins = next.origins;
        outcome.applied.extend(next.applied);
        after = cost;
    }
    write_first_ignore_file(request, &mut outcome);
    let after = split(request, &mut outcome).unwrap_or(after);
    finish(request, outcome, before, after)
}

/// Splits the one stage, where that is wanted: it makes the image smaller, not the build faster. What it costs then.
fn split(request: &Asked<'_>, outcome: &mut Outcome) -> Option<Expectation> {
    let banned = request.without.contains(MoveKind::SplitStages.name());
    let found = split_move(request, outcome).filter(|found| found.safety >= request.wanted && !banned)?;
    let draft = carry_out(&outcome.draft, &found);
    if draft.shape().0 != outcome.draft.shape().0 {
        return None;
    }
    outcome.apply(MoveKind::SplitStages.name().to_owned(), found, draft);
    Some(request.expectation(&outcome.draft))
}

/// A build that asks for a stage asks for the one that there is.
fn split_move(request: &Asked<'_>, outcome: &Outcome) -> Option<Move> {
    let split = |build: &Build<'_>| rewrite::split_stages(build)?.ok();
    request.surroundings.target.is_none().then(|| outcome.draft.with_build(&request.surroundings, split)).flatten()
}

/// Whether what a change saves is worth the change.
pub(super) fn pays(before: Expectation, after: Expectation) -> bool {
    before.mean - after.mean >= LEAST_GAIN.max(before.mean * LEAST_SHARE)
}

/// The steps of one stage in the best order, where that pays.
fn put_in_order(request: &Asked<'_>, from: &Outcome, before: Expectation) -> Option<(Outcome, Expectation)> {
    if request.without.contains(MoveKind::ReorderSteps.name()) || !(request.goes_on)() {
        return None;
    }
    let draft = &from.draft;
    let shape = draft.shape();
    reorderings(draft, &request.surroundings, request.wanted).into_iter().find_map(|found| {
        let changed = carry_out(draft, &found);
        let after = request.expectation(&changed);
        (pays(before, after) && changed.shape() == shape).then(|| {
            let mut outcome = from.next();
            outcome.apply(found.kind.name().to_owned(), found, changed);
            (outcome, after)
        })
    })
}

/// Creates an ignore file where there is none and it changes no image today. A file that is in good order is left alone,
/// and so is the folder around it.
fn write_first_ignore_file(request: &Asked<'_>, outcome: &mut Outcome) {
    let banned = request.without.contains(MoveKind::WriteDockerignore.name());
    if banned || request.draft.ignore.is_some() || outcome.applied.is_empty() {
        return;
    }
    let lines = outcome.draft.with_build(&request.surroundings, |build| {
        WholeCopies::find(build).map(|copies| rewrite::first_lines(&copies)).unwrap_or_default()
    });
    let fresh: Vec<String> = lines.into_iter().filter(|line| line.keeps_image).map(|line| line.pattern).collect();
    if fresh.is_empty() {
        return;
    }
    // What the moves have written so far stays, but for what the new lines leave out as well.
    let standing = outcome.draft.ignore.take().unwrap_or_default();
    let own = |line: &&str| *line != rewrite::escaped(&request.draft.ignore_path);
    let needed = |line: &&str| !fresh.iter().any(|pattern| rewrite::leaves_out(pattern, line));
    let kept: Vec<String> = standing.lines().filter(own).filter(needed).map(str::to_owned).collect();
    outcome.draft.ignore = Some(rewrite::extended(None, &request.draft.ignore_path, &[kept, fresh.clone()].concat()));
    let named = fresh.iter().map(|pattern| format!("`{pattern}`")).collect::<Vec<_>>().join(", ");
    let applied = Applied {
        kind: MoveKind::WriteDockerignore,
        safety: Safety::Safe,
        title: format!("Create `{}` with {named}", request.draft.ignore_path),
        argument:
            "the build makes what these match, or none of it stands in the build context today, so the image stays the \
             same; once it does, it is not copied over what the build makes"
                .to_owned(),
        lines: Vec::new(),
        key: String::new(),
    };
    outcome.add(applied);
}

fn finish(request: &Asked<'_>, outcome: Outcome, before: Expectation, after: Expectation) -> Plan {
    if !(request.goes_on)() {
        return Plan { draft: outcome.draft, applied: vec![], offered: vec![], refusals: vec![], before, after };
    }
    let Survey { moves, refusals } = outcome.draft.with_build(&request.surroundings, rewrite::survey);
    let moves = moves.into_iter().chain(split_move(request, &outcome));
    // Cache mounts are not among them: they would be offered for nearly every file; whoever wants them asks for them.
    let offered = moves.filter(|found| found.safety < request.wanted && !found.needs_history);
    let orders = reorderings(&outcome.draft, &request.surroundings, Safety::Unsafe).into_iter().filter(|found| {
        let cost = request.expectation(&carry_out(&outcome.draft, found));
        found.safety < request.wanted && pays(after, cost)
    });
    let offered = offered.chain(orders).map(|found| outcome.describe(found)).collect();
    let refusals = outcome.draft.with_build(&request.surroundings, |build| {
        let line = |id| outcome.origins.nearest(build.instruction(id).lines.0);
        let told = refusals.into_iter().map(|refused| Refusal {
            line: line(refused.step),
            reason: match refused.kept_by {
                Some(id) => format!("the step on line {} keeps the copy above both: {}", line(id), refused.reason),
                None => refused.reason,
            },
            evidence: refused.evidence,
        });
        told.collect()
    });
    let applied = outcome.applied.into_iter().map(|made| Applied { key: made.key, ..made.applied }).collect();
    Plan { draft: outcome.draft, applied, offered, refusals, before, after }
}
