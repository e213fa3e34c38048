//! The JSON document that docs/json.md describes.

use serde::Serialize;
use serde_json::{Value, json};

use super::statistics::{self, Statistic};
use super::{CheckedFile, Results};
use crate::diagnostic::{Cost, Diagnostic, Fix};
use crate::lint;
use crate::text::TextRange;

/// A new number means that a reader of the old form may break. New keys alone do not change it.
const VERSION: u32 = 1;

pub(super) fn render(results: &Results) -> String {
    let counts = results.counts();
    let diagnostics: Vec<Value> =
        results.entries().map(|(file, diagnostic, print)| json_diagnostic(file, diagnostic, &print.in_run)).collect();
    let document = json!({
        "version": VERSION,
        "files": results.files.len(),
        "diagnostics": diagnostics,
        "summary": Summary {
            findings: counts.total(),
            errors: counts.errors,
            warnings: counts.warnings,
            infos: counts.infos,
            fixable: counts.fixable,
            unsafely_fixable: counts.unsafely_fixable,
            fixed: results.fixed,
            failed: results.failed,
            baselined: results.baselined,
        },
        "statistics": statistics::of(results).iter().map(json_statistic).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

#[derive(Serialize)]
struct Summary {
    findings: usize,
    errors: usize,
    warnings: usize,
    infos: usize,
    fixable: usize,
    unsafely_fixable: usize,
    fixed: usize,
    failed: usize,
    baselined: usize,
}

fn json_statistic(statistic: &Statistic) -> Value {
    json!({ "rule": statistic.rule, "findings": statistic.findings, "fixable": statistic.fixable })
}

fn json_diagnostic(file: &CheckedFile, diagnostic: &Diagnostic, print: &str) -> Value {
    let meta = lint::find(diagnostic.rule);
    let related: Vec<Value> = diagnostic
        .related
        .iter()
        .map(|label| json!({ "message": label.message, "range": range(file, label.range) }))
        .collect();
    json!({
        "rule": diagnostic.rule,
        "aliases": meta.map_or(&[][..], |meta| meta.aliases),
        "severity": diagnostic.severity.name(),
        "message": diagnostic.message,
        "path": file.name,
        "range": range(file, diagnostic.range),
        "related": related,
        "help": diagnostic.help,
        "cost": diagnostic.cost.as_ref().map(json_cost),
        "fix": diagnostic.fix.as_ref().map(|fix| json_fix(file, fix)),
        "url": meta.map(lint::Meta::url),
        "fingerprint": print,
    })
}

fn range(file: &CheckedFile, range: TextRange) -> Value {
    let (start, end) = file.positions(range);
    json!({
        "start": { "line": start.line, "column": start.column },
        "end": { "line": end.line, "column": end.column },
    })
}

fn json_cost(cost: &Cost) -> Value {
    json!({ "rate": cost.rate, "seconds": cost.seconds, "changes": cost.changes, "measured": cost.measured })
}

/// Changes of the file itself have a range; another file is written anew, its path starts from the build context.
fn json_fix(file: &CheckedFile, fix: &Fix) -> Value {
    let changes = fix.edit.changes().iter().map(
        |change| json!({ "path": file.name, "range": range(file, change.range), "replacement": change.replacement }),
    );
    let others =
        fix.files.iter().map(|other| json!({ "path": other.path, "range": Value::Null, "replacement": other.text }));
    json!({
        "title": fix.title,
        "safety": fix.safety.name(),
        "argument": fix.argument,
        "edits": changes.chain(others).collect::<Vec<_>>(),
    })
}
