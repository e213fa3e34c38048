//! What the cache model says of a change, step by step, and what a builder did.

use std::collections::BTreeMap;

use super::StepRecord;
use crate::cache::{Change, Dirt, Outcome, Profile, Reason, Simulation, Status, simulate};
use crate::model::{Build, Transfer};

/// What is said of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// It comes from the cache.
    Hit,
    /// Either: another stage runs again before it, and may make what it made before.
    Either,
    /// It runs again.
    Rebuilt,
}

/// What is said of every step that the builder has in its cache, by index of its instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Prediction(BTreeMap<usize, Fate>);

impl Prediction {
    /// What becomes of a build when `paths` change.
    pub(super) fn of(build: &Build<'_>, profile: Profile, target: usize, paths: Vec<String>) -> Self {
        let change = Change { paths, arguments: Vec::new() };
        let dirt = Dirt::of_change(build, profile, &change);
        Self::of_simulation(build, &simulate(build, profile, &dirt, target))
    }

    fn of_simulation(build: &Build<'_>, simulation: &Simulation) -> Self {
        let mut fates: BTreeMap<usize, Fate> = BTreeMap::new();
        let mut ends: Vec<Option<Fate>> = Vec::new();
        for outcomes in &simulation.stages {
            let mut end = None;
            for outcome in outcomes {
                let fate = match outcome.status {
                    Status::Hit => Fate::Hit,
                    Status::Rebuilt => fate_of(build, outcome, &fates, &ends),
                    Status::Metadata | Status::NotBuilt => continue,
                };
                fates.insert(outcome.instruction, fate);
                end = end.max(Some(fate));
            }
            ends.push(end);
        }
        Self(fates)
    }

    /// The same after several earlier states: a step hits if it hits after one of them.
    pub(super) fn best(predictions: impl Iterator<Item = Self>) -> Self {
        let mut best = Self::default();
        for prediction in predictions {
            for (instruction, fate) in prediction.0 {
                let known = best.0.entry(instruction).or_insert(fate);
                *known = fate.min(*known);
            }
        }
        best
    }

    /// The instructions that run again for sure, in the order of the file.
    pub(super) fn rebuilt(&self) -> Vec<usize> {
        self.0.iter().filter(|(_, fate)| **fate == Fate::Rebuilt).map(|(instruction, _)| *instruction).collect()
    }

    /// The instructions of which the builder did something else than was said, with what was said. A step that it did
    /// not tell of has not run.
    pub(super) fn disagreements(&self, records: &[StepRecord]) -> Vec<(usize, Fate)> {
        let observed: BTreeMap<usize, bool> = records.iter().map(|record| (record.instruction, record.hit)).collect();
        let wrong = self.0.iter().filter(|(instruction, fate)| match (fate, observed.get(instruction)) {
            (Fate::Hit, Some(hit)) => !hit,
            (Fate::Rebuilt, Some(hit)) => *hit,
            (Fate::Rebuilt, None) => true,
            (Fate::Either, _) | (Fate::Hit, None) => false,
        });
        wrong.map(|(instruction, fate)| (*instruction, *fate)).collect()
    }
}

/// Whether a step that the model lets run again must do so: another stage that runs again may make what it made before,
/// and a linked copy does not depend on the steps before it where the builder's store can tell.
fn fate_of(build: &Build<'_>, outcome: &Outcome, fates: &BTreeMap<usize, Fate>, ends: &[Option<Fate>]) -> Fate {
    let of_reason = |reason: &Reason| match reason {
        Reason::FromStage(_) => Fate::Either,
        Reason::BaseStage(stage) => ends.get(*stage).copied().flatten().unwrap_or(Fate::Rebuilt),
        Reason::Follows(cause) => fates.get(cause).copied().unwrap_or(Fate::Rebuilt),
        _ => Fate::Rebuilt,
    };
    let linked = build.steps().any(|(_, step)| {
        step.instruction == outcome.instruction && step.transfer().is_some_and(Transfer::asks_for_link)
    });
    let fate = outcome.reasons.iter().map(of_reason).max().unwrap_or(Fate::Rebuilt);
    if linked { fate.min(Fate::Either) } else { fate }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Builder;
    use crate::context::{Filtered, MemoryContext};
    use crate::ecosystem::Catalog;
    use crate::model::Inputs;
    use crate::syntax::Dockerfile;

    const FILE: &str = "FROM x AS a\nCOPY m .\nRUN one\nCOPY s .\nRUN two\nFROM y\nCOPY --from=a /o /o\nRUN three\n";

    fn predict(paths: &[&str]) -> Prediction {
        let file = Dockerfile::parse(FILE);
        let memory = MemoryContext::from_files([("m", ""), ("s", "")]);
        let context = Filtered::new(&memory, None);
        let arguments = BTreeMap::new();
        let catalog = Catalog::builtin();
        let build = Build::new(Inputs { file: &file, context: Some(&context), catalog, arguments: &arguments });
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Prediction::of(&build, Builder::BuildKit.profile(), 1, paths)
    }

    fn record(instruction: usize, hit: bool) -> StepRecord {
        StepRecord { instruction, hit, seconds: 0.0 }
    }

    #[test]
    fn steps_after_another_stage_may_hit() {
        let found = predict(&["s"]);
        assert_eq!(found.rebuilt(), [3, 4]);
        let records = [record(1, true), record(2, true), record(3, false), record(4, false)];
        assert_eq!(found.disagreements(&records), []);
        let stale = [record(2, false), record(3, true), record(4, false)];
        assert_eq!(found.disagreements(&stale), [(2, Fate::Hit), (3, Fate::Rebuilt)]);
        assert_eq!(found.disagreements(&[record(6, true), record(7, false), record(3, false)]), [(4, Fate::Rebuilt)]);
    }

    #[test]
    fn a_step_hits_what_any_earlier_state_has_left() {
        let both = Prediction::best([predict(&["m"]), predict(&["s"])].into_iter());
        assert_eq!(both.rebuilt(), [3, 4]);
        assert_eq!(Prediction::best([predict(&["m"]), predict(&[])].into_iter()).rebuilt(), Vec::<usize>::new());
    }
}
