//! References: who asks for a file, and how firmly.

use super::super::{Missing, Need};

/// How firmly a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// It is taken where it stands.
    Never,
    /// It is a part of the project, which works without it.
    Part,
    /// It is needed where it stands; it may be made before, where it does not.
    Existing,
    /// It is needed.
    Always,
}

/// A file, or a command, that refers to another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    from: &'a str,
    demand: Demand,
}

impl<'a> Reference<'a> {
    pub(super) fn new(from: &'a str, demand: Demand) -> Self {
        Self { from, demand }
    }

    /// What becomes of the command without the file.
    pub(super) fn need(&self) -> Need {
        let from = self.from.to_owned();
        match self.demand {
            Demand::Never => Need::Optional,
            Demand::Part => Need::Part { from, named_by: Vec::new() },
            Demand::Existing | Demand::Always => Need::Required { from },
        }
    }

    /// The file, where it does not exist and should.
    pub(super) fn missing(&self, path: &str, reason: &str) -> Option<Missing> {
        (self.demand == Demand::Always).then(|| Missing {
            path: path.to_owned(),
            from: self.from.to_owned(),
            reason: reason.to_owned(),
            required: true,
        })
    }
}
