//! Which files of which stages reach the image: those of the last stage and of the stages it starts from, and what these
//! copy from others.

use super::{Base, Build, StagePath, Step, StepId};
use crate::syntax::{Body, Source};

/// Stages through which a file is followed, at most.
const MOST_STAGES: usize = 16;

impl Build<'_> {
    /// Whether the layers of a stage are layers of the image: it is the last, or the last starts from it.
    pub fn is_shipped(&self, stage: usize) -> bool {
        let mut next = self.stages.len().checked_sub(1);
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
