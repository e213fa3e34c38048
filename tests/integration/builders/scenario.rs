//! The cases: a build as it starts, and its changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use layerwise::cache::Builder;
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
    dockerfile: String,
    #[serde(default)]
    files: BTreeMap<String, String>,
    ignore: Option<String>,
    /// Those that can build it; all where there are none.
    #[serde(default)]
    builders: Vec<String>,
    change: Vec<Change>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Change {
    name: String,
    replace: Option<(String, String)>,
    and: Option<(String, String)>,
    files: BTreeMap<String, String>,
    remove: Vec<String>,
    mode: Vec<String>,
    arguments: BTreeMap<String, String>,
}

/// A file of the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) text: String,
    pub(super) executable: bool,
}

/// All that a build is made of.
#[derive(Clone)]
pub(super) struct State {
    pub(super) dockerfile: String,
    pub(super) files: BTreeMap<String, File>,
    pub(super) ignore: Option<String>,
    pub(super) arguments: BTreeMap<String, String>,
}

/// A case.
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) start: State,
    builders: Vec<String>,
    changes: Vec<Change>,
}

pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/builders")
}

/// Every case that is recorded.
pub(super) fn all() -> Vec<Scenario> {
    ["cases.toml", "shapes.toml"].into_iter().flat_map(|name| of_table(&folder().join(name))).collect()
}

/// The cases of a table.
pub(super) fn of_table(path: &Path) -> Vec<Scenario> {
    let text = std::fs::read_to_string(path).unwrap();
    let table: Table = toml::from_str(&text).unwrap();
    table.case.into_iter().map(Scenario::from).collect()
}

impl From<Case> for Scenario {
    fn from(case: Case) -> Self {
        let files = case.files.into_iter().map(|(path, text)| (path, File { text, executable: false }));
        let start = State {
            dockerfile: case.dockerfile,
            files: files.collect(),
            ignore: case.ignore,
            arguments: BTreeMap::new(),
        };
        Self { name: case.name, start, builders: case.builders, changes: case.change }
    }
}

impl Scenario {
    /// Whether it was written for a question, so that each way in which the model differs from a builder is listed.
    pub(super) fn is_listed(&self) -> bool {
        !self.name.starts_with("rewrite-")
    }

    pub(super) fn is_for(&self, builder: Builder) -> bool {
        self.builders.is_empty() || self.builders.iter().any(|name| name == builder.name())
    }

    /// The changes with what they lead to. Without a change of their own, all files get new times: each build writes them.
    pub(super) fn changes(&self) -> Vec<(String, State)> {
        let second = self.start.dockerfile.lines().nth(1).unwrap();
        let comment = (second.to_owned(), format!("# what follows is old\n{second}"));
        let named = |name: &str| Change { name: name.to_owned(), ..Change::default() };
        let always = [named("touch"), Change { replace: Some(comment), ..named("comment") }];
        let own = self.changes.iter().cloned();
        // The last one comes back to the start after all others.
        let all = always.into_iter().chain(own).chain([named("back")]);
        all.map(|change| (change.name.clone(), self.start.after(&change))).collect()
    }
}

impl State {
    fn after(&self, change: &Change) -> Self {
        let mut state = self.clone();
        for (old, new) in change.replace.iter().chain(&change.and) {
            assert!(state.dockerfile.contains(old), "{}: no {old:?}", change.name);
            state.dockerfile = state.dockerfile.replacen(old, new, 1);
        }
        for (path, text) in &change.files {
            state.files.insert(path.clone(), File { text: text.clone(), executable: false });
        }
        for path in &change.remove {
            assert!(state.files.remove(path).is_some(), "{}: no {path}", change.name);
        }
        for path in &change.mode {
            state.files.get_mut(path).unwrap().executable = true;
        }
        state.arguments.clone_from(&change.arguments);
        state
    }

    /// Paths at which something else stands.
    pub(super) fn changed_paths(&self, after: &Self) -> Vec<String> {
        let paths = self.files.keys().chain(after.files.keys());
        let mut changed: Vec<String> =
            paths.filter(|path| self.files.get(*path) != after.files.get(*path)).cloned().collect();
        changed.sort();
        changed.dedup();
        changed
    }
}
