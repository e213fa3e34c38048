//! `docs/json.md` names every key that the program prints, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::page;
use crate::program;

/// Calls whose documents together hold every key, in a copy of the example with an argument and a second stage.
const CALLS: [&[&str]; 5] = [
    &["check", "--output-format", "json"],
    &["cache", "--output-format", "json"],
    &["cache", "--output-format", "json", "--changed", "index.js"],
    &["optimize", "--output-format", "json"],
    &["config", "--output-format", "json", "Dockerfile"],
];

#[test]
fn every_key_is_documented() {
    let page = page::read("docs/json.md");
    let documented: BTreeSet<&str> = rows(&page).collect();
    let printed = printed();
    let missing: Vec<&String> = printed.iter().filter(|key| !documented.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "docs/json.md has no row for {missing:?}");
    let gone: Vec<&&str> = documented.iter().filter(|key| !printed.contains(**key)).collect();
    assert!(gone.is_empty(), "docs/json.md has rows for {gone:?}, which nothing prints");
}

/// The names in the first column of all tables.
fn rows(page: &str) -> impl Iterator<Item = &str> {
    let first = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    first.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`'))
}

fn printed() -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    program::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples/lazy-npm"), folder.path());
    // Of its two stages the first has a hook that nobody can see through, which is refused.
    let refused = "FROM node:22 AS first\nWORKDIR /app\nCOPY . .\nRUN ./prepare && npm ci\n";
    let lazy = std::fs::read_to_string(folder.path().join("Dockerfile")).unwrap();
    program::write(folder.path(), "Dockerfile", format!("{refused}{lazy}COPY --from=first /app/x /x\n").as_bytes());
    program::write(folder.path(), "prepare", b"#!/bin/sh\n");
    program::write(folder.path(), "layerwise.toml", b"history = 100\n");
    let mut keys = BTreeSet::new();
    for call in CALLS {
        let mut command = program::layerwise(folder.path(), call);
        command.env("LAYERWISE_EXIT_ZERO", "1");
        let run = program::run(command, "");
        let document: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{call:?}: {error}"));
        assert_eq!(document["version"], 1, "{call:?}");
        collect(&document, &mut keys);
    }
    // What `verify` prints is held by its snapshots: it takes an engine.
    let quoted = regex::Regex::new(r#""([a-z_]+)":"#).unwrap();
    for name in ["equal", "differs", "flaky"] {
        let snapshot = page::read(&format!("snapshots/verify/{name}-json.snap"));
        keys.extend(quoted.captures_iter(&snapshot).map(|found| found[1].to_owned()));
    }
    // Only a move that was left out and a change that was replayed have these.
    let rest = "dropped commit predicted observed agrees disagreements stale seconds_before seconds_after skipped \
                broken steady checked fate exit_code output complete calls overhead how by missing made";
    keys.extend(rest.split(' ').map(str::to_owned));
    keys
}

fn collect(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                keys.insert(key.clone());
                collect(value, keys);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, keys)),
        _ => {}
    }
}
