//! From what logs call a step to its instruction: logs count the steps of a stage, and builders count in different ways.

use crate::syntax::{Body, Dockerfile, Instruction, Keyword};

/// A stage of a file: its name and its instructions.
#[derive(Debug)]
pub(super) struct StageSteps {
    name: Option<String>,
    from: usize,
    /// Indices of all instructions after `FROM`.
    all: Vec<usize>,
    /// Of those that change files, which are what `BuildKit` counts.
    executed: Vec<usize>,
}

/// The stages of a file.
pub(super) fn stages(file: &Dockerfile) -> Vec<StageSteps> {
    let mut stages: Vec<StageSteps> = Vec::new();
    for (index, instruction) in file.instructions().iter().enumerate() {
        if let Body::From(from) = &instruction.body {
            let name = from.alias.as_ref().map(|alias| alias.text.to_lowercase());
            stages.push(StageSteps { name, from: index, all: Vec::new(), executed: Vec::new() });
        } else if let Some(stage) = stages.last_mut() {
            stage.all.push(index);
            if is_executed(instruction) {
                stage.executed.push(index);
            }
        }
    }
    stages
}

fn is_executed(instruction: &Instruction) -> bool {
    matches!(instruction.keyword, Keyword::Run | Keyword::Copy | Keyword::Add | Keyword::Workdir)
}

/// The instruction that `BuildKit` calls step `place` of `total` of a stage: `stage-N` where the stage has no name, nothing
/// where the file has one stage. It is counted from the end, as the base image may bring steps of its own.
pub(super) fn of_buildkit(stages: &[StageSteps], name: Option<&str>, place: usize, total: usize) -> Option<usize> {
    let by_name = |name: &str| stages.iter().rposition(|stage| stage.name.as_deref() == Some(name));
    let by_number = |name: &str| name.strip_prefix("stage-")?.parse::<usize>().ok();
    let stage = match name {
        Some(name) => stages.get(by_name(name).or_else(|| by_number(name))?)?,
        None if stages.len() == 1 => stages.first()?,
        None => return None,
    };
    let from_end = total.checked_sub(place)?;
    let at = stage.executed.len().checked_sub(from_end + 1)?;
    stage.executed.get(at).copied()
}

/// The instruction that buildah calls step `place` (from 1, `FROM` first) of the stage `nth` (from 0) of those it builds.
pub(super) fn of_buildah(stages: &[StageSteps], nth: usize, place: usize) -> Option<usize> {
    let stage = stages.get(nth)?;
    match place.checked_sub(2) {
        None => Some(stage.from),
        Some(step) => stage.all.get(step).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "ARG V=1\nFROM a AS One\nENV x=1\nRUN 1\nCOPY a b\nFROM One\nRUN 2\nFROM scratch AS three\nCOPY c d\n";

    #[test]
    fn steps_are_found_by_the_names_that_logs_give_them() {
        let file = Dockerfile::parse(FILE);
        let stages = stages(&file);
        let text = |index: Option<usize>| index.map(|index| file.instructions()[index].one_line(file.source(), 20));
        let buildkit = |name: &str, place, total| text(of_buildkit(&stages, Some(name), place, total));
        assert_eq!(buildkit("one", 2, 3).as_deref(), Some("RUN 1"));
        // The base image has brought a step.
        assert_eq!(buildkit("one", 4, 4).as_deref(), Some("COPY a b"));
        assert_eq!(buildkit("one", 2, 4).as_deref(), None);
        assert_eq!(buildkit("stage-1", 1, 1).as_deref(), Some("RUN 2"));
        assert_eq!(buildkit("three", 1, 1).as_deref(), Some("COPY c d"));
        assert_eq!(buildkit("four", 1, 1), None);
        assert_eq!(buildkit("three", 2, 1), None);
        assert_eq!(of_buildkit(&stages, None, 1, 1), None);
        assert_eq!(text(of_buildah(&stages, 0, 3)).as_deref(), Some("RUN 1"));
        assert_eq!(text(of_buildah(&stages, 1, 1)).as_deref(), Some("FROM One"));
        assert_eq!(text(of_buildah(&stages, 1, 9)), None);
    }
}
