//! Numbers that look random and can be had again.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

/// A row of numbers (xorshift64*).
pub(crate) struct Chance(u64);

impl Chance {
    /// A new row, or that of `LAYERWISE_FAULTS_SEED`. The seed is printed.
    pub(crate) fn new(what: &str) -> Self {
        let given = env::var("LAYERWISE_FAULTS_SEED").ok().and_then(|text| text.parse().ok());
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
        let seed: u64 = given.unwrap_or_else(now);
        println!("{what}: LAYERWISE_FAULTS_SEED={seed}");
        Self(seed | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16;
        (number % end.max(1) as u64) as usize
    }

    /// One of several.
    pub(crate) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// How many rounds to run, and whether somebody asked for them.
pub(crate) fn rounds(usual: usize) -> usize {
    asked().unwrap_or(usual)
}

/// The rounds that somebody asked for.
pub(crate) fn asked() -> Option<usize> {
    env::var("LAYERWISE_FAULTS").ok().and_then(|text| text.parse().ok())
}
