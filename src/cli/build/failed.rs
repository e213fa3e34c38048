//! The report of a build that stopped: what, where in the Dockerfile, and the last lines of the command.

use std::fmt::Write;

use super::events;
use crate::cli::terminal;
use crate::runtime::build::BuildError;
use crate::syntax::Dockerfile;

/// Lines of an instruction that are shown.
const LINES: usize = 12;

/// Prints the report.
pub(super) fn report(error: &BuildError, name: &str, file: &Dockerfile, json: bool) {
    let tail: &[String] = if let BuildError::Run { tail, .. } = error { tail } else { &[] };
    if json {
        events::error(&error.to_string(), error.lines().map(|(first, _)| first), tail);
        return;
    }
    let mut text = format!("error: {error}\n");
    if let Some(lines) = error.lines() {
        text.push_str(&excerpt(name, file.source(), lines));
    }
    if !tail.is_empty() {
        text.push_str("last lines of its output:\n");
        for line in tail {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {line}");
        }
    }
    if let Some(help) = error.help() {
        let _ = writeln!(text, "help: {help}");
    }
    terminal::note(text.trim_end());
}

fn excerpt(name: &str, source: &str, (first, last): (usize, usize)) -> String {
    let width = last.to_string().len();
    let mut text = format!("{:width$}--> {name}:{first}\n{:width$} |\n", "", "");
    for (number, line) in source.lines().enumerate().skip(first - 1).take((last + 1 - first).min(LINES)) {
        let _ = writeln!(text, "{:>width$} | {line}", number + 1);
    }
    if last + 1 - first > LINES {
        let _ = writeln!(text, "{:width$} | …", "");
    }
    text
}
