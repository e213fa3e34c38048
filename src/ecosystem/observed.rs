//! What steps were seen to reach while they ran, by a digest of what they do.

use std::collections::BTreeMap;

/// Observations of steps, from traced builds of the project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    steps: BTreeMap<String, Observation>,
}

/// What was seen of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// The copied files and directories that it reached.
    pub files: Vec<ObservedFile>,
    /// Whether nothing was missed.
    pub is_complete: bool,
}

/// A copied file or directory that a step reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedFile {
    /// Its absolute path in the stage.
    pub place: String,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// The most that was done to it.
    pub reach: Reach,
}

/// What was done to a file or directory, the least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// It was asked for.
    #[default]
    Asked,
    /// Its content was read.
    Read,
    /// The names in it were read.
    Listed,
    /// It is another one afterwards.
    Changed,
}

impl Observed {
    /// Observations by digest. Of several with the same digest nobody can tell which is meant: they are not complete.
    pub fn new(steps: impl IntoIterator<Item = (String, Observation)>) -> Self {
        let mut found = Self::default();
        for (digest, observation) in steps {
            match found.steps.get_mut(&digest) {
                Some(known) => {
                    known.files.extend(observation.files);
                    known.is_complete = false;
                }
                None => {
                    found.steps.insert(digest, observation);
                }
            }
        }
        found
    }

    /// What was seen of a step.
    pub fn of(&self, digest: &str) -> Option<&Observation> {
        self.steps.get(digest)
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}
