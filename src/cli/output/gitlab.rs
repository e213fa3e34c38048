//! The Code Quality report of GitLab: <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>.

use serde_json::{Value, json};

use super::{Results, ci_path, whole_message};
use crate::diagnostic::Severity;

pub(super) fn render(results: &Results) -> String {
    let issues: Vec<Value> = results
        .entries()
        .map(|(file, diagnostic, print)| {
            let (begin, end) = file.lines(diagnostic.range);
            json!({
                "description": whole_message(diagnostic),
                "check_name": diagnostic.rule,
                "fingerprint": print.in_run,
                "severity": match diagnostic.severity {
                    Severity::Error => "major",
                    Severity::Warning => "minor",
                    Severity::Info => "info",
                },
                "location": { "path": ci_path(&file.name), "lines": { "begin": begin, "end": end } },
            })
        })
        .collect();
    format!("{:#}\n", Value::Array(issues))
}
