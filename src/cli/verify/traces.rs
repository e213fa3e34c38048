//! What steps reached, in every form.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::Serialize;

use crate::verify::trace::{Reached, Touch, TracedStep};

/// Names of a kind that are shown; JSON has all.
const MOST: usize = 20;

/// The kinds, in the order in which they are shown.
const KINDS: [Touch; 7] =
    [Touch::Read, Touch::List, Touch::Test, Touch::Write, Touch::Change, Touch::Rename, Touch::Delete];

/// A traced step as documented in `docs/json.md`.
#[derive(Serialize)]
pub(super) struct Json<'a> {
    line: usize,
    instruction: &'a str,
    complete: bool,
    calls: u64,
    overhead: Option<f64>,
    files: Vec<JsonFile<'a>>,
    missing: &'a BTreeSet<String>,
    made: usize,
}

#[derive(Serialize)]
struct JsonFile<'a> {
    path: &'a str,
    how: Vec<&'static str>,
    by: &'a BTreeSet<String>,
}

impl<'a> From<&'a TracedStep> for Json<'a> {
    fn from(step: &'a TracedStep) -> Self {
        let file = |(path, reached): (&'a String, &'a Reached)| JsonFile {
            path,
            how: reached.how.iter().map(|how| how.name()).collect(),
            by: &reached.by,
        };
        Self {
            line: step.line,
            instruction: &step.text,
            complete: step.is_complete,
            calls: step.calls,
            overhead: step.overhead().map(super::super::rounded),
            files: step.files.iter().map(file).collect(),
            missing: &step.missing,
            made: step.made,
        }
    }
}

/// For people.
pub(super) fn full(steps: &[TracedStep]) -> String {
    let mut text = String::new();
    for step in steps {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n  traced: line {}, `{}`: {}", step.line, step.text, summary(step));
        for (kind, names) in kinds(step) {
            let _ = writeln!(text, "    {kind:8} {names}");
        }
    }
    text
}

/// For a pull request.
pub(super) fn markdown(steps: &[TracedStep]) -> String {
    let mut text = String::new();
    for step in steps {
        let title = format!("Traced: line {}, <code>{}</code>: {}", step.line, escaped(&step.text), summary(step));
        let _ = writeln!(text, "\n<details><summary>{title}</summary>\n\n| what | files |\n|---|---|");
        for (kind, names) in kinds(step) {
            let _ = writeln!(text, "| {kind} | {} |", escaped(&names));
        }
        text.push_str("\n</details>\n");
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn summary(step: &TracedStep) -> String {
    let files = step.files.values().filter(|file| !file.is_directory).count();
    let mut said = match files {
        0 => "no copied file reached".to_owned(),
        1 => "1 copied file reached".to_owned(),
        count => format!("{count} copied files reached"),
    };
    if !step.is_complete {
        said.push_str(", as far as could be seen");
    }
    if let Some(overhead) = step.overhead() {
        let _ = write!(said, "; {overhead:.1} times as long as untraced");
    }
    said
}

/// The kinds with their names. What was read need not be said to be asked for, and directories on the way neither.
fn kinds(step: &TracedStep) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for kind in KINDS {
        let shown = |(path, reached): (&String, &Reached)| {
            let said = kind != Touch::Test || !reached.is_directory && !reached.how.contains(&Touch::Read);
            (said && reached.how.contains(&kind)).then(|| if path.is_empty() { ".".to_owned() } else { path.clone() })
        };
        found.push((kind.name(), step.files.iter().filter_map(shown).collect::<Vec<_>>()));
    }
    found.push(("missing", step.missing.iter().cloned().collect()));
    let mut found: Vec<(&str, String)> =
        found.into_iter().filter(|(_, names)| !names.is_empty()).map(|(kind, names)| (kind, listed(&names))).collect();
    if step.made > 0 {
        found.push(("made", format!("{} more below copied directories", step.made)));
    }
    found
}

fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        let _ = write!(text, " and {} more", names.len() - MOST);
    }
    text
}
