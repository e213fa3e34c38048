//! The order of a stage's steps that costs the least, of all that keep what each step finds.

use std::cell::LazyCell;

use super::{
    commute::{Exchanges, Swap},
    moves::{Move, MoveKind, quoted},
    rearrange::rearrange,
};
use crate::{
    cache::{
        Costs, Dirt, Events, Expectation, Profile, Reason, Replay,
        order::{Job, MOST_JOBS, Order, Trigger, best_order},
        simulate,
    },
    context::History,
    diagnostic::Safety,
    model::{Action, Build, Inputs, Run, Step, StepId},
    syntax::{Dockerfile, Instruction},
};

/// A `RUN` that takes less, in seconds, is not worth a move.
const WORTH_MOVING: f64 = 1.0;

/// What an order is weighed by.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    /// The builder.
    pub profile: Profile,
    /// Changes of the project, where there are any.
    pub history: Option<&'a History>,
    /// What they dirty in the build as it is.
    pub events: &'a Events,
    /// What its steps take.
    pub costs: &'a Costs,
    /// The index of the stage to build.
    pub target: usize,
}

/// A better order of one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Reordering {
    /// The change of the file.
    pub change: Move,
    /// The first step that moves.
    pub moved: StepId,
    /// The expected rebuild cost of the build as it is.
    pub before: Expectation,
    /// That of the build with the new order.
    pub after: Expectation,
    /// Whether no allowed order costs less.
    pub exact: bool,
}

/// The better orders of the stages, one for each stage where there is one. With [`Safety::Safe`] only steps change places
/// that are proven to commute; else those too of which it may be so.
pub fn reorder(build: &Build<'_>, weights: &Weights<'_>, exchanges: &Exchanges, wanted: Safety) -> Vec<Reordering> {
    let stages = 0..build.stages.len();
    let found = stages.filter_map(|stage| StagePlan::new(build, weights, exchanges, stage)?.best(wanted));
    let before =
        LazyCell::new(|| Replay::new(build, weights.profile, weights.events, weights.costs, weights.target).expected);
    found.filter_map(|(plan, order)| plan.carry_out(&order, *before)).collect()
}

/// Whether there may be a better order, whatever the project's changes: a step that takes time could stand above one that
/// a change may dirty. Cheaper than [`reorder`], as it asks for no history.
pub fn may_reorder(build: &Build<'_>, exchanges: &Exchanges, target: usize, wanted: Safety) -> bool {
    let volatile = !build.volatile_arguments().is_empty();
    let needed = build.reachable(target);
    let changes = |step: &Step| match &step.action {
        Action::Transfer(_) => true,
        Action::Run(run) => volatile || !run.mounts.is_empty(),
        _ => false,
    };
    (0..build.stages.len()).filter(|stage| needed[*stage]).any(|stage| {
        let steps = &build.stages[stage].steps;
        let Some(first) = steps.iter().position(changes).filter(|_| steps.len() <= MOST_JOBS) else { return false };
        let dear = |step: &Step| step.run().is_some_and(|run| (run.cost.low * run.cost.high).sqrt() >= WORTH_MOVING);
        if !steps[first..].iter().any(dear) {
            return false;
        }
        let mut above: Vec<u128> = Vec::with_capacity(steps.len());
        steps.iter().zip(exchanges.of(build, stage)).enumerate().any(|(second, (step, swaps))| {
            let fixed = swaps.iter().enumerate().filter(|(_, swap)| is_fixed(swap, wanted));
            let set = fixed.fold(0, |set, (first, _)| set | 1 << first | above[first]);
            above.push(set);
            dear(step) && (0..second).any(|first| set >> first & 1 == 0 && changes(&steps[first]))
        })
    })
}

fn is_fixed(swap: &Swap, wanted: Safety) -> bool {
    match swap {
        Swap::Free(_) => false,
        Swap::Doubtful(_) => wanted == Safety::Safe,
        Swap::Fixed => true,
    }
}

/// What the steps of a stage cost, and which of them may change places.
struct StagePlan<'a> {
    build: &'a Build<'a>,
    weights: &'a Weights<'a>,
    stage: usize,
    seconds: Vec<f64>,
    triggers: Vec<Trigger>,
    /// By step, the earlier ones with what is known of changing places.
    swaps: &'a [Vec<Swap>],
}

impl<'a> StagePlan<'a> {
    /// `None` where no order can differ from another in what it costs.
    fn new(build: &'a Build<'a>, weights: &'a Weights<'a>, exchanges: &'a Exchanges, stage: usize) -> Option<Self> {
        let steps = &build.stages[stage].steps;
        let seconds: Vec<f64> = steps
            .iter()
            .map(|step| step.run().map_or(0.0, |_| weights.costs.of(step.instruction).expected()))
            .map(|seconds| if seconds < WORTH_MOVING { 0.0 } else { seconds })
            .collect();
        let movable = steps.len() <= MOST_JOBS && seconds.iter().filter(|seconds| **seconds > 0.0).count() > 0;
        if !movable || build.has_triggers(stage) || !build.reachable(weights.target)[stage] {
            return None;
        }
        let triggers = triggers(build, weights, stage);
        let first = triggers.iter().flat_map(|trigger| &trigger.dirt).min()?;
        // Steps above the first that ever changes are paid for by nobody.
        if seconds[*first..].iter().all(|seconds| *seconds <= 0.0) {
            return None;
        }
        Some(Self { build, weights, stage, seconds, triggers, swaps: exchanges.of(build, stage) })
    }

    /// The best order that is allowed, where it differs from the file's.
    fn best(self, wanted: Safety) -> Option<(Self, Order)> {
        let after = |row: &Vec<Swap>| (0..row.len()).filter(|first| is_fixed(&row[*first], wanted)).collect();
        let rows = self.seconds.iter().zip(self.swaps);
        let jobs: Vec<Job> = rows.map(|(seconds, row)| Job { seconds: *seconds, after: after(row) }).collect();
        let order = best_order(&jobs, &self.triggers)?;
        (order.seconds < order.before).then_some((self, order))
    }

    fn carry_out(&self, order: &Order, before: Expectation) -> Option<Reordering> {
        let file = self.build.inputs.file;
        let instructions: Vec<&Instruction> =
            self.ids(&(0..order.sequence.len()).collect::<Vec<_>>()).map(|id| self.build.instruction(id)).collect();
        let edit = rearrange(file, &instructions, &order.sequence)?;
        let text = edit.apply(file.source());
        let changed = Dockerfile::parse(&text);
        let build = Build::new(Inputs { file: &changed, ..self.build.inputs });
        if !self.means_the_same(&build, &order.sequence) {
            return None;
        }
        let events = Events::of_history(&build, self.weights.profile, self.weights.history);
        let costs = Costs::new(&build);
        let after = Replay::new(&build, self.weights.profile, &events, &costs, self.weights.target).expected;
        let moved = moved(&order.sequence);
        let first = *moved.first()?;
        let doubts = self.said(&order.sequence, |swap| match swap {
            Swap::Doubtful(reason) => Some(reason),
            _ => None,
        });
        let shown = self.said(&order.sequence, |swap| match swap {
            Swap::Free(reason) => reason.as_ref(),
            _ => None,
        });
        let change = Move {
            kind: MoveKind::ReorderSteps,
            safety: if doubts.is_empty() { Safety::Safe } else { Safety::Unsafe },
            title: self.title(&order.sequence, &moved),
            argument: argument(&doubts, &shown, order, before, after),
            lines: self.ids(&moved).map(|id| self.build.instruction(id).lines.0).collect(),
            edit,
            ignore: Vec::new(),
            needs_history: false,
        };
        let moved = StepId { stage: self.stage, step: first };
        Some(Reordering { change, moved, before, after, exact: order.exact })
    }

    fn ids(&self, steps: &[usize]) -> impl Iterator<Item = StepId> {
        let stage = self.stage;
        steps.iter().map(move |step| StepId { stage, step: *step })
    }

    /// Whether every step of the new file finds the same state, and reads and writes the same.
    fn means_the_same(&self, build: &Build<'_>, sequence: &[usize]) -> bool {
        let Some(stage) = build.stages.get(self.stage) else { return false };
        let old = &self.build.stages[self.stage];
        build.stages.len() == self.build.stages.len()
            && stage.steps.len() == old.steps.len()
            && stage.steps.iter().zip(sequence).all(|(step, index)| {
                let was = &old.steps[*index];
                step.before.directory == was.before.directory
                    && step.before.user == was.before.user
                    && match (&step.action, &was.action) {
                        (Action::Run(run), Action::Run(was)) => does_the_same(run, was),
                        (Action::Transfer(copy), Action::Transfer(was)) => {
                            let roots =
                                |copy: &crate::model::Transfer| copy.placement.clone().map(|placed| placed.roots);
                            copy.destination == was.destination && roots(copy) == roots(was)
                        }
                        _ => true,
                    }
            })
    }

    /// What is said of the pairs that change places, each thing once.
    fn said(&self, sequence: &[usize], what: impl Fn(&Swap) -> Option<&String>) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for (place, early) in sequence.iter().enumerate() {
            let passed = sequence[place..].iter().filter(|late| *late < early);
            let said = passed.filter_map(|late| what(&self.swaps[*early][*late]));
            for reason in said {
                if !found.contains(reason) {
                    found.push(reason.clone());
                }
            }
        }
        found
    }

    fn title(&self, sequence: &[usize], moved: &[usize]) -> String {
        let place = |step: &usize| sequence.iter().position(|other| other == step).unwrap_or_default();
        let names: Vec<String> = self.ids(moved).take(3).map(|id| quoted(self.build, id)).collect();
        let more = if moved.len() > names.len() { " and others" } else { "" };
        let first = moved.first().copied().unwrap_or_default();
        let is_up = place(&first) < first;
        let near = |step: &&usize| !moved.contains(step);
        let anchor = if is_up {
            sequence[place(&first)..].iter().find(near)
        } else {
            sequence[..place(&first)].iter().rfind(near)
        };
        let anchor = anchor.map_or_else(String::new, |step| {
            let id = StepId { stage: self.stage, step: *step };
            format!(" {} {}", if is_up { "above" } else { "below" }, quoted(self.build, id))
        });
        format!("Move {}{more}{anchor}", names.join(", "))
    }
}

fn does_the_same(run: &Run, was: &Run) -> bool {
    run.opaque.len() == was.opaque.len()
        && run.commands.len() == was.commands.len()
        && run.commands.iter().zip(&was.commands).all(|(command, was)| {
            command.closure == was.closure
                && command.accesses == was.accesses
                && command.directory == was.directory
                && command.known.title == was.known.title
        })
}

/// The events that begin within a stage, with the steps that they dirty of their own accord.
fn triggers(build: &Build<'_>, weights: &Weights<'_>, stage: usize) -> Vec<Trigger> {
    let mut known: std::collections::HashMap<&std::collections::BTreeSet<usize>, Vec<usize>> =
        std::collections::HashMap::new();
    let dirty_steps = |instructions: &std::collections::BTreeSet<usize>| {
        let mut dirt = Dirt::default();
        for instruction in instructions {
            dirt.add(*instruction, Reason::Class("event"));
        }
        let simulation = simulate(build, weights.profile, &dirt, weights.target);
        let outcomes = simulation.stages.get(stage).map(Vec::as_slice).unwrap_or_default();
        let starts_dirty = outcomes.iter().flat_map(|outcome| &outcome.reasons).any(|reason| match reason {
            Reason::BaseStage(_) => true,
            Reason::Follows(instruction) => *instruction == build.stages[stage].from,
            _ => false,
        });
        let own = |reason: &Reason| !matches!(reason, Reason::Follows(_));
        let steps = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.reasons.iter().any(own));
        if starts_dirty { Vec::new() } else { steps.map(|(step, _)| step).collect() }
    };
    let mut found = Vec::with_capacity(weights.events.events.len());
    for event in &weights.events.events {
        let dirt = known.entry(&event.dirt).or_insert_with(|| dirty_steps(&event.dirt)).clone();
        found.push(Trigger { weight: event.weight, dirt });
    }
    found
}

/// The fewest steps that must move, the others stay in their order.
fn moved(sequence: &[usize]) -> Vec<usize> {
    // Longest increasing run that ends at each place, with the place before.
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(sequence.len());
    for place in 0..sequence.len() {
        let before = (0..place).filter(|other| sequence[*other] < sequence[place]).max_by_key(|other| best[*other].0);
        best.push((before.map_or(1, |other| best[other].0 + 1), before));
    }
    let mut kept = Vec::new();
    let mut next = (0..best.len()).max_by_key(|place| best[*place].0);
    while let Some(place) = next {
        kept.push(sequence[place]);
        next = best[place].1;
    }
    let mut moved: Vec<usize> = sequence.iter().copied().filter(|step| !kept.contains(step)).collect();
    moved.sort_unstable();
    moved
}

fn argument(doubts: &[String], shown: &[String], order: &Order, before: Expectation, after: Expectation) -> String {
    let mut parts = if doubts.is_empty() {
        let apart = "no step reads or writes what one that it passes writes, or runs a program that one may bring";
        [shown, &[apart.to_owned()]].concat()
    } else {
        doubts.to_vec()
    };
    parts.push(format!("this costs {:.1} s per change instead of {:.1} s", after.mean, before.mean));
    parts.push(if order.exact {
        "no order that keeps what each step finds costs less".to_owned()
    } else {
        let more = order.seconds - order.bound;
        format!("there are too many orders to look at them all: the best may save up to {more:.1} s more")
    });
    parts.join("; ")
}
