//! How long steps were seen to take, by a digest of what they do.

use std::collections::BTreeMap;

/// Times of steps, from builds of the project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    seconds: BTreeMap<String, Vec<f64>>,
}

impl Measured {
    /// Times by digest, in seconds; steps without a time are left out.
    pub fn new(seconds: impl IntoIterator<Item = (String, Vec<f64>)>) -> Self {
        let valid = |times: &Vec<f64>| !times.is_empty() && times.iter().all(|time| time.is_finite() && *time >= 0.0);
        Self { seconds: seconds.into_iter().filter(|(_, times)| valid(times)).collect() }
    }

    /// The shortest and the longest time of a step, in seconds.
    pub fn range(&self, digest: &str) -> Option<(f64, f64)> {
        let times = self.seconds.get(digest)?;
        Some((times.iter().copied().fold(f64::INFINITY, f64::min), times.iter().copied().fold(0.0, f64::max)))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.seconds.is_empty()
    }
}
