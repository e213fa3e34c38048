//! Which files of a history stand behind the rebuilds of one step.

use std::collections::BTreeMap;

use super::{Profile, simulate::reads_path};
use crate::{context::History, model::Build};

/// A file that is in the key of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Path relative to the root of the context.
    pub path: String,
    /// How many commits change it.
    pub commits: usize,
}

/// The files in the key of the step at that instruction which the history changes, most often changed first; empty for
/// an instruction that is no step.
pub fn touches(build: &Build<'_>, profile: Profile, instruction: usize, history: &History) -> Vec<Touch> {
    let Some((id, _)) = build.steps().find(|(_, step)| step.instruction == instruction) else { return Vec::new() };
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for path in history.commits.iter().flat_map(|commit| &commit.paths) {
        *counted.entry(path).or_default() += 1;
    }
    let read = counted.into_iter().filter(|(path, _)| reads_path(build, profile, id, path));
    let mut touches: Vec<Touch> = read.map(|(path, commits)| Touch { path: path.to_owned(), commits }).collect();
    touches.sort_by(|left, right| right.commits.cmp(&left.commits).then_with(|| left.path.cmp(&right.path)));
    touches
}
