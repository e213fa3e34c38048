//! Trying moves: a run of all that are possible, and which of them the file can do without.

use std::{cell::RefCell, collections::BTreeSet, collections::HashMap, rc::Rc};

use super::{
    draft::{Draft, Surroundings},
    origin::Origins,
    plan::{Applied, LEAST_GAIN, pays},
};
use crate::{
    cache::{ENOUGH_COMMITS, Expectation},
    diagnostic::Safety,
    model::Build,
    rewrite::{self, Move, MoveKind},
};

/// Moves after which a run ends in any case. Each move carries a copy or a declaration down, so files of an ordinary
/// size end long before.
const MOST_MOVES: usize = 60;

/// Up to so many moves, each is left out once to see whether the plan is as good without it. Of a longer run only those are
/// tried that saved nothing when they were made: the time grows with the third power of their number.
const FEW_MOVES: usize = 12;

/// What is asked for, and what is left out.
pub(super) struct Asked<'a> {
    pub(super) draft: &'a Draft,
    pub(super) surroundings: Surroundings<'a>,
    pub(super) wanted: Safety,
    pub(super) without: &'a BTreeSet<String>,
    /// Whether anybody still waits for the plan; once it says no, it says no for ever.
    pub(super) goes_on: &'a dyn Fn() -> bool,
    pub(super) known: Known,
}

/// Moves with their names.
type Named = Rc<Vec<(String, Move)>>;

/// What was found out about drafts: runs of moves that differ in one have most of their drafts in common.
#[derive(Default)]
pub(super) struct Known {
    moves: RefCell<HashMap<Draft, Named>>,
    expectations: RefCell<HashMap<Draft, Expectation>>,
}

impl Asked<'_> {
    /// The expected rebuild cost of a draft.
    pub(super) fn expectation(&self, draft: &Draft) -> Expectation {
        if let Some(known) = self.known.expectations.borrow().get(draft) {
            return *known;
        }
        let found = draft.expectation(&self.surroundings);
        self.known.expectations.borrow_mut().insert(draft.clone(), found);
        found
    }

    /// The moves on a draft that promise enough, with their names, in the order of the file; cache mounts come after all
    /// others.
    fn moves(&self, draft: &Draft) -> Named {
        if let Some(known) = self.known.moves.borrow().get(draft) {
            return Rc::clone(known);
        }
        let found = draft.with_build(&self.surroundings, |build| {
            // A cache mount is never safe by itself.
            let mounts = self.wanted < Safety::Safe;
            let mounts = mounts.then(|| rewrite::cache_mounts(build, self.surroundings.profile.builder));
            let moves = rewrite::survey(build).moves.into_iter().chain(mounts.into_iter().flatten());
            let fitting = moves.filter(|found| found.safety >= self.wanted && self.is_grounded(found));
            fitting.filter_map(|found| Some((key(build, &found)?, found))).collect::<Vec<_>>()
        });
        let found = Rc::new(found);
        self.known.moves.borrow_mut().insert(draft.clone(), Rc::clone(&found));
        found
    }

    /// Whether there is enough history for a move that only history can argue for.
    fn is_grounded(&self, found: &Move) -> bool {
        let commits = self.surroundings.history.map_or(0, |history| history.commits.len());
        !found.needs_history || commits >= ENOUGH_COMMITS
    }
}

/// What a run of moves leaves.
pub(super) struct Outcome {
    pub(super) draft: Draft,
    /// Of the lines of the draft.
    pub(super) origins: Origins,
    pub(super) applied: Vec<Made>,
}

/// A move that a run made.
pub(super) struct Made {
    /// Its name.
    pub(super) key: String,
    pub(super) applied: Applied,
    /// What it was made on.
    before: Draft,
}

impl Outcome {
    pub(super) fn unchanged(draft: &Draft) -> Self {
        Self { draft: draft.clone(), origins: Origins::of(&draft.dockerfile), applied: Vec::new() }
    }

    /// The same, to apply further moves to.
    pub(super) fn next(&self) -> Self {
        Self { draft: self.draft.clone(), origins: self.origins.clone(), applied: Vec::new() }
    }

    /// Goes on with what a move makes of the draft.
    pub(super) fn apply(&mut self, key: String, found: Move, draft: Draft) {
        let origins = self.origins.after(&self.draft.dockerfile, &found.edit);
        let applied = self.describe(found);
        let before = std::mem::replace(&mut self.draft, draft);
        self.applied.push(Made { key, applied, before });
        self.origins = origins;
    }

    /// Goes on with a change that is no edit of the Dockerfile.
    pub(super) fn add(&mut self, applied: Applied) {
        let key = applied.kind.name().to_owned();
        self.applied.push(Made { key, applied, before: self.draft.clone() });
    }

    /// A move with the lines that its instructions have in the original, as far as they stand there.
    pub(super) fn describe(&self, found: Move) -> Applied {
        Applied {
            kind: found.kind,
            safety: found.safety,
            title: found.title,
            argument: found.argument,
            lines: found.lines.iter().filter_map(|line| self.origins.line(*line)).collect(),
            key: String::new(),
        }
    }

    /// Names of the moves that the run may do without, the last first: later moves rest on earlier ones.
    fn doubtful(&self, request: &Asked<'_>) -> Vec<String> {
        let all = self.applied.len() <= FEW_MOVES;
        let mut after = self.draft.clone();
        let mut keys = Vec::new();
        for made in self.applied.iter().rev() {
            if !(request.goes_on)() {
                break;
            }
            let saves = || request.expectation(&made.before).mean - request.expectation(&after).mean;
            if all || saves() < LEAST_GAIN {
                keys.push(made.key.clone());
            }
            after = made.before.clone();
        }
        keys.dedup();
        keys
    }
}

/// The moves that pay on a draft that costs `before`, and what it costs after them; `None` where they do not pay. A move
/// that another one stands in the way of may be left for the next round.
pub(super) fn improve(request: &Asked<'_>, from: &Outcome, before: Expectation) -> Option<(Outcome, Expectation)> {
    let mut banned = request.without.clone();
    let mut outcome = apply_moves(request, from, &banned);
    let mut after = request.expectation(&outcome.draft);
    for key in outcome.doubtful(request) {
        if !(request.goes_on)() {
            break;
        }
        let mut without = banned.clone();
        without.insert(key);
        let smaller = apply_moves(request, from, &without);
        let cost = request.expectation(&smaller.draft);
        if cost.mean <= after.mean + LEAST_GAIN {
            (banned, outcome, after) = (without, smaller, cost);
        }
    }
    (pays(before, after) && outcome.draft != from.draft).then_some((outcome, after))
}

/// Applies every move that promises enough and is not banned, one after another.
fn apply_moves(request: &Asked<'_>, from: &Outcome, banned: &BTreeSet<String>) -> Outcome {
    let mut outcome = from.next();
    let shape = outcome.draft.shape();
    let mut refused: BTreeSet<String> = banned.clone();
    while outcome.applied.len() < MOST_MOVES && (request.goes_on)() {
        let moves = request.moves(&outcome.draft);
        let Some((key, found)) = next_of(&moves, &refused) else { break };
        let draft = carry_out(&outcome.draft, found);
        if draft.shape() != shape || draft == outcome.draft {
            refused.insert(key.clone());
            continue;
        }
        outcome.apply(key.clone(), found.clone(), draft);
    }
    outcome
}

/// The first move that is not refused. Of copies that land below the same step, the last goes first: each lands right below
/// the step, so that they keep their order.
fn next_of<'m>(moves: &'m [(String, Move)], refused: &BTreeSet<String>) -> Option<&'m (String, Move)> {
    let mut open = moves.iter().filter(|(key, _)| !refused.contains(key));
    let first = open.next()?;
    let lands = |found: &Move| {
        matches!(found.kind, MoveKind::SinkCopy | MoveKind::CopyManifestsFirst).then(|| found.lines.last().copied())
    };
    let place = lands(&first.1);
    open.rfind(|(_, found)| place.is_some() && lands(found) == place).or(Some(first))
}

/// A name for a move that stays the same while other moves change the file: what it does to which instruction.
fn key(build: &Build<'_>, found: &Move) -> Option<String> {
    let line = *found.lines.first()?;
    let instruction = build.inputs.file.instructions().iter().find(|instruction| instruction.lines.0 == line)?;
    let text = instruction.range.of(build.inputs.file.source());
    let stage = build.stages.iter().rposition(|stage| build.inputs.file.instructions()[stage.from].lines.0 <= line);
    Some(format!("{} {stage:?} {text}", found.kind.name()))
}

/// What a move makes of a draft.
pub(super) fn carry_out(draft: &Draft, found: &Move) -> Draft {
    let ignore = if found.ignore.is_empty() {
        draft.ignore.clone()
    } else {
        Some(rewrite::ignoring(draft.ignore.as_deref(), &draft.ignore_path, &found.ignore))
    };
    Draft { dockerfile: found.edit.apply(&draft.dockerfile), ignore, ignore_path: draft.ignore_path.clone() }
}
