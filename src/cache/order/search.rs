//! Dynamic programming over down-sets, one size after the other, with a bound on how many are kept.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use super::Problem;
use super::bound::{Least, jobs};

/// How far a search may go.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Down-sets of one size that are kept: the most promising.
    pub(super) width: usize,
    /// Down-sets at most; beyond, the search gives up.
    pub(super) states: usize,
    /// The cost of an order that is known; what cannot be as cheap is left out.
    pub(super) most: u64,
}

/// The best order that a search came by.
pub(super) struct Found {
    pub(super) sequence: Vec<usize>,
    pub(super) cost: u64,
}

/// The best way to a down-set: what its jobs cost, and the pairs of the given order that it swaps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    cost: u64,
    swaps: u32,
}

/// A down-set that has been reached.
#[derive(Clone, Copy)]
struct State {
    way: Way,
    /// Weight of the events that dirty one of its jobs.
    touched: u64,
    /// What the jobs outside of it take.
    rest: u64,
    /// What the events that dirty none of its jobs cost at least.
    events: u64,
    /// What the pairs of jobs outside of it cost more.
    pairs: u64,
}

impl State {
    /// What no order that begins with this set can undercut.
    fn promise(&self) -> u64 {
        let to_come = self.rest.saturating_mul(self.touched).saturating_add(self.events).saturating_add(self.pairs);
        self.way.cost.saturating_add(to_come)
    }
}

type Layer = HashMap<u128, State, BuildHasherDefault<Mix>>;

/// Mixes the two halves of a set of bits: good enough for a table, and fast.
#[derive(Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(29) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u128(&mut self, value: u128) {
        self.write_u64(value as u64);
        self.write_u64((value >> 64) as u64);
    }
}

/// The best order within the limits; `None` where they were reached, or no order is as cheap as the one that is known.
pub(super) fn search(problem: &Problem, least: &Least, limits: Limits) -> Option<Found> {
    let rest: u64 = problem.costs.iter().sum();
    let (events, pairs) = least.start();
    let start = State { way: Way { cost: 0, swaps: 0 }, touched: 0, rest, events, pairs };
    let mut layers: Vec<Layer> = vec![Layer::from_iter([(0, start)])];
    let mut states = 1;
    for _ in 0..problem.costs.len() {
        let mut next = extend(problem, least, layers.last()?, limits.most, limits.states.saturating_sub(states))?;
        narrow(&mut next, limits.width);
        states += next.len();
        layers.push(next);
    }
    let (set, state) = layers.last()?.iter().next()?;
    Some(Found { sequence: walk_back(problem, &layers, *set), cost: state.way.cost })
}

/// All down-sets with one job more; `None` where they are more than `room`.
fn extend(problem: &Problem, least: &Least, layer: &Layer, most: u64, room: usize) -> Option<Layer> {
    let mut next = Layer::default();
    let mut ready = Vec::new();
    for (set, state) in layer {
        may_come_next(problem, least, *set, &mut ready);
        for (job, weight, events) in ready.iter().copied() {
            let touched = state.touched + weight;
            let way = Way {
                cost: state.way.cost.saturating_add(problem.costs[job].saturating_mul(touched)),
                swaps: state.way.swaps + (set >> job).count_ones(),
            };
            let mut grown = State {
                way,
                touched,
                rest: state.rest - problem.costs[job],
                events: state.events.saturating_sub(events),
                pairs: 0,
            };
            if grown.promise() > most {
                continue;
            }
            match next.entry(set | 1 << job) {
                Entry::Occupied(mut known) => {
                    let known: &mut State = known.get_mut();
                    known.way = known.way.min(way);
                }
                Entry::Vacant(new) => {
                    grown.pairs = state.pairs.saturating_sub(least.pairs(job, problem.all & !(set | 1 << job)));
                    if grown.promise() <= most {
                        new.insert(grown);
                    }
                }
            }
        }
        if next.len() > room {
            return None;
        }
    }
    Some(next)
}

/// The jobs that the best order may take next after those of `set`, each with the weight of the events that it is the
/// first to be dirtied by, and what these cost at least.
///
/// A job that no further event dirties can move up to this place at no cost to any other. So where the lowest job is one,
/// it comes next: each other place swaps more pairs. And where one that takes time is ready, nothing that is dirtied by
/// further events comes before it: it would pay for them.
fn may_come_next(problem: &Problem, least: &Least, set: u128, ready: &mut Vec<(usize, u64, u64)>) {
    ready.clear();
    let mut only_free = false;
    for job in jobs(problem.all & !set) {
        if problem.before[job] & !set != 0 {
            continue;
        }
        let (weight, events) = least.fresh(set, job);
        let lowest = ready.is_empty();
        ready.push((job, weight, events));
        if weight == 0 && lowest {
            return;
        }
        only_free |= weight == 0 && problem.costs[job] > 0;
    }
    if only_free {
        ready.retain(|(_, weight, _)| *weight == 0);
    }
}

fn narrow(layer: &mut Layer, width: usize) {
    if layer.len() <= width {
        return;
    }
    let mut sorted: Vec<(u64, u32, u128)> =
        layer.iter().map(|(set, state)| (state.promise(), state.way.swaps, *set)).collect();
    sorted.select_nth_unstable(width);
    for (_, _, set) in sorted.drain(width..) {
        layer.remove(&set);
    }
}

/// The order that leads to the last set: of several, the one whose later jobs come last.
fn walk_back(problem: &Problem, layers: &[Layer], last: u128) -> Vec<usize> {
    let mut sequence = Vec::with_capacity(layers.len());
    let mut set = last;
    for layers in layers.windows(2).rev() {
        let [below, layer] = layers else { continue };
        let Some(state) = layer.get(&set) else { continue };
        let job = (0..problem.costs.len()).rev().find(|job| {
            let rest = set & !(1_u128 << job);
            let way = below.get(&rest).map(|from| Way {
                cost: from.way.cost.saturating_add(problem.costs[*job].saturating_mul(state.touched)),
                swaps: from.way.swaps + (rest >> job).count_ones(),
            });
            rest != set && problem.before[*job] & !rest == 0 && way == Some(state.way)
        });
        let Some(job) = job else { continue };
        sequence.push(job);
        set &= !(1_u128 << job);
    }
    sequence.reverse();
    sequence
}
