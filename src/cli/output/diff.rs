//! Differences between two texts, by line.

use std::fmt::Write;

use similar::{ChangeTag, TextDiff};

const RED: &str = "\u{1b}[31m";
const GREEN: &str = "\u{1b}[32m";
const BLUE: &str = "\u{1b}[34m";
const RESET: &str = "\u{1b}[0m";

/// A unified diff of one file, empty where nothing changes. A file that is not there yet has an empty `old`.
pub(in crate::cli) fn unified_diff(name: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let diff = TextDiff::from_lines(old, new);
    let before = if old.is_empty() { "/dev/null" } else { name };
    diff.unified_diff().context_radius(3).header(before, name).to_string()
}

/// A diff with line numbers for a finding, colored.
pub(super) fn excerpt(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let width = old.lines().count().max(new.lines().count()).to_string().len();
    let mut text = String::new();
    for (index, group) in diff.grouped_ops(2).iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:width$} {BLUE}{}{RESET}", "", if index == 0 { "│" } else { "·" });
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let (color, sign) = match change.tag() {
                ChangeTag::Delete => (RED, "-"),
                ChangeTag::Insert => (GREEN, "+"),
                ChangeTag::Equal => ("", "│"),
            };
            let number = change.old_index().filter(|_| change.tag() == ChangeTag::Delete).or(change.new_index());
            let line = super::excerpt::printable(change.value());
            let number = number.map_or_else(String::new, |number| (number + 1).to_string());
            let reset = if color.is_empty() { "" } else { RESET };
            let line = format!("{color}{sign} {line}{reset}");
            let _ = writeln!(text, "{BLUE}{number:>width$}{RESET} {}", line.trim_end());
        }
    }
    text
}
