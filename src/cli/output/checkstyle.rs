//! The XML that Checkstyle writes, which Jenkins, reviewdog and others read: <https://checkstyle.org/>.

use std::fmt::Write;

use super::xml::escape;
use super::{Results, ci_path, whole_message};

pub(super) fn render(results: &Results) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<checkstyle version=\"10.0\">\n");
    for file in results.files.iter().filter(|file| !file.diagnostics.is_empty()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  <file name=\"{}\">", escape(&ci_path(&file.name)));
        for diagnostic in &file.diagnostics {
            let (start, _) = file.positions(diagnostic.range);
            let _ = writeln!(
                text,
                "    <error line=\"{}\" column=\"{}\" severity=\"{}\" message=\"{}\" source=\"layerwise.{}\"/>",
                start.line,
                start.column,
                diagnostic.severity.name(),
                escape(&whole_message(diagnostic)),
                diagnostic.rule,
            );
        }
        text.push_str("  </file>\n");
    }
    text + "</checkstyle>\n"
}
