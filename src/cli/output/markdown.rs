//! A summary in Markdown, for the summary of a job or a comment: what was found, and what a change costs now and with the
//! order that `layerwise optimize` finds.

use std::fmt::Write;

use super::cost::duration;
use super::{Results, ci_path, cost, count};
use crate::diagnostic::{Diagnostic, Safety};

/// Rows of findings that are shown: GitHub takes summaries of up to 1 MiB.
const MOST: usize = 500;

pub(super) fn render(results: &Results) -> String {
    let counts = results.counts();
    let mut text = String::from("## layerwise\n\n");
    // Writing to a string cannot fail.
    let _ = match counts.total() {
        0 => writeln!(text, "No findings in {}.", count(results.files.len(), "file")),
        total => writeln!(
            text,
            "{} in {}: {}, {}, {}.",
            count(total, "finding"),
            count(results.files.iter().filter(|file| !file.diagnostics.is_empty()).count(), "file"),
            count(counts.errors, "error"),
            count(counts.warnings, "warning"),
            count(counts.infos, "info"),
        ),
    };
    if results.baselined > 0 {
        let _ = writeln!(text, "\n{} of the baseline not shown.", count(results.baselined, "finding"));
    }
    if results.failed > 0 {
        let _ = writeln!(text, "\n**{} could not be checked.**", count(results.failed, "file or path"));
    }
    findings(&mut text, results);
    costs(&mut text, results);
    text
}

fn findings(text: &mut String, results: &Results) {
    if results.findings().next().is_none() {
        return;
    }
    text.push_str("\n| place | severity | rule | finding | cost | fix |\n|---|---|---|---|---|---|\n");
    for (file, diagnostic) in results.findings().take(MOST) {
        let (start, _) = file.positions(diagnostic.range);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {}:{} | {} | `{}` | {} | {} | {} |",
            cell(&ci_path(&file.name)),
            start.line,
            diagnostic.severity.name(),
            diagnostic.rule,
            cell(&diagnostic.message),
            diagnostic.cost.as_ref().map(|cost| cell(&cost::short(cost))).unwrap_or_default(),
            fix(diagnostic),
        );
    }
    let more = results.findings().count().saturating_sub(MOST);
    if more > 0 {
        let _ = writeln!(text, "\n{} more.", count(more, "finding"));
    }
}

fn fix(diagnostic: &Diagnostic) -> &'static str {
    match diagnostic.fix.as_ref().map(|fix| fix.safety) {
        Some(Safety::Safe) => "`--fix`",
        Some(Safety::Unsafe) => "`--fix --unsafe-fixes`",
        Some(Safety::Manual) => "by hand",
        None => "",
    }
}

fn costs(text: &mut String, results: &Results) {
    let known: Vec<_> = results.files.iter().filter_map(|file| Some((file, file.rebuild_cost?))).collect();
    if known.is_empty() {
        return;
    }
    text.push_str(
        "\n### Expected rebuild cost per change\n\n| file | now | after `layerwise optimize` |\n|---|--:|--:|\n",
    );
    for (file, cost) in known {
        let (now, then) = (duration(cost.before), duration(cost.after));
        let then = if now == then { "the same" } else { &then };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {} | {now} | {then} |", cell(&ci_path(&file.name)));
    }
    text.push_str(
        "\nSeconds are estimates where nothing was measured; shares of changes come from the history, or are usual ones where it is short.\n",
    );
}

/// A text in a cell of a table: on one line, `|` escaped, and outside of code nothing that Markdown or HTML would read.
fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut in_code = false;
    let pairs = text.matches('`').count() / 2 * 2;
    let mut ticks = 0;
    for character in text.chars() {
        match character {
            '`' if ticks < pairs => {
                (ticks, in_code) = (ticks + 1, !in_code);
                escaped.push('`');
            }
            '|' => escaped.push_str("\\|"),
            _ if character.is_control() => escaped.push(' '),
            '`' | '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '~' | '@' | '#' | '&' | '!' if !in_code => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_a_cell() {
        assert_eq!(cell("`a|<b>` is <i>\n![x](y) @me"), "`a\\|<b>` is &#60;i&#62; &#33;&#91;x&#93;(y) &#64;me");
        assert_eq!(cell("one ` of `two`"), "one ` of `two&#96;");
    }
}
