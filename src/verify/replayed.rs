//! What became of changes that were built again.

use super::compare::Difference;
use super::stumble::Stumble;

/// A replay of several changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replay {
    /// Each change, oldest first.
    pub changes: Vec<Replayed>,
    /// Builds of the candidate that failed, and did not when they were done again.
    pub stumbles: Vec<Stumble>,
    /// Why changes could not be replayed at all.
    pub stopped: Option<String>,
}

/// One change, built with both files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    /// The id of the commit, or what was edited.
    pub change: String,
    /// First lines of the candidate's instructions that were said to run again.
    pub predicted: Vec<usize>,
    /// First lines of those that did.
    pub observed: Vec<usize>,
    /// What the builder did otherwise than was said, as phrases.
    pub disagreements: Vec<String>,
    /// Paths at which the candidate's image, made with the cache, is not that of a clean build.
    pub stale: Vec<Difference>,
    /// Paths at which the images of the two files are not the same.
    pub differences: Vec<Difference>,
    /// Such paths of which two builds of one file say nothing, as they differ there too.
    pub noise: Vec<Difference>,
    /// Seconds of the original's build with the cache.
    pub seconds_before: f64,
    /// Seconds of the candidate's.
    pub seconds_after: f64,
    /// Why the original does not build at this change; nothing else is said then.
    pub skipped: Option<String>,
    /// Why the candidate does not build, where the original does; nothing else is said then.
    pub broken: Option<String>,
}

impl Replayed {
    /// Whether all was as it should be.
    pub fn agrees(&self) -> bool {
        self.broken.is_none() && self.disagreements.is_empty() && self.stale.is_empty() && self.differences.is_empty()
    }

    /// Whether both files were built.
    pub fn is_built(&self) -> bool {
        self.skipped.is_none() && self.broken.is_none()
    }
}
