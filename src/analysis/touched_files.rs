//! Which files of the project stand behind the rebuilds of a step.

use super::{CacheRequest, Project, Question};
use crate::{
    cache::{Touch, touches},
    context::Context,
    optimize::Surroundings,
};

/// The files in the key of the step whose first line is `line` (from 1) which the history of the request changes, most
/// often changed first; empty where there is no such step or no history.
pub fn touched_files(project: &Project, source: &str, request: &CacheRequest<'_>, line: usize) -> Vec<Touch> {
    let history = match request.question {
        Question::History(limit) if limit > 0 => project.history(limit),
        _ => None,
    };
    let Some(history) = history else { return Vec::new() };
    let profile = request.builder.profile();
    let surroundings = Surroundings {
        context: project,
        catalog: request.catalog,
        arguments: request.arguments,
        profile,
        history: Some(&history),
        target: request.target,
    };
    project.draft(source).with_build(&surroundings, |build| {
        let instructions = build.inputs.file.instructions();
        let found = instructions.iter().position(|instruction| instruction.lines.0 == line);
        found.map(|instruction| touches(build, profile, instruction, &history)).unwrap_or_default()
    })
}
