//! SARIF 2.1.0: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::{CheckedFile, Results, whole_message};
use crate::diagnostic::{Diagnostic, Fix, Severity};
use crate::lint::{self, Meta};
use crate::text::TextRange;

pub(super) fn render(results: &Results) -> String {
    let found: BTreeSet<&str> = results.findings().map(|(_, diagnostic)| diagnostic.rule).collect();
    let metas: Vec<&Meta> = lint::every_meta().filter(|meta| found.contains(meta.name)).collect();
    let entries: Vec<Value> = results
        .entries()
        .map(|(file, diagnostic, print)| {
            let index = metas.iter().position(|meta| meta.name == diagnostic.rule);
            result(file, diagnostic, index, &print.in_run)
        })
        .collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "layerwise",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": metas.iter().map(|meta| rule(meta)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": results.failed == 0 }],
            "results": entries,
        }],
    });
    format!("{document:#}\n")
}

/// `helpUri` must be absolute, so it is there only if `Cargo.toml` names a repository.
fn rule(meta: &Meta) -> Value {
    let mut rule = json!({
        "id": meta.name,
        "shortDescription": { "text": meta.summary() },
        "help": { "text": meta.manual(), "markdown": meta.manual() },
        "defaultConfiguration": { "level": level(meta.severity) },
        "properties": { "tags": meta.aliases },
    });
    let url = meta.url();
    if url.contains("://") {
        rule["helpUri"] = json!(url);
    }
    rule
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(file: &CheckedFile, diagnostic: &Diagnostic, rule_index: Option<usize>, print: &str) -> Value {
    let message = whole_message(diagnostic);
    let mut result = Map::new();
    result.insert("ruleId".into(), json!(diagnostic.rule));
    if let Some(index) = rule_index {
        result.insert("ruleIndex".into(), json!(index));
    }
    result.insert("level".into(), json!(level(diagnostic.severity)));
    result.insert("message".into(), json!({ "text": message }));
    result.insert("locations".into(), json!([location(file, diagnostic.range)]));
    if !diagnostic.related.is_empty() {
        let related = diagnostic.related.iter().map(|label| {
            let mut place = location(file, label.range);
            place["message"] = json!({ "text": label.message });
            place
        });
        result.insert("relatedLocations".into(), related.collect());
    }
    result.insert("partialFingerprints".into(), json!({ "layerwise/v1": print }));
    // A fix in several files cannot be told as changes of regions, and half of it is no fix; one without changes is
    // not allowed.
    if let Some(fix) = diagnostic.fix.as_ref().filter(|fix| fix.files.is_empty() && !fix.edit.is_empty()) {
        result.insert("fixes".into(), json!([json_fix(file, fix)]));
    }
    Value::Object(result)
}

fn location(file: &CheckedFile, range: TextRange) -> Value {
    json!({ "physicalLocation": { "artifactLocation": { "uri": uri(&file.name) }, "region": region(file, range) } })
}

fn region(file: &CheckedFile, range: TextRange) -> Value {
    let (start, end) = file.positions(range);
    json!({ "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column })
}

fn json_fix(file: &CheckedFile, fix: &Fix) -> Value {
    let replacements: Vec<Value> = fix
        .edit
        .changes()
        .iter()
        .map(|change| {
            json!({
                "deletedRegion": region(file, change.range),
                "insertedContent": { "text": change.replacement },
            })
        })
        .collect();
    json!({
        "description": { "text": format!("{} ({}: {})", fix.title, fix.safety.name(), fix.argument) },
        "artifactChanges": [{ "artifactLocation": { "uri": uri(&file.name) }, "replacements": replacements }],
    })
}

/// A path as a relative reference, or as a `file` URI where it is absolute.
fn uri(path: &str) -> String {
    let mut uri = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_paths_as_references() {
        assert_eq!(uri("a b/Dockerfile"), "a%20b/Dockerfile");
        assert_eq!(uri("/tmp/é"), "file:///tmp/%C3%A9");
    }
}
