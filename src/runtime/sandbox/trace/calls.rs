//! What the traced system calls are about: the facts of `rules/runtime/trace.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::runtime::sandbox::seccomp;

/// The facts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Facts {
    call: Vec<Call>,
}

/// A name that a call is about. The numbers are those of its arguments.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Call {
    pub(super) names: Vec<String>,
    pub(super) does: Does,
    #[serde(default)]
    pub(super) directory: Option<usize>,
    #[serde(default)]
    pub(super) path: Option<usize>,
    #[serde(default)]
    pub(super) flags: Option<usize>,
    #[serde(default)]
    pub(super) how: Option<usize>,
    #[serde(default)]
    pub(super) at: Option<usize>,
    #[serde(default)]
    pub(super) link: bool,
}

/// What a call does to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Does {
    /// The flags tell.
    Open,
    Write,
    Rename,
    Delete,
    Change,
    List,
    Test,
    Execute,
    /// From now on paths cannot be told.
    Lose,
}

static CALLS: LazyLock<Vec<Call>> = LazyLock::new(|| {
    // A test reads the file, so it is never empty in a program that was tested.
    let facts = toml::from_str::<Facts>(include_str!("../../../../rules/runtime/trace.toml"));
    facts.map(|facts| facts.call).unwrap_or_default()
});

/// By architecture and number.
static BY_NUMBER: LazyLock<BTreeMap<(u32, u32), Vec<Call>>> = LazyLock::new(|| {
    let mut found: BTreeMap<(u32, u32), Vec<Call>> = BTreeMap::new();
    for (architecture, number, name) in seccomp::numbers() {
        let about = CALLS.iter().filter(|call| call.names.iter().any(|known| known == name));
        let about: Vec<Call> = about.cloned().collect();
        if !about.is_empty() {
            found.insert((architecture, number), about);
        }
    }
    found
});

/// The names of all traced calls.
pub(in crate::runtime::sandbox) fn names() -> impl Iterator<Item = &'static str> {
    CALLS.iter().flat_map(|call| &call.names).map(String::as_str)
}

/// What a call is about.
pub(super) fn about(architecture: u32, number: u32) -> &'static [Call] {
    BY_NUMBER.get(&(architecture, number)).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_one_that_steps_may_make() {
        let allowed: Vec<&str> = seccomp::allowed().collect();
        for name in names() {
            assert!(allowed.contains(&name), "{name}");
        }
        assert!(CALLS.iter().all(|call| call.path.is_some() || call.directory.is_some()));
        assert!(BY_NUMBER.len() > 80, "{} calls", BY_NUMBER.len());
    }
}
