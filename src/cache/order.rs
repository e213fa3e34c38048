//! The order of steps that makes the expected rebuild cost smallest.
//!
//! A *job* is a step of one stage: it has a cost, and jobs that must stand before it. An *event* dirties jobs; the first
//! of them in the order and all jobs after it run again. So a job is paid for by every event that has dirtied it or a job
//! before it:
//!
//! > E\[cost\] = Σ over jobs *j* of cost(*j*) · weight of the events that dirty *j* or a job before it
//!
//! The set of jobs that stand before a place is a *down-set* of the precedence order, and what the jobs after it cost does
//! not depend on how those before it are ordered. So the optimum is found by dynamic programming over down-sets. Their
//! number grows with the width of the precedence order; beyond [`MOST_STATES`] a beam search takes over, and the result
//! carries a bound that no order can undercut.
//!
//! The problem is `1|prec|Σ wC` of scheduling theory with events as weights, which is NP-hard in general; see Lawler,
//! "Sequencing jobs to minimize total weighted completion time subject to precedence constraints" (1978).

mod bound;
mod search;

use bound::Least;
use search::{Found, Limits, search};

/// More jobs than this are not ordered: a set of them is one machine word.
pub const MOST_JOBS: usize = 128;

/// Down-sets that are looked at for an exact answer.
pub const MOST_STATES: usize = 300_000;

/// Down-sets of one size that the beam search keeps, first to prune the exact search, then where that gives up.
const NARROW: usize = 64;
const WIDE: usize = 4_000;

/// One step, on its way to a place in the order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Job {
    /// What it takes, in seconds.
    pub seconds: f64,
    /// Jobs that must stand before it, by index: lower ones only, so that the given order is one of those allowed.
    pub after: Vec<usize>,
}

/// A change that dirties jobs.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Its share, 0 to 1.
    pub weight: f64,
    /// The jobs that it dirties, by index.
    pub dirt: Vec<usize>,
}

/// An order of jobs.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Jobs by index, the first first.
    pub sequence: Vec<usize>,
    /// The expected cost of the given order, in seconds.
    pub before: f64,
    /// That of this order.
    pub seconds: f64,
    /// What no order can undercut, in seconds: that of this order where it is the best.
    pub bound: f64,
    /// Whether this is the best order there is.
    pub exact: bool,
}

/// The best order of `jobs`. Of several, the one that swaps the fewest pairs of the given order; of those, the one that
/// leaves the last jobs last. `None` where there are too many jobs, or a job should stand after a later one.
///
/// ```
/// use layerwise::cache::order::{Job, Trigger, best_order};
///
/// let job = |seconds, after: &[usize]| Job { seconds, after: after.to_vec() };
/// // A copy, an install that needs it, and a download that does not.
/// let jobs = [job(0.0, &[]), job(30.0, &[0]), job(10.0, &[])];
/// let order = best_order(&jobs, &[Trigger { weight: 0.5, dirt: vec![0] }]).unwrap();
/// assert_eq!(order.sequence, [2, 0, 1]);
/// assert_eq!((order.before, order.seconds), (20.0, 15.0));
/// ```
pub fn best_order(jobs: &[Job], events: &[Trigger]) -> Option<Order> {
    best_order_within(jobs, events, MOST_STATES)
}

/// As [`best_order`], with another number of down-sets at most.
pub fn best_order_within(jobs: &[Job], events: &[Trigger], states: usize) -> Option<Order> {
    let problem = Problem::new(jobs, events)?;
    let given: Vec<usize> = (0..jobs.len()).collect();
    let before = problem.cost_of(&given);
    let least = Least::new(&problem);
    let search = |width, states, most| search(&problem, &least, Limits { width, states, most });
    let narrow = search(NARROW, usize::MAX, before);
    let most = narrow.as_ref().map_or(before, |found| found.cost);
    let exact = search(usize::MAX, states, most);
    let is_exact = exact.is_some();
    let found = exact.or_else(|| {
        let wide = search(WIDE.min(states), usize::MAX, most);
        wide.or(narrow).filter(|found| found.cost < before)
    });
    let Found { sequence, cost } = found.unwrap_or(Found { sequence: given, cost: before });
    let bound = if is_exact { cost } else { least.at_start(&problem).min(cost) };
    Some(Order {
        sequence,
        before: seconds(before),
        seconds: seconds(cost),
        bound: seconds(bound),
        exact: is_exact || bound == cost,
    })
}

/// Milliseconds per second and parts of the weight 1: costs are whole numbers, so that equal is equal.
const MILLISECONDS: f64 = 1e3;
const PARTS: f64 = 1e9;

/// More is no duration of a step.
const MOST_SECONDS: f64 = 1e5;

fn seconds(cost: u64) -> f64 {
    cost as f64 / MILLISECONDS / PARTS
}

/// The jobs as whole numbers and sets of bits.
struct Problem {
    /// Milliseconds.
    costs: Vec<u64>,
    /// Jobs that must stand before, directly.
    before: Vec<u128>,
    /// Weights in parts of [`PARTS`], each with the jobs that the events dirty; the sets differ.
    events: Vec<(u64, u128)>,
    /// Every job.
    all: u128,
}

impl Problem {
    #[allow(clippy::cast_sign_loss, reason = "clamped to what is positive")]
    fn new(jobs: &[Job], events: &[Trigger]) -> Option<Self> {
        let in_order = jobs.iter().enumerate().all(|(index, job)| job.after.iter().all(|other| *other < index));
        if jobs.len() > MOST_JOBS || !in_order {
            return None;
        }
        let bits = |indices: &[usize]| {
            let known = indices.iter().filter(|index| **index < jobs.len());
            known.fold(0_u128, |set, index| set | 1 << *index)
        };
        let whole = |value: f64, most: f64, unit: f64| (value.clamp(0.0, most) * unit).round() as u64;
        let mut grouped: std::collections::BTreeMap<u128, f64> = std::collections::BTreeMap::new();
        for event in events {
            *grouped.entry(bits(&event.dirt)).or_default() += event.weight;
        }
        grouped.remove(&0);
        Some(Self {
            all: (0..jobs.len()).fold(0, |set, job| set | 1 << job),
            costs: jobs.iter().map(|job| whole(job.seconds, MOST_SECONDS, MILLISECONDS)).collect(),
            before: jobs.iter().map(|job| bits(&job.after)).collect(),
            events: grouped.into_iter().map(|(set, weight)| (whole(weight, 1.0, PARTS), set)).collect(),
        })
    }

    /// The weight of the events that dirty one of these jobs.
    fn touched(&self, set: u128) -> u64 {
        self.events.iter().filter(|(_, dirt)| dirt & set != 0).map(|(weight, _)| weight).sum()
    }

    fn cost_of(&self, sequence: &[usize]) -> u64 {
        let mut set = 0_u128;
        sequence.iter().fold(0_u64, |cost, job| {
            set |= 1 << *job;
            cost.saturating_add(self.costs[*job].saturating_mul(self.touched(set)))
        })
    }
}
