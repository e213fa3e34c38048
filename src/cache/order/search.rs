//! Dynamic programming over down-sets, one size after the other, with a bound on how many are kept.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Problem;

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
pub(super) fn search(problem: &Problem, limits: Limits) -> Option<Found> {
    let total: u64 = problem.costs.iter().sum();
    let start = State { way: Way { cost: 0, swaps: 0 }, touched: 0, rest: total };
    let mut layers: Vec<Layer> = vec![Layer::from_iter([(0, start)])];
    let mut states = 1;
    for _ in 0..problem.costs.len() {
        let mut next = extend(problem, layers.last()?, limits.most);
        narrow(&mut next, limits.width);
        states += next.len();
        if states > limits.states {
            return None;
        }
        layers.push(next);
    }
    let (set, state) = layers.last()?.iter().next()?;
    Some(Found { sequence: walk_back(problem, &layers, *set), cost: state.way.cost })
}

/// All down-sets with one job more.
fn extend(problem: &Problem, layer: &Layer, most: u64) -> Layer {
    let mut next = Layer::default();
    for (set, state) in layer {
        for job in 0..problem.costs.len() {
            let bit = 1_u128 << job;
            if set & bit != 0 || problem.before[job] & !set != 0 {
                continue;
            }
            let grown = set | bit;
            let known = next.get(&grown).copied();
            let touched = known.map_or_else(|| problem.touched(grown), |known| known.touched);
            let rest = state.rest - problem.costs[job];
            let swaps = state.way.swaps + (set >> job).count_ones();
            let way = Way { cost: state.way.cost.saturating_add(problem.costs[job].saturating_mul(touched)), swaps };
            // Whatever comes after pays for at least the events so far.
            let hopeless = way.cost.saturating_add(rest.saturating_mul(touched)) > most;
            if !hopeless && known.is_none_or(|known| way < known.way) {
                next.insert(grown, State { way, touched, rest });
            }
        }
    }
    next
}

fn narrow(layer: &mut Layer, width: usize) {
    if layer.len() <= width {
        return;
    }
    let promise = |state: &State| state.way.cost.saturating_add(state.rest.saturating_mul(state.touched));
    let mut sorted: Vec<(u64, u32, u128)> =
        layer.iter().map(|(set, state)| (promise(state), state.way.swaps, *set)).collect();
    sorted.sort_unstable();
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
