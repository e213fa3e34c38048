//! Seconds that a step takes when it runs.

use std::collections::{BTreeMap, BTreeSet};

use super::measured::measured;
use crate::model::{Action, Build, Step};

/// What a `COPY` takes, in seconds: the transfer and the hash of an ordinary context.
pub const COPY_SECONDS: f64 = 0.1;

/// A guess at a duration: low and high bounds in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Seconds {
    /// What a small project takes.
    pub low: f64,
    /// What a large project takes.
    pub high: f64,
}

impl Seconds {
    /// A duration that is known.
    pub const fn exactly(seconds: f64) -> Self {
        Self { low: seconds, high: seconds }
    }

    /// The value that stands for the range: its geometric mean, since durations spread by factors.
    pub fn expected(self) -> f64 {
        (self.low * self.high).sqrt()
    }
}

impl std::ops::Add for Seconds {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { low: self.low + other.low, high: self.high + other.high }
    }
}

impl std::iter::Sum for Seconds {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |sum, part| sum + part)
    }
}

/// The cost of each step, by the index of its instruction.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    seconds: BTreeMap<usize, Seconds>,
    measured: BTreeSet<usize>,
}

impl Costs {
    /// Costs as builds have shown them, else from the classes of the commands that the steps run.
    pub fn new(build: &Build<'_>) -> Self {
        let mut costs = Self::default();
        for (id, step) in build.steps() {
            let known = measured(build, id);
            costs.measured.extend(known.map(|_| step.instruction));
            costs.seconds.insert(step.instruction, known.unwrap_or_else(|| class_seconds(step)));
        }
        costs
    }

    /// Whether a build has shown the cost of an instruction.
    pub fn is_measured(&self, instruction: usize) -> bool {
        self.measured.contains(&instruction)
    }

    /// The cost of an instruction; nothing for what no builder executes.
    pub fn of(&self, instruction: usize) -> Seconds {
        self.seconds.get(&instruction).copied().unwrap_or_default()
    }
}

fn class_seconds(step: &Step) -> Seconds {
    match &step.action {
        Action::Run(run) => Seconds { low: run.cost.low, high: run.cost.high },
        Action::Transfer(transfer) if transfer.is_remote() => Seconds { low: 0.5, high: 5.0 },
        Action::Transfer(_) => Seconds::exactly(COPY_SECONDS),
        _ => Seconds::default(),
    }
}
