//! The Reviewdog Diagnostic Format:
//! <https://github.com/reviewdog/reviewdog/blob/master/proto/rdf/reviewdog.proto>.
//!
//! Its columns count bytes of UTF-8, from 1; ends are exclusive.

use serde_json::{Value, json};

use super::{CheckedFile, Results, ci_path, whole_message};
use crate::diagnostic::{Diagnostic, Fix, Safety, Severity};
use crate::lint;
use crate::text::TextRange;

pub(super) fn render(results: &Results) -> String {
    let diagnostics: Vec<Value> =
        results.findings().map(|(file, diagnostic)| json_diagnostic(file, diagnostic)).collect();
    format!("{:#}\n", json!({ "source": { "name": "layerwise" }, "diagnostics": diagnostics }))
}

fn json_diagnostic(file: &CheckedFile, diagnostic: &Diagnostic) -> Value {
    let mut code = json!({ "value": diagnostic.rule });
    if let Some(url) = lint::find(diagnostic.rule).map(lint::Meta::url).filter(|url| url.contains("://")) {
        code["url"] = json!(url);
    }
    let mut entry = json!({
        "message": whole_message(diagnostic),
        "location": { "path": ci_path(&file.name), "range": range(file, diagnostic.range) },
        "severity": match diagnostic.severity {
            Severity::Error => "ERROR",
            Severity::Warning => "WARNING",
            Severity::Info => "INFO",
        },
        "code": code,
    });
    if let Some(suggestion) = diagnostic.fix.as_ref().and_then(|fix| suggestion(file, fix)) {
        entry["suggestions"] = json!([suggestion]);
    }
    entry
}

/// A suggestion is taken with a click and alone. So it is made of safe fixes only, of all their changes together, and not
/// where another file belongs to the fix.
fn suggestion(file: &CheckedFile, fix: &Fix) -> Option<Value> {
    let changes = fix.edit.changes();
    let whole = TextRange::new(changes.first()?.range.start, changes.iter().map(|change| change.range.end).max()?);
    if fix.safety != Safety::Safe || !fix.files.is_empty() {
        return None;
    }
    let rest = file.source.len().checked_sub(whole.end)?;
    let mended = fix.edit.apply(&file.source);
    let text = mended.get(whole.start..mended.len().checked_sub(rest)?)?;
    Some(json!({ "range": range(file, whole), "text": text }))
}

fn range(file: &CheckedFile, range: TextRange) -> Value {
    let place = |offset| {
        let (line, column) = file.line_and_byte(offset);
        json!({ "line": line, "column": column })
    };
    json!({ "start": place(range.start), "end": place(range.end) })
}
