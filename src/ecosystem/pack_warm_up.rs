//! The part of a pack that says which earlier step does a part of what a command does, without the sources.
//!
//! There are two sorts. A *download* fills caches that no image keeps. An *early install* leaves its results in the image,
//! and the command, which stays where it is, completes them: its pack says why the image is the same (`completes`).

use serde::Deserialize;

use super::located::Located;
use super::pack::{Condition, Cost, Refuse};

/// An earlier step that does a part of what a command does; the first that fits is taken.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WarmUpSpec {
    /// First words of the commands that it serves, subcommand included: `go build`.
    pub before: Vec<String>,
    /// At least one must hold, where there are any.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// None may hold.
    #[serde(default)]
    pub unless: Vec<Condition>,
    /// The command line. Without: that of the later command, with the options of `add`.
    #[serde(default)]
    pub run: Option<String>,
    /// Options that the command line of the later command gets; with one of them it is such a step itself.
    #[serde(default)]
    pub add: Vec<String>,
    /// What it reads. Without: what the later command reads with the options of `add`.
    #[serde(default)]
    pub closure: Option<Located>,
    /// Options (`*` allowed) of the later command that `run` must have too. With a `*`, any word that is not known may be
    /// one, and then the step is refused.
    #[serde(default)]
    pub carry: Vec<String>,
    /// Variables (`*` allowed) that, set before the later command, must stand before `run` too.
    #[serde(default)]
    pub carry_environment: Vec<String>,
    /// Absolute directories that it fills.
    #[serde(default)]
    pub fills: Vec<String>,
    /// Why the later command, run after it, leaves the image that it makes alone, as a phrase. Without: the step only
    /// fills caches.
    #[serde(default)]
    pub completes: Option<String>,
    /// Where one of these holds, the image may differ, for its reason.
    #[serde(default)]
    pub differs: Vec<Refuse>,
    /// Whether it is worth a step only for what it does not read: a key of the lock file alone, where a command that reads
    /// the manifests too would be fine by itself. It is chosen where the history shows that it pays.
    #[serde(default)]
    pub lock_only: bool,
    /// What the later command takes after it, in seconds; where the pack does not say, as long as without.
    #[serde(default)]
    pub rest: Option<Cost>,
}
