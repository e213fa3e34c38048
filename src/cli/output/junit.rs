//! The XML of `JUnit` reports: a suite for each file, a test case for each finding.
//!
//! Findings that lead to exit code 1 are failures; the others passed, and tell what they have to say as their output. A
//! file without findings is one test case that passed: readers take a report without test cases for a broken run.

use std::fmt::Write;

use super::xml::escape;
use super::{CheckedFile, Results, ci_path, whole_message};
use crate::diagnostic::Diagnostic;

pub(super) fn render(results: &Results) -> String {
    let failures = results.findings().filter(|(file, diagnostic)| file.fails(diagnostic)).count();
    let tests: usize = results.files.iter().map(|file| file.diagnostics.len().max(1)).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"layerwise\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">\n"
    );
    for file in &results.files {
        suite(&mut text, file);
    }
    text + "</testsuites>\n"
}

fn suite(text: &mut String, file: &CheckedFile) {
    let name = escape(&ci_path(&file.name));
    let failures = file.diagnostics.iter().filter(|diagnostic| file.fails(diagnostic)).count();
    let tests = file.diagnostics.len().max(1);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">"
    );
    if file.diagnostics.is_empty() {
        let _ = writeln!(text, "    <testcase name=\"no findings\" classname=\"{name}\"/>");
    }
    for diagnostic in &file.diagnostics {
        case(text, file, &name, diagnostic);
    }
    text.push_str("  </testsuite>\n");
}

fn case(text: &mut String, file: &CheckedFile, name: &str, diagnostic: &Diagnostic) {
    let (start, _) = file.positions(diagnostic.range);
    let (rule, place) = (diagnostic.rule, format!("{}:{}", start.line, start.column));
    let whole = escape(&format!("{}:{place}: {}", file.name, whole_message(diagnostic)));
    let outcome = if file.fails(diagnostic) {
        let (kind, message) = (diagnostic.severity.name(), escape(&diagnostic.message));
        format!("<failure type=\"{kind}\" message=\"{message}\">{whole}</failure>")
    } else {
        format!("<system-out>{whole}</system-out>")
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "    <testcase name=\"{rule} ({place})\" classname=\"{name}\">\n      {outcome}\n    </testcase>"
    );
}
