//! Events carried through a build: what each costs, how often each step runs again, and the expected rebuild cost.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Costs, Dirt, Events, Profile, Reason, Seconds, simulate};
use crate::model::Build;

/// Resamples behind an interval; more change its bounds by less than the guesses of the costs.
const RESAMPLES: usize = 200;

/// What one event costs.
#[derive(Clone, Debug, PartialEq)]
pub struct EventCost {
    /// The time of all steps that run again.
    pub seconds: Seconds,
    /// Their instructions, in the order of the file.
    pub rebuilt: Vec<usize>,
}

/// The mean rebuild time over the events.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Expectation {
    /// The mean, in seconds.
    pub mean: f64,
    /// Lower end of the interval: 5th percentile over resampled events, with low costs.
    pub low: f64,
    /// Upper end of the interval: 95th percentile, with high costs.
    pub high: f64,
}

/// A build's behaviour over events.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// One per event, in the order of the events.
    pub costs: Vec<EventCost>,
    /// By instruction, the share of events in which it runs again, 0 to 1.
    pub rates: BTreeMap<usize, f64>,
    /// The expected rebuild cost.
    pub expected: Expectation,
}

impl Replay {
    /// Carries every event through the build.
    pub fn new(build: &Build<'_>, profile: Profile, events: &Events, costs: &Costs, target: usize) -> Self {
        let mut known: HashMap<&BTreeSet<usize>, EventCost> = HashMap::new();
        let mut event_costs = Vec::with_capacity(events.events.len());
        let mut rates: BTreeMap<usize, f64> = BTreeMap::new();
        for event in &events.events {
            let cost = known.entry(&event.dirt).or_insert_with(|| cost_of(build, profile, &event.dirt, costs, target));
            for instruction in &cost.rebuilt {
                *rates.entry(*instruction).or_default() += event.weight;
            }
            event_costs.push(cost.clone());
        }
        let expected = expectation(events, &event_costs);
        Self { costs: event_costs, rates, expected }
    }

    /// The share of events in which an instruction runs again, 0 to 1.
    pub fn rate(&self, instruction: usize) -> f64 {
        self.rates.get(&instruction).copied().unwrap_or(0.0)
    }
}

fn cost_of(build: &Build<'_>, profile: Profile, dirty: &BTreeSet<usize>, costs: &Costs, target: usize) -> EventCost {
    let mut dirt = Dirt::default();
    for instruction in dirty {
        dirt.add(*instruction, Reason::Class("event"));
    }
    let rebuilt: Vec<usize> = simulate(build, profile, &dirt, target).rebuilt().collect();
    EventCost { seconds: rebuilt.iter().map(|instruction| costs.of(*instruction)).sum(), rebuilt }
}

fn expectation(events: &Events, costs: &[EventCost]) -> Expectation {
    let weights: Vec<f64> = events.events.iter().map(|event| event.weight).collect();
    let mean = weights.iter().zip(costs).map(|(weight, cost)| weight * cost.seconds.expected()).sum();
    let lows: Vec<f64> = costs.iter().map(|cost| cost.seconds.low).collect();
    let highs: Vec<f64> = costs.iter().map(|cost| cost.seconds.high).collect();
    let (mut low, mut high) = resampled_means(&weights, &lows, &highs);
    low.sort_by(f64::total_cmp);
    high.sort_by(f64::total_cmp);
    let at = |means: &[f64], percent: usize| means.get(means.len() * percent / 100).copied().unwrap_or(0.0);
    Expectation { mean, low: at(&low, 5), high: at(&high, 95) }
}

/// Means of both values over weighted resamples with replacement. The generator has a fixed seed, so that output is
/// deterministic.
fn resampled_means(weights: &[f64], lows: &[f64], highs: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut cumulative = Vec::with_capacity(weights.len());
    let mut total = 0.0;
    for weight in weights {
        total += weight;
        cumulative.push(total);
    }
    if weights.is_empty() || total <= 0.0 {
        return (Vec::new(), Vec::new());
    }
    let count = weights.len();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        // Numerical Recipes' 64-bit linear congruential generator; the high bits are the good ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = (state >> 11) as f64 / (1_u64 << 53) as f64;
        cumulative.partition_point(|end| *end < share * total).min(count - 1)
    };
    let resamples = (0..RESAMPLES).map(|_| {
        let drawn = (0..count).map(|_| draw());
        let (low, high) = drawn.fold((0.0, 0.0), |(low, high), event| (low + lows[event], high + highs[event]));
        (low / count as f64, high / count as f64)
    });
    resamples.unzip()
}
