//! Findings with excerpts of the file; a fix as a diff below its finding.

use std::fmt::Write;

use codespan_reporting::diagnostic::{Diagnostic as Report, Label, Severity as Level};
use codespan_reporting::files::SimpleFile;
use codespan_reporting::term::{self, Config, termcolor::Ansi};

use super::excerpt::{Excerpt, printable};
use super::{CheckedFile, Results, cost, diff, link};
use crate::diagnostic::{Diagnostic, Fix, Safety, Severity};

pub(super) fn render(results: &Results, links: bool) -> String {
    let mut text = String::new();
    for file in results.files.iter().filter(|file| !file.diagnostics.is_empty()) {
        let excerpt = Excerpt::new(&file.source);
        let shown = SimpleFile::new(printable(&file.name), &excerpt.text);
        for diagnostic in &file.diagnostics {
            let report = report(results, diagnostic, &excerpt);
            // The first bracket is that of the rule, whatever the file is called.
            let plain = format!("[{}]", diagnostic.rule);
            let linked = format!("[{}]", link::rule(diagnostic.rule, links));
            text.push_str(&render_report(&shown, &report, file, diagnostic).replacen(&plain, &linked, 1));
            if let Some(fix) = &diagnostic.fix {
                text.push_str(&render_fix(file, fix));
            }
            text.push('\n');
        }
    }
    text
}

fn report(results: &Results, diagnostic: &Diagnostic, excerpt: &Excerpt) -> Report<()> {
    let level = match diagnostic.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        Severity::Info => Level::Note,
    };
    let mark = if results.is_fixable(diagnostic) { "[*] " } else { "" };
    let related = diagnostic.related.iter();
    let labels = std::iter::once(Label::primary((), excerpt.range(diagnostic.range)))
        .chain(related.map(|label| Label::secondary((), excerpt.range(label.range)).with_message(&label.message)))
        .collect();
    let cost = diagnostic.cost.as_ref().map(cost::in_words);
    let help = diagnostic.help.as_ref().map(|help| format!("help: {help}"));
    Report::new(level)
        .with_code(diagnostic.rule)
        .with_message(format!("{mark}{}", diagnostic.message))
        .with_labels(labels)
        .with_notes(cost.into_iter().chain(help).collect())
}

fn render_report(
    shown: &SimpleFile<String, &String>,
    report: &Report<()>,
    file: &CheckedFile,
    diagnostic: &Diagnostic,
) -> String {
    let mut buffer = Ansi::new(Vec::new());
    match term::emit_to_write_style(&mut buffer, &Config::default(), shown, report) {
        Ok(()) => {
            let text = String::from_utf8_lossy(&buffer.into_inner()).trim_end().to_owned() + "\n";
            // The library calls the lowest level `note`.
            if diagnostic.severity == Severity::Info { text.replacen("note[", "info[", 1) } else { text }
        }
        // A label that fits no place; the finding counts for more than its excerpt.
        Err(_) => {
            format!("{}: {}[{}]: {}\n", file.name, diagnostic.severity.name(), diagnostic.rule, diagnostic.message)
        }
    }
}

fn render_fix(file: &CheckedFile, fix: &Fix) -> String {
    let mut text = format!("help: {}\n", fix.title);
    // Writing to a string cannot fail.
    let _ = match fix.safety {
        Safety::Safe => Ok(()),
        Safety::Unsafe => writeln!(text, "note: this fix is unsafe: {}", fix.argument),
        Safety::Manual => writeln!(text, "note: this fix is not applied by itself: {}", fix.argument),
    };
    text.push_str(&diff::excerpt(&file.source, &fix.edit.apply(&file.source)));
    for other in &fix.files {
        let _ = writeln!(text, "  --> {}", other.path);
        text.push_str(&diff::excerpt("", &other.text));
    }
    text
}
