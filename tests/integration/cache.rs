//! What the cache model says of changes, held against tables of what builders do.

use std::collections::BTreeMap;

use layerwise::cache::{Builder, Change, Dirt, simulate};
use layerwise::context::{Filtered, IgnoreFile, MemoryContext};
use layerwise::ecosystem::Catalog;
use layerwise::model::{Build, Inputs};
use layerwise::syntax::Dockerfile;
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// `BuildKit` where none is named.
    #[serde(default)]
    builder: Option<String>,
    dockerfile: String,
    files: Vec<String>,
    /// Files of which the text matters.
    #[serde(default)]
    texts: BTreeMap<String, String>,
    #[serde(default)]
    ignore: Option<String>,
    #[serde(default)]
    changed: Vec<String>,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    target: Option<String>,
    expect: BTreeMap<String, String>,
}

/// The fate of each line: by its number, the name of its status.
fn fates(case: &Case) -> BTreeMap<String, String> {
    let file = Dockerfile::parse(case.dockerfile.trim_start());
    let files = case.files.iter().map(|path| (path.as_str(), "x"));
    let texts = case.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let memory = MemoryContext::from_files(files.chain(texts));
    let ignore = case.ignore.as_ref().map(|text| IgnoreFile::parse(".dockerignore", text));
    let context = Filtered::new(&memory, ignore.as_ref());
    let arguments = BTreeMap::new();
    let inputs = Inputs { file: &file, context: Some(&context), catalog: Catalog::builtin(), arguments: &arguments };
    let build = Build::new(inputs);
    let builder = case.builder.as_ref().map(|name| {
        let named = Builder::ALL.into_iter().find(|builder| builder.name() == name);
        named.unwrap_or_else(|| panic!("there is no builder `{name}`"))
    });
    let profile = builder.unwrap_or_default().profile();
    let change = Change { paths: case.changed.clone(), arguments: case.arguments.clone() };
    let target = build.target(case.target.as_deref()).unwrap();
    let simulation = simulate(&build, profile, &Dirt::of_change(&build, profile, &change), target);
    let outcomes = simulation.stages.iter().flatten();
    let line = |instruction: usize| file.instructions()[instruction].lines.0.to_string();
    outcomes.map(|outcome| (line(outcome.instruction), outcome.status.name().to_owned())).collect()
}

#[test]
fn every_case_has_the_fates_that_it_names() {
    let tables = [
        include_str!("../cases/cache/buildkit.toml"),
        include_str!("../cases/cache/builders.toml"),
        include_str!("../cases/cache/made.toml"),
    ];
    let cases: Vec<Case> = tables.iter().flat_map(|text| toml::from_str::<Table>(text).unwrap().case).collect();
    assert!(cases.len() >= 28);
    for case in &cases {
        let found = fates(case);
        for (line, expected) in &case.expect {
            assert_eq!(found.get(line), Some(expected), "{}: line {line}", case.name);
        }
    }
}

fn instruction() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "WORKDIR /app",
        "COPY . .",
        "COPY a b /c/",
        "COPY --link d /d",
        "COPY d/*.js ./",
        "RUN make",
        "RUN npm ci",
        "ARG X",
        "ENV Y=$X",
        "FROM debian AS other",
        "COPY --from=0 /c /c",
        "LABEL x=$X",
        "USER app",
    ])
}

proptest! {
    /// More changed files never rebuild fewer steps.
    #[test]
    fn a_greater_change_rebuilds_no_less(
        lines in prop::collection::vec(instruction(), 1..12),
        few in prop::collection::btree_set(prop::sample::select(vec!["a", "b", "d/x.js", "d/y", "e/f"]), 0..3),
        more in prop::collection::btree_set(prop::sample::select(vec!["a", "b", "d/x.js", "d/y", "e/f"]), 0..3),
    ) {
        let case = |changed: Vec<String>| Case {
            name: String::new(),
            builder: None,
            dockerfile: format!("FROM debian\n{}\n", lines.join("\n")),
            texts: BTreeMap::new(),
            files: ["a", "b", "d/x.js", "d/y", "e/f"].map(str::to_owned).to_vec(),
            ignore: None,
            changed,
            arguments: Vec::new(),
            target: None,
            expect: BTreeMap::new(),
        };
        let small = fates(&case(few.iter().map(|path| (*path).to_owned()).collect()));
        let great = fates(&case(few.union(&more).map(|path| (*path).to_owned()).collect()));
        for (line, fate) in &small {
            if fate == "rebuilt" {
                prop_assert_eq!(great.get(line).map(String::as_str), Some("rebuilt"), "line {}", line);
            }
        }
    }
}
