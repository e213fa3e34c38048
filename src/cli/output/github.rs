//! Annotations of GitHub Actions:
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message>.

use std::fmt::Write;

use super::{Results, whole_message};
use crate::diagnostic::Severity;

pub(super) fn render(results: &Results) -> String {
    let mut text = String::new();
    for (file, diagnostic) in results.findings() {
        let command = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let (start, end) = file.positions(diagnostic.range);
        // Columns make sense to GitHub within one line only.
        let columns = if start.line == end.line {
            format!(",col={},endColumn={}", start.column, end.column)
        } else {
            String::new()
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "::{command} file={},line={},endLine={}{columns},title={}::{}",
            property(&file.name),
            start.line,
            end.line,
            property(&format!("layerwise ({})", diagnostic.rule)),
            data(&whole_message(diagnostic)),
        );
    }
    text
}

/// The text after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which ends at `,` and the last of which ends at `::`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_ends_a_command() {
        assert_eq!(data("50%\r\nnext: a, b"), "50%25%0D%0Anext: a, b");
        assert_eq!(property("a:b,c%"), "a%3Ab%2Cc%25");
    }
}
