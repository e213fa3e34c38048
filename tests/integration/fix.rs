//! Fixing: whole fixes or none, no overlap, an end, and never a broken file.

use std::path::Path;

use layerwise::analysis::{self, Input};
use layerwise::config::{Discovery, Overrides, Source};
use layerwise::diagnostic::{Diagnostic, FileEdit, Fix, Safety, Severity};
use layerwise::fix::{self, Trouble};
use layerwise::syntax::Dockerfile;
use layerwise::text::{Change, TextEdit, TextRange};
use proptest::prelude::*;

use crate::program;

/// A finding at `range` whose fix makes the given changes.
fn finding(rule: &'static str, safety: Safety, changes: Vec<(usize, usize, &str)>) -> Diagnostic {
    let changes = changes
        .into_iter()
        .map(|(start, end, text)| Change { range: TextRange::new(start, end), replacement: text.to_owned() });
    let edit = TextEdit::new(changes.collect()).unwrap();
    Diagnostic {
        rule,
        severity: Severity::Warning,
        message: rule.to_owned(),
        range: edit.changes().first().map_or(TextRange::empty(0), |change| change.range),
        related: Vec::new(),
        help: None,
        cost: None,
        fix: Some(Fix { title: rule.to_owned(), safety, argument: String::new(), edit, files: Vec::new() }),
    }
}

/// Finds every place of `wanted`, overlaps included.
fn find(text: &str, wanted: &str, rule: &'static str, replacement: &str) -> Vec<Diagnostic> {
    let places = text.char_indices().filter(|(at, _)| text[*at..].starts_with(wanted));
    places.map(|(at, _)| finding(rule, Safety::Safe, vec![(at, at + wanted.len(), replacement)])).collect()
}

const HEAD: &str = "FROM a:1\nRUN ";

#[test]
fn takes_a_fix_whole_or_not_at_all() {
    let check = |text: &str, _: &[FileEdit]| match text {
        "FROM a:1\nRUN abc" => vec![
            finding("first", Safety::Safe, vec![(13, 14, "A")]),
            finding("second", Safety::Safe, vec![(13, 15, "x"), (15, 16, "y")]),
            finding("third", Safety::Safe, vec![(15, 16, "C")]),
        ],
        _ => Vec::new(),
    };
    let outcome = fix::fix("FROM a:1\nRUN abc", Safety::Safe, &check);
    assert_eq!(outcome.text, "FROM a:1\nRUN AbC");
    assert_eq!(outcome.applied.iter().map(|applied| applied.rule).collect::<Vec<_>>(), ["first", "third"]);
}

#[test]
fn applies_only_what_promises_enough() {
    let source = "FROM a:1\nRUN abc";
    let all = |_: &str, _: &[FileEdit]| {
        vec![
            finding("unsafe", Safety::Unsafe, vec![(13, 14, "A")]),
            finding("manual", Safety::Manual, vec![(14, 15, "B")]),
        ]
    };
    assert_eq!(fix::fix(source, Safety::Safe, &all).text, source);
    let once = |text: &str, files: &[FileEdit]| if text == source { all(text, files) } else { Vec::new() };
    assert_eq!(fix::fix(source, Safety::Unsafe, &once).text, "FROM a:1\nRUN Abc");
    assert_eq!(fix::fix(source, Safety::Manual, &once).text, "FROM a:1\nRUN Abc");
}

#[test]
fn keeps_the_file_when_a_fix_breaks_it() {
    let check = |_: &str, _: &[FileEdit]| vec![finding("bad", Safety::Safe, vec![(9, 12, "RUUN")])];
    let outcome = fix::fix("FROM a:1\nRUN abc", Safety::Safe, &check);
    assert_eq!(outcome.text, "FROM a:1\nRUN abc");
    assert!(!outcome.changes());
    assert_eq!(outcome.trouble, Some(Trouble::Breaks(vec!["bad"])));
}

#[test]
fn ends_when_rules_undo_each_other() {
    let check = |text: &str, _: &[FileEdit]| {
        [find(text, "left", "to-right", "right"), find(text, "right", "to-left", "left")].concat()
    };
    let outcome = fix::fix("FROM a:1\nRUN left", Safety::Safe, &check);
    assert_eq!(outcome.trouble, Some(Trouble::Endless(vec!["to-right"])));
}

#[test]
fn writes_another_file_once_and_shows_it_to_the_next_check() {
    let check = |_: &str, pending: &[FileEdit]| {
        if !pending.is_empty() {
            return Vec::new();
        }
        let mut first = finding("one", Safety::Safe, Vec::new());
        let mut second = finding("two", Safety::Safe, Vec::new());
        for (diagnostic, text) in [(&mut first, ".git\n"), (&mut second, "other\n")] {
            let fix = diagnostic.fix.as_mut().unwrap();
            fix.files.push(FileEdit { path: ".dockerignore".to_owned(), text: text.to_owned() });
        }
        vec![first, second]
    };
    let outcome = fix::fix("FROM a:1\n", Safety::Safe, &check);
    assert_eq!(outcome.files, [FileEdit { path: ".dockerignore".to_owned(), text: ".git\n".to_owned() }]);
    assert_eq!(outcome.applied.len(), 1);
    assert!(outcome.remaining.is_empty() && outcome.trouble.is_none());
}

proptest! {
    /// Fixes that overlap, shrink and grow the text: the second run changes nothing, and what is applied is gone.
    #[test]
    fn fixing_twice_is_fixing_once(words in "[abc ]{0,40}") {
        let check = |text: &str, _: &[FileEdit]| {
            [find(text, "aa", "double", "a"), find(text, "ab", "order", "b"), find(text, "bc", "widen", "ccc")].concat()
        };
        let once = fix::fix(&format!("{HEAD}{words}"), Safety::Safe, &check);
        prop_assume!(once.trouble.is_none());
        prop_assert!(check(&once.text, &[]).is_empty());
        let twice = fix::fix(&once.text, Safety::Safe, &check);
        prop_assert_eq!(&twice.text, &once.text);
        prop_assert!(!twice.changes());
    }
}

/// Lines of a Dockerfile in which rules find something, in any order, and some that no reader accepts.
fn dockerfile() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "FROM debian",
        "FROM node:22 AS build",
        "FROM build",
        "ARG VERSION=1",
        "ARG REVISION",
        "WORKDIR /app",
        "COPY . .",
        "COPY package.json package-lock.json ./",
        "COPY --from=build /app /app",
        "RUN npm ci",
        "RUN apt-get update && \\\n    apt-get install -y curl",
        "RUN echo $REVISION",
        "RUN <<EOF\npip install -r requirements.txt\nEOF",
        "ENV A=b",
        "# layerwise ignore=unpined-base-image",
        "# a comment",
        "",
        "USER app",
        "CMD [\"node\", \"app.js\"]",
        "RUUN x",
        "COPY a",
    ]);
    (prop::collection::vec(line, 0..14), prop::sample::select(vec!["\n", "\r\n"]))
        .prop_map(|(lines, newline)| lines.join("\n").replace('\n', newline))
}

proptest! {
    /// With the real rules: no trouble, no new syntax error, and a second run changes nothing.
    #[test]
    fn the_rules_fixes_come_to_an_end(source in dockerfile()) {
        let discovery = Discovery::new(Path::new("/nowhere"), Source::Isolated, Overrides::default()).unwrap();
        let path = Path::new("/nowhere/Dockerfile");
        let settings = discovery.for_file(path).unwrap();
        let fix = |source: &str| {
            let session = analysis::Session::default();
            let input = Input { path: Some(path), source, settings: &settings, session: &session, pending: &[] };
            analysis::check_and_fix(&input, Safety::Unsafe).unwrap().outcome
        };
        let once = fix(&source);
        prop_assert_eq!(&once.trouble, &None);
        let errors = |text: &str| Dockerfile::parse(text).errors().len();
        prop_assert!(errors(&once.text) <= errors(&source));
        if once.files.is_empty() {
            prop_assert_eq!(&fix(&once.text).text, &once.text);
        }
    }
}

/// A project whose install reads more than its manifest.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest =
        r#"{ "name": "app", "workspaces": ["packages/*"], "scripts": { "postinstall": "node scripts/a.js" } }"#;
    let files = [
        ("package.json", manifest),
        ("package-lock.json", r#"{ "name": "app", "lockfileVersion": 3, "requires": true, "packages": {} }"#),
        ("packages/a/package.json", r#"{ "name": "a", "dependencies": { "b": "*" } }"#),
        ("packages/b/package.json", r#"{ "name": "b" }"#),
        ("scripts/a.js", ""),
        ("node_modules/c/index.js", ""),
        ("requirements.txt", "-r requirements/base.txt\n"),
        ("requirements/base.txt", "flask\n"),
    ];
    for (path, text) in files {
        program::write(folder.path(), path, text.as_bytes());
    }
    folder
}

fn project_dockerfile() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "FROM node:22",
        "FROM base",
        "WORKDIR /app",
        "WORKDIR /app/packages/a",
        "COPY package.json ./",
        "COPY package.json .",
        "COPY package.json /app/package.json",
        "COPY --chown=node package*.json /app/",
        "COPY [\"package.json\", \"./\"]",
        "COPY packages/a/package.json packages/a/",
        "COPY scripts scripts/",
        "copy requirements.txt \\\n  ./",
        "COPY . .",
        "COPY --from=base /app /app",
        "RUN npm install",
        "RUN npm ci --omit=dev",
        "RUN --mount=type=bind,source=scripts,target=scripts npm i",
        "RUN cd /app && npm install",
        "RUN pip install -r requirements.txt",
        "RUN something",
        "USER app",
        "# a comment",
        "",
    ]);
    (prop::collection::vec(line, 0..12), prop::sample::select(vec!["\n", "\r\n"])).prop_map(|(lines, newline)| {
        let start = ["FROM node:22 AS base"];
        start.into_iter().chain(lines).collect::<Vec<_>>().join("\n").replace('\n', newline)
    })
}

proptest! {
    /// In a project: no trouble, no new syntax error, and what could be fixed is gone.
    #[test]
    fn the_rules_fixes_come_to_an_end_in_a_project(source in project_dockerfile()) {
        let folder = project();
        let path = folder.path().join("Dockerfile");
        let discovery = Discovery::new(folder.path(), Source::Isolated, Overrides::default()).unwrap();
        let settings = discovery.for_file(&path).unwrap();
        let session = analysis::Session::default();
        let input = Input { path: Some(&path), source: &source, settings: &settings, session: &session, pending: &[] };
        let outcome = analysis::check_and_fix(&input, Safety::Unsafe).unwrap().outcome;
        prop_assert_eq!(&outcome.trouble, &None, "{}", &outcome.text);
        let errors = |text: &str| Dockerfile::parse(text).errors().len();
        prop_assert!(errors(&outcome.text) <= errors(&source), "{}", &outcome.text);
        let left: Vec<_> = outcome.remaining.iter().filter(|left| left.fix.is_some()).collect();
        prop_assert!(left.is_empty(), "{}\n{left:?}", &outcome.text);
    }
}
