//! Which files of which stages reach the image: those of the stage that is built and of the stages it starts from, and what
//! these copy from others.

use super::{Action, Base, Build, StagePath, Step, StepId, Supply};
use crate::syntax::{Body, Source};

/// Stages through which a file is followed, at most.
const MOST_STAGES: usize = 16;

impl Build<'_> {
    /// Whether the layers of a stage are layers of the image: it is the one that is built, or that one starts from it.
    pub fn is_shipped(&self, stage: usize) -> bool {
        self.is_below(stage, self.built)
    }

    /// The same for the stage that is built and for the last one, which other builds of the file ask for.
    pub fn may_be_shipped(&self, stage: usize) -> bool {
        self.is_shipped(stage) || self.is_below(stage, self.stages.len().checked_sub(1))
    }

    /// Whether a stage is another one, or that one starts from it.
    fn is_below(&self, stage: usize, top: Option<usize>) -> bool {
        let mut next = top;
        while let Some(index) = next {
            if index == stage {
                return true;
            }
            next = match self.stages[index].base {
                Base::Stage(parent) if parent < index => Some(parent),
                _ => None,
            };
        }
        false
    }

    /// Whether another step takes what stands at or below one of these places of a stage, or may take it.
    pub fn takes_from(&self, stage: usize, places: &[StagePath]) -> bool {
        self.steps().any(|(id, step)| match &step.action {
            Action::Run(run) => run.stages.contains(&stage),
            Action::Transfer(transfer) => {
                let (Body::Copy(arguments) | Body::Add(arguments)) = &self.instruction(id).body else { return false };
                let is_any = || self.instruction(id).flag_value("from").is_some_and(|from| from.contains('$'));
                let is_from = match transfer.supply {
                    Supply::Stage(from) => from == stage,
                    Supply::Unknown => id.stage > stage && is_any(),
                    _ => false,
                };
                let overlaps = |word: &str| places.iter().any(|place| place.may_overlap(&known_part(word)));
                is_from
                    && arguments
                        .sources
                        .iter()
                        .any(|source| matches!(source, Source::Path(word) if overlaps(&word.text)))
            }
            _ => false,
        })
    }

    /// Whether what stands at `place` in a stage is sure to reach the image: the stage is shipped, or its files at or above
    /// that place are copied on. Patterns and variables in what is copied count as not taking it.
    pub fn reaches_image(&self, stage: usize, place: &StagePath) -> bool {
        self.reaches(stage, place, MOST_STAGES)
    }

    fn reaches(&self, stage: usize, place: &StagePath, depth: usize) -> bool {
        if self.is_shipped(stage) {
            return true;
        }
        if depth == 0 {
            return false;
        }
        self.steps().any(|(id, step)| {
            id.stage > stage
                && self
                    .landing_from(id, step, stage, place)
                    .is_some_and(|next| self.reaches(id.stage, &next, depth - 1))
        })
    }

    /// Where a step copies `place` of another stage to, if it takes it.
    fn landing_from(&self, id: StepId, step: &Step, stage: usize, place: &StagePath) -> Option<StagePath> {
        let transfer = step.transfer().filter(|transfer| transfer.stage() == Some(stage))?;
        let (Body::Copy(arguments) | Body::Add(arguments)) = &self.instruction(id).body else { return None };
        let destination = transfer.destination.as_ref()?;
        if self.instruction(id).flag("exclude").is_some() {
            return None;
        }
        arguments.sources.iter().find_map(|source| {
            let Source::Path(word) = source else { return None };
            let from = StagePath::root().join(&word.text);
            match place.below(&from)? {
                "" if transfer.into_directory => Some(destination.join(&format!("./{}", place.name()))),
                "" => Some(destination.clone()),
                rest => Some(destination.join(&format!("./{rest}"))),
            }
        })
    }
}

/// The place below which all lies that a source names: of a pattern or a variable, what stands before its directory.
fn known_part(word: &str) -> StagePath {
    let known = word.split(['*', '?', '[', '$']).next().unwrap_or_default();
    let is_whole = known.len() == word.len();
    let known = if is_whole { known } else { known.rsplit_once('/').map_or("", |(path, _)| path) };
    StagePath::root().join(known)
}
