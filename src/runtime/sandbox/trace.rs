//! Traces: which files a step reached by their names, how, and by which programs.
//!
//! The step's filter of system calls lets those of `rules/runtime/trace.toml` wait for an answer; a thread of the build
//! notes each and lets it be made as it stands. It records and forbids nothing: a program that changes the name in the
//! moment between may be seen with another one. A trace is evidence of one run, no proof.

mod calls;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use calls::names;
pub(super) use watch::Watch;

/// What may be done to a file by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Touch {
    /// Its content was opened to be read, or it was executed.
    Read,
    /// The names in the directory were read.
    List,
    /// It was asked for: whether it is there, what it is, where a link points.
    Test,
    /// It was opened to be written, or made.
    Write,
    /// Its mode, its owner, its times, its attributes or its names were changed.
    Change,
    /// It was moved away.
    Rename,
    /// It was removed.
    Delete,
}

/// What was done to a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// How it was reached.
    pub how: BTreeSet<Touch>,
    /// Whether it was there at the first time.
    pub was_there: bool,
    /// By which programs, as indices into [`Trace::programs`].
    pub by: BTreeSet<usize>,
}

/// What was seen of a step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// By path from the root of the tree, links followed, with a leading `/`. `/proc`, `/sys` and `/dev` are left out.
    pub paths: BTreeMap<String, Touched>,
    /// Command lines, cut short.
    pub programs: Vec<String>,
    /// How many calls were seen.
    pub calls: u64,
    /// Calls of which the path could not be told. Where there are any, what is missing here may have been reached too.
    pub lost: u64,
}
