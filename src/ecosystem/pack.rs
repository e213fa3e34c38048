//! The format of a pack: one TOML file of `rules/ecosystems/`.
//!
//! A pack has facts about an ecosystem (its manifests, lock files, outputs, caches, costs), the *commands* it knows, and
//! *closures*: named descriptions of what such a command reads and writes in a project. Commands refer to closures and
//! to option sets by name. Every key is documented here; `docs` of a fact are comments in the pack.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::Effect;
pub use super::located::Located;
pub use super::pack_cache::{Cache, CacheOfImages, Index, Leftover, Sharing};
pub use super::pack_closure::{
    ClosureSpec, Condition, Follow, Names, OutputSpec, ReadSpec, Refuse, ScriptSpec, Use, VariableSpec, Where,
};
pub use super::pack_command::{BuildOnly, CommandSpec, Confined, Makes, OptionSet, Role, Runner};
pub use super::pack_lock::{Entries, Flag, LockSpec, Mirror};
pub use super::pack_warm_up::WarmUpSpec;

/// One pack.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pack {
    /// Its name; the name of its file without `.toml`.
    pub name: Located,
    /// What sort of programs it describes.
    pub kind: Kind,
    /// File names that declare a project's dependencies.
    #[serde(default)]
    pub manifests: Vec<String>,
    /// File names that pin them.
    #[serde(default)]
    pub lockfiles: Vec<String>,
    /// Directories inside the project that an install fills.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// `.dockerignore` patterns for what never belongs in a build context of such a project.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Files outside the project that its commands read, as absolute paths or below `~`.
    #[serde(default)]
    pub settings: Vec<String>,
    /// Environment variables (`*` allowed) that its commands read.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Seconds that its commands take, by effect.
    #[serde(default)]
    pub cost: HashMap<Effect, Cost>,
    /// Directories that hold downloads only.
    #[serde(default)]
    pub cache: Option<Cache>,
    /// What its commands leave in the layer that the image does not need.
    #[serde(default)]
    pub leftover: Option<Leftover>,
    /// The list of packages that its installs look them up in, where that grows old.
    #[serde(default)]
    pub index: Option<Index>,
    /// Tells a project of this ecosystem from one of a twin that has the same commands.
    #[serde(default)]
    pub project: Option<ProjectTest>,
    /// Sets of options, by name.
    #[serde(default)]
    pub options: BTreeMap<String, OptionSet>,
    /// The commands it knows; the first that fits is taken.
    #[serde(default)]
    pub commands: Vec<CommandSpec>,
    /// Programs that run another program or a script of the manifest: `npx`, `npm run`.
    #[serde(default)]
    pub runners: Vec<Runner>,
    /// What commands read and write, by name.
    #[serde(default)]
    pub closure: BTreeMap<String, ClosureSpec>,
    /// Install commands of other packs that run commands of this one.
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    /// Earlier steps that do a part of what a command does.
    #[serde(default)]
    pub warm_up: Vec<WarmUpSpec>,
}

/// Sorts of packs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A package manager of a programming language.
    Language,
    /// A package manager of an operating system.
    System,
    /// A code generator.
    Generator,
    /// Ordinary programs.
    Tool,
}

/// A prior of how long a command takes, in seconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// A fast run.
    pub low: f64,
    /// A slow run.
    pub high: f64,
}

impl Cost {
    /// Both, one after the other.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { low: self.low + other.low, high: self.high + other.high }
    }

    /// What is left without the other.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self { low: self.low - other.low, high: self.high - other.high }
    }

    /// The same, nothing where it would be less.
    #[must_use]
    pub fn or_nothing(self) -> Self {
        Self { low: self.low.max(0.0), high: self.high.max(0.0) }
    }
}

/// Conditions under which a project belongs to this pack rather than to its twin.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProjectTest {
    /// At least one must hold, where there are any.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// None may hold.
    #[serde(default)]
    pub unless: Vec<Condition>,
}

/// A command of other packs that also runs what a closure of this pack describes.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Trigger {
    /// Packs whose install commands are meant.
    pub packs: Vec<String>,
    /// At least one must hold.
    pub when: Vec<Condition>,
    /// None may hold.
    #[serde(default)]
    pub unless: Vec<Condition>,
    /// The closure that joins that of the command.
    pub closure: Located,
    /// Why, as a phrase.
    pub reason: String,
}
