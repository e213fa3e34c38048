//! Lines for `.dockerignore`.

use crate::{
    context::Context,
    ecosystem::WriteKind::{CleanOutput, Output},
    model::{Build, Placement, Supply, Transfer},
};

/// `ignore` with these patterns at its end, each on a line of its own. The text that stands there is kept as it is.
pub fn extended(ignore: Option<&str>, patterns: &[String]) -> String {
    let mut text = ignore.unwrap_or_default().to_owned();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(newline);
    }
    for pattern in patterns {
        text.push_str(&escaped(pattern));
        text.push_str(newline);
    }
    text
}

/// A path as a pattern that matches it alone.
fn escaped(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for character in path.chars() {
        if matches!(character, '*' | '?' | '[' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// What a first `.dockerignore` can hold without a change to the image: directories that the build's own steps fill, and
/// the repository's metadata, of which none stands in the context today. Empty unless a copy takes the whole context and
/// a step fills a directory of it.
pub fn first_patterns(build: &Build<'_>, context: &dyn Context) -> Vec<String> {
    let whole = |transfer: &Transfer| {
        transfer.supply == Supply::Context && transfer.placement.as_ref().is_some_and(Placement::takes_whole_context)
    };
    if !build.steps().any(|(_, step)| step.transfer().is_some_and(whole)) {
        return Vec::new();
    }
    let mut patterns: Vec<String> = outputs(build).into_iter().filter(|path| context.entry(path).is_none()).collect();
    // A context below the top of a repository has no `.git` of its own; where there is no repository, one may come.
    if !patterns.is_empty() && context.entry(".git").is_none() && context.history(1).is_none() {
        patterns.push(".git".to_owned());
    }
    patterns.sort();
    patterns.dedup();
    patterns
}

fn outputs(build: &Build<'_>) -> Vec<String> {
    let commands = build.steps().filter_map(|(_, step)| step.run()).flat_map(|run| &run.commands);
    let writes = commands.filter_map(|command| command.closure.as_ref()).flat_map(|closure| &closure.writes);
    writes.filter(|write| matches!(write.kind, Output | CleanOutput)).map(|write| write.path.clone()).collect()
}
