//! The last lines of the formats for people: how much was found, and what can be mended.

use std::fmt::Write;

use super::{Counts, Results};
use crate::diagnostic::Safety;

/// `1 finding`, `2 findings`.
pub(in crate::cli) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

pub(super) fn render(results: &Results, fixing: bool) -> String {
    let counts = results.counts();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = match (counts.total(), results.fixed) {
        (0, 0) if results.files.is_empty() => Ok(()),
        (0, 0) => writeln!(text, "Checked {}: no findings.", count(results.files.len(), "file")),
        (left, fixed) if fixing && fixed > 0 => {
            writeln!(text, "Found {} ({fixed} fixed, {left} remaining).", count(left + fixed, "finding"))
        }
        (left, _) => writeln!(text, "Found {}.", count(left, "finding")),
    };
    if results.baselined > 0 {
        let _ = writeln!(text, "{} of the baseline not shown.", count(results.baselined, "finding"));
    }
    if let Some(line) = fixable(results, counts) {
        let _ = writeln!(text, "{line}");
    }
    text
}

fn fixable(results: &Results, counts: Counts) -> Option<String> {
    let Counts { fixable, unsafely_fixable, .. } = counts;
    match (results.wanted, fixable, unsafely_fixable) {
        (_, 0, 0) => None,
        (Safety::Safe, 0, more) => Some(format!("{more} fixable with `--fix --unsafe-fixes`.")),
        (Safety::Safe, now, 0) => Some(format!("[*] {now} fixable with `--fix`.")),
        (Safety::Safe, now, more) => {
            Some(format!("[*] {now} fixable with `--fix`, {more} more with `--unsafe-fixes`."))
        }
        (_, now, more) => Some(format!("[*] {} fixable with `--fix --unsafe-fixes`.", now + more)),
    }
}
