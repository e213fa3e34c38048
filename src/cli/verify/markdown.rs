//! What was found, for a pull request.

use std::fmt::Write;

use super::super::optimize::seconds;
use super::report::{Shown, noises, or_none, origin, stumbled};
use super::traces;
use crate::text::size_in_words;
use crate::verify::image_config::ConfigDifference;

/// Rows of a table that are shown.
const MOST: usize = 50;

pub(super) fn render(shown: &Shown<'_>) -> String {
    let found = shown.found;
    let mark = if found.is_proven() { "✅" } else { "❌" };
    let mut text = format!("## {mark} `{}`: {}\n", shown.name, cell(&found.in_words()));
    // Writing to a string cannot fail.
    if let Some(reason) = &found.proof.broken {
        let _ = write!(text, "\n```\n{}\n```\n", reason.replace("```", "'''"));
    }
    for stumble in found.stumbles() {
        let _ = write!(text, "\n{}:\n\n```\n{}\n```\n", cell(&stumbled(stumble)), stumble.reason.replace("```", "'''"));
    }
    differences(&mut text, shown);
    started(&mut text, shown);
    changes(&mut text, shown);
    steps(&mut text, shown);
    if let Some(after) = &found.proof.after {
        let before = &found.proof.before;
        let _ = writeln!(text, "\n| | before | after |\n|---|---|---|");
        let _ = writeln!(text, "| clean build | {} | {} |", seconds(before.seconds), seconds(after.seconds));
        let _ = writeln!(text, "| image | {} | {} |", size_in_words(before.bytes), size_in_words(after.bytes));
        let (old, new) = &shown.expected;
        let _ = writeln!(text, "| expected rebuild per change | {} | {} |", seconds(old.mean), seconds(new.mean));
    }
    text.push_str(&traces::markdown(&found.proof.traces));
    noise(&mut text, shown);
    text
}

fn noise(text: &mut String, shown: &Shown<'_>) {
    for (title, found) in noises(&shown.found.proof) {
        let _ = writeln!(text, "\n<details><summary>{title}</summary>\n\n| what | one | the other |\n|---|---|---|");
        for found in found.iter().take(MOST) {
            let (before, after) = (cell(or_none(&found.before)), cell(or_none(&found.after)));
            let _ = writeln!(text, "| `{}` ({}) | {before} | {after} |", cell(&found.path), found.kind.name());
        }
        if found.len() > MOST {
            let _ = writeln!(text, "\nand {} more", found.len() - MOST);
        }
        text.push_str("\n</details>\n");
    }
}

fn differences(text: &mut String, shown: &Shown<'_>) {
    let proof = &shown.found.proof;
    if proof.differences.is_empty() && proof.config.is_empty() && proof.config_noise.is_empty() {
        return;
    }
    text.push_str("\n| what | before | after | made by |\n|---|---|---|---|\n");
    for explained in proof.differences.iter().take(MOST) {
        let found = &explained.difference;
        let _ = writeln!(
            text,
            "| `{}` ({}) | {} | {} | {}; {} |",
            cell(&found.path),
            found.kind.name(),
            cell(or_none(&found.before)),
            cell(or_none(&found.after)),
            cell(&origin(explained.step_before.as_ref())),
            cell(&origin(explained.step_after.as_ref())),
        );
    }
    for found in &proof.config {
        text.push_str(&property(&found.property, found, ""));
    }
    for found in &proof.config_noise {
        text.push_str(&property(&format!("{}, which differs by itself", found.property), found, ""));
    }
    let more = proof.differences.len().saturating_sub(MOST);
    if more > 0 {
        let _ = writeln!(text, "\nand {more} more paths");
    }
}

fn property(name: &str, found: &ConfigDifference, made_by: &str) -> String {
    let (before, after) = (cell(or_none(&found.before)), cell(or_none(&found.after)));
    format!("| {} | {before} | {after} | {made_by} |\n", cell(name))
}

fn started(text: &mut String, shown: &Shown<'_>) {
    let Some(smoke) = &shown.found.proof.smoke else { return };
    text.push_str("\n| started | it | after |\n|---|---|---|\n");
    for (side, ran) in [("before", &smoke.before), ("after", &smoke.after)] {
        let _ = writeln!(text, "| {side} | {} | {} |", ran.fate.in_words(), seconds(ran.seconds));
    }
    let disagrees = smoke.before.fate != smoke.after.fate || !smoke.is_checked();
    for ran in [&smoke.before, &smoke.after].into_iter().filter(|ran| disagrees && !ran.output.is_empty()) {
        let _ = writeln!(text, "\n```\n{}\n```", ran.output.replace("```", "'''"));
    }
}

fn changes(text: &mut String, shown: &Shown<'_>) {
    if shown.changes().is_empty() {
        return;
    }
    text.push_str("\n| change | rebuild before | rebuild after | as predicted |\n|---|---|---|---|\n");
    for change in shown.changes() {
        let said = match (&change.skipped, change.agrees()) {
            (Some(_), _) => "does not build".to_owned(),
            (None, false) if change.broken.is_some() => "no: the candidate does not build".to_owned(),
            (None, true) if !change.noise.is_empty() => {
                format!("yes, but for {} that differ by themselves", change.noise.len())
            }
            (None, true) => "yes".to_owned(),
            (None, false) if change.disagreements.is_empty() => "no: another image".to_owned(),
            (None, false) => format!("no: {}", change.disagreements.join("; ")),
        };
        let (before, after) = (seconds(change.seconds_before), seconds(change.seconds_after));
        let name: String = change.change.chars().take(60).collect();
        let _ = writeln!(text, "| {} | {before} | {after} | {} |", cell(&name), cell(&said));
    }
}

fn steps(text: &mut String, shown: &Shown<'_>) {
    if shown.steps.is_empty() {
        return;
    }
    let built = shown.built();
    text.push_str("\n| line | step | clean | hits predicted | hits seen |\n|---|---|---|---|---|\n");
    let hits = |count: usize| if built == 0 { "-".to_owned() } else { format!("{count}/{built}") };
    for step in &shown.steps {
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} | {} |",
            step.line,
            cell(&step.instruction).replace('`', "'"),
            step.seconds.map(seconds).unwrap_or_default(),
            hits(step.predicted_hits),
            hits(step.observed_hits),
        );
    }
}

/// Text that stays within its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
