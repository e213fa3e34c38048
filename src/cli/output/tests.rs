//! Every format over findings with labels, costs and fixes of all kinds.

use super::{Format, Rendering, render};
use crate::cli::check::{CheckedFile, RebuildCost, Results};
use crate::config::FailOn;
use crate::diagnostic::{Cost, Diagnostic, FileEdit, Fix, Label, Safety, Severity};
use crate::text::{Change, TextEdit, TextRange};

const SOURCE: &str = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci \\\n    --é\nCMD [\"node\", \"app.js\"]\n";

fn place(text: &str) -> TextRange {
    let start = SOURCE.find(text).unwrap();
    TextRange::new(start, start + text.len())
}

fn finding(severity: Severity, range: TextRange, fix: Option<Fix>) -> Diagnostic {
    Diagnostic {
        rule: "unpinned-base-image",
        severity,
        message: "`COPY . .` comes before `npm ci`".to_owned(),
        range,
        related: Vec::new(),
        help: None,
        cost: None,
        fix,
    }
}

fn fix(safety: Safety, changes: Vec<(TextRange, &str)>, files: Vec<FileEdit>) -> Fix {
    let changes = changes.into_iter().map(|(range, text)| Change { range, replacement: text.to_owned() }).collect();
    let edit = TextEdit::new(changes).unwrap();
    Fix {
        title: "Copy the manifests first".to_owned(),
        safety,
        argument: "nothing else is read".to_owned(),
        edit,
        files,
    }
}

fn results() -> Results {
    let copy = place("COPY . .");
    let ignored = FileEdit { path: ".dockerignore".to_owned(), text: ".git\nnode_modules\n".to_owned() };
    let mut costly = finding(
        Severity::Warning,
        copy,
        Some(fix(
            Safety::Safe,
            vec![
                (copy, "COPY package.json package-lock.json ./"),
                (TextRange::empty(place("CMD").start), "COPY . .\n"),
            ],
            Vec::new(),
        )),
    );
    costly.related.push(Label { range: place("RUN npm ci \\\n    --é"), message: "runs again".to_owned() });
    costly.cost = Some(Cost { rate: 0.84, seconds: 35.0, changes: 200, measured: false });
    costly.help = Some("copy what `npm ci` reads first".to_owned());
    let mut diagnostics = vec![
        costly,
        finding(Severity::Error, place("--é"), Some(fix(Safety::Unsafe, vec![(place("--é"), "--omit=dev")], vec![]))),
        finding(Severity::Info, place("FROM"), Some(fix(Safety::Unsafe, vec![], vec![ignored]))),
        finding(Severity::Info, TextRange::empty(SOURCE.len()), Some(fix(Safety::Manual, vec![], vec![]))),
    ];
    crate::lint::sort(&mut diagnostics);
    let mut file = CheckedFile::new("app/Dockerfile", SOURCE, diagnostics, FailOn::Warning);
    file.rebuild_cost = Some(RebuildCost { before: 38.3, after: 12.0 });
    Results { files: vec![file], failed: 1, fixed: 2, baselined: 3, wanted: Safety::Safe }
}

#[test]
fn every_format_shows_everything() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../snapshots/cli/output");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, format) in [
        ("full", Format::Full),
        ("concise", Format::Concise),
        ("json", Format::Json),
        ("sarif", Format::Sarif),
        ("github", Format::Github),
        ("gitlab", Format::Gitlab),
        ("checkstyle", Format::Checkstyle),
        ("junit", Format::Junit),
        ("rdjson", Format::Rdjson),
        ("markdown", Format::Markdown),
    ] {
        let rendering = Rendering { quiet: false, fixing: name == "concise", statistics: false, links: false };
        let text = render(&results(), format, rendering);
        let plain = anstream::adapter::strip_str(&text).to_string();
        settings.bind(|| insta::assert_snapshot!(name, plain));
    }
}

#[test]
fn every_key_of_the_json_document_is_documented() {
    let text =
        render(&results(), Format::Json, Rendering { quiet: false, fixing: false, statistics: false, links: false });
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let manual = include_str!("../../../docs/json.md");
    let mut values = vec![&document];
    while let Some(value) = values.pop() {
        if let Some(object) = value.as_object() {
            for (key, value) in object {
                assert!(manual.contains(&format!("`{key}`")), "docs/json.md does not tell of `{key}`");
                values.push(value);
            }
        }
        values.extend(value.as_array().into_iter().flatten());
    }
}
