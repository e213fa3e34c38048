//! Runs the rules over one file.

use super::{RULES, Reporter, Selection, Subject, Suppressions, builtin};
use crate::diagnostic::Diagnostic;
use crate::syntax::Dockerfile;
use crate::text::TextRange;

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
            diagnostic.severity = severity;
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

fn report_syntax(file: &Dockerfile, report: &mut Reporter) {
    for error in file.errors() {
        report.add(builtin::SyntaxProblem::META, error.range, error.message.clone()).help.clone_from(&error.help);
    }
    if file.errors().is_empty() && file.instructions().is_empty() {
        let start = TextRange::empty(0);
        report.add(builtin::SyntaxProblem::META, start, "the file has no instructions").help =
            Some("a Dockerfile starts with `FROM <image>`".to_owned());
    }
}
