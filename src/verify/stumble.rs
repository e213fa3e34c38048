//! Builds that fail and, done again, do not: a line to a registry that was lost, or steps that get in each other's way.
//!
//! Which of these it was cannot be seen. So a candidate that stumbles is not proven, unless a build of the original has
//! stumbled over the same.

use super::drawn::Alike;
use super::engine::{BuiltImage, EngineError};
use super::proof::Side;

/// A build that failed, and did not when it was done again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stumble {
    /// Which file was built.
    pub side: Side,
    /// The change that was built; `None` where it was the files as they are, without a cache.
    pub change: Option<String>,
    /// Why it failed.
    pub reason: String,
}

impl Stumble {
    /// What the builder said last, without what is another each time.
    fn last_words(&self) -> String {
        let line = self.reason.lines().rfind(|line| !line.trim().is_empty());
        Alike::masked(line.unwrap_or_default().trim())
    }
}

/// Builds once more where the file seems to be to blame; with the image, why the first build failed where it did.
pub(super) fn twice(
    build: impl Fn() -> Result<BuiltImage, EngineError>,
    tell: &dyn Fn(&str),
) -> Result<(BuiltImage, Option<String>), EngineError> {
    match build() {
        Err(EngineError::Failed(reason)) => {
            tell("it failed; building it again, as the machine or a registry may be the cause");
            build().map(|image| (image, Some(reason)))
        }
        result => result.map(|image| (image, None)),
    }
}

/// A stumble of the candidate that no build of the original knows.
pub(super) fn unsteady<'a>(mut stumbles: impl Iterator<Item = &'a Stumble> + Clone) -> Option<&'a Stumble> {
    let known = stumbles.clone().filter(|found| found.side == Side::Before).map(Stumble::last_words);
    let known: Vec<String> = known.collect();
    stumbles.find(|found| found.side == Side::After && !known.contains(&found.last_words()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_original_does_too_is_forgiven() {
        let stumble = |side, reason: &str| Stumble { side, change: None, reason: reason.to_owned() };
        let before = stumble(Side::Before, "RUN npm ci: exit code 1\nread ECONNRESET after 120 ms\n");
        let same = stumble(Side::After, "RUN npm ci: exit code 1\nmore\nread ECONNRESET after 7 ms");
        let other = stumble(Side::After, "RUN npm ci: exit code 1\nENOENT");
        let none: [&Stumble; 0] = [];
        assert_eq!(unsteady(none.into_iter()), None);
        assert_eq!(unsteady([&before].into_iter()), None);
        assert_eq!(unsteady([&same].into_iter()), Some(&same));
        assert_eq!(unsteady([&before, &same].into_iter()), None);
        assert_eq!(unsteady([&before, &same, &other].into_iter()), Some(&other));
    }
}
