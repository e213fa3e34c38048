//! Runs the rules over one file.

use super::{RULES, Reporter, Selection, Subject, Suppressions, builtin, find};
use crate::diagnostic::Diagnostic;
use crate::syntax::Dockerfile;

/// Characters that a message may have; no honest one comes near.
const LONGEST: usize = 1000;

/// All findings in the subject: those of the selected rules and the built-in ones, without the silenced, with the
/// selected severities, sorted by place.
pub fn run(subject: &Subject<'_>, selection: &Selection) -> Vec<Diagnostic> {
    let mut report = Reporter::new();
    report_syntax(subject.file, &mut report);
    let suppressions = Suppressions::read(subject.file, &mut report);
    for rule in RULES.iter().filter(|rule| selection.severity(rule.meta().name).is_some()) {
        rule.check(subject, &mut report);
    }
    let mut diagnostics = report.into_diagnostics();
    diagnostics.retain_mut(|diagnostic| match selection.severity(diagnostic.rule) {
        Some(severity) => {
            // A rule may report a finding as less than its default; what the configuration says is for all of them.
            if find(diagnostic.rule).is_some_and(|meta| meta.severity != severity) {
                diagnostic.severity = severity;
            }
            make_printable(diagnostic);
            !suppressions.covers(diagnostic, subject.file.instructions())
        }
        None => false,
    });
    sort(&mut diagnostics);
    diagnostics
}

/// Orders findings by place, then by rule; what is equal in both keeps its order.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|left, right| (left.range, left.rule).cmp(&(right.range, right.rule)));
}

/// Makes texts that quote the file fit to be shown: a name in it may have millions of letters, or steer the terminal.
fn make_printable(diagnostic: &mut Diagnostic) {
    let labels = diagnostic.related.iter_mut().map(|label| &mut label.message);
    for text in labels.chain(&mut diagnostic.help).chain([&mut diagnostic.message]) {
        if let Some((end, _)) = text.char_indices().nth(LONGEST) {
            text.truncate(end);
            text.push('…');
        }
        if text.contains(char::is_control) {
            *text = text.replace(char::is_control, "?");
        }
    }
}

fn report_syntax(file: &Dockerfile, report: &mut Reporter) {
    for error in file.errors() {
        report.add(builtin::SyntaxProblem::META, error.range, error.message.clone()).help.clone_from(&error.help);
    }
}
