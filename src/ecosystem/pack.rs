//! The format of a pack: one TOML file of `rules/ecosystems/`.
//!
//! A pack has facts about an ecosystem (its manifests, lock files, outputs, caches, costs), the *commands* it knows, and
//! *closures*: named descriptions of what such a command reads and writes in a project. Commands refer to closures and
//! to option sets by name. Every key is documented here; `docs` of a fact are comments in the pack.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Effect;
pub use super::pack_closure::{
    ClosureSpec, Condition, Flag, Follow, LockSpec, Mirror, OutputSpec, ReadSpec, Refuse, ScriptSpec, Use, Where,
};
use super::pattern::Pattern;

/// One pack.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pack {
    /// Its name; the name of its file without `.toml`.
    pub name: Spanned<String>,
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
    pub cost: BTreeMap<String, Cost>,
    /// Directories that hold downloads only.
    #[serde(default)]
    pub cache: Option<Cache>,
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
    /// Earlier steps that fill a cache for a command.
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
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// A fast run.
    pub low: f64,
    /// A slow run.
    pub high: f64,
}

/// Where downloads are kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cache {
    /// Absolute directories, for the user `root`.
    pub directories: Vec<String>,
    /// The variable that moves the directory.
    #[serde(default)]
    pub environment: Option<String>,
    /// `shared` or `locked`: what a cache mount must ask for.
    pub sharing: Sharing,
    /// Options and commands that defeat a cache mount.
    #[serde(default)]
    pub defeated_by: Vec<String>,
}

/// Whether builds that run at the same time may share a cache mount.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// Yes: the manager guards its cache itself.
    Shared,
    /// No: one after the other.
    Locked,
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

/// Options whose meaning is known. `*` stands for any characters.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OptionSet {
    /// Options without a value, or with one after `=`.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Options with a value that names no file.
    #[serde(default)]
    pub values: Vec<String>,
    /// Options whose value is a file that is read, and the group the file joins in the closure.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Options whose value is a directory that is read whole.
    #[serde(default)]
    pub directories: Vec<String>,
    /// Options whose value is a file or directory that is written.
    #[serde(default)]
    pub writes: Vec<String>,
    /// Options whose value is the directory the command works in.
    #[serde(default)]
    pub project: Vec<String>,
}

/// One command.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the format")]
pub struct CommandSpec {
    /// Its programs, without directories: `pip3.*`, `python -m pip`; `./gradlew` for one in the project.
    pub programs: Vec<Spanned<String>>,
    /// The words after the options that select it; `""` where there is none.
    #[serde(default = "no_subcommand")]
    pub subcommands: Vec<String>,
    /// Names of option sets.
    #[serde(default)]
    pub options: Vec<Spanned<String>>,
    /// Whether options that no set names make no difference to what is read and written.
    #[serde(default)]
    pub any_option: bool,
    /// Whether single letters may stand together (`-qy`) and values be attached (`-rFILE`).
    #[serde(default = "yes")]
    pub bundles: bool,
    /// Whether everything after the first argument is an argument too.
    #[serde(default)]
    pub stops: bool,
    /// Roles of the arguments after the subcommand; a role with `*` takes any number. Empty: no argument is accepted.
    #[serde(default)]
    pub arguments: Vec<Role>,
    /// The least number of arguments.
    #[serde(default)]
    pub least: usize,
    /// Every argument must match this.
    #[serde(default)]
    pub only: Option<Pattern>,
    /// One of these options must be given.
    #[serde(default)]
    pub require: Vec<String>,
    /// None of these options may be given.
    #[serde(default)]
    pub forbid: Vec<String>,
    /// What it does.
    pub effect: Effect,
    /// Whether it installs exactly what the lock file says.
    #[serde(default)]
    pub locked: bool,
    /// It does so where one of these holds.
    #[serde(default)]
    pub locked_when: Vec<Condition>,
    /// What to write instead to make it so.
    #[serde(default)]
    pub locked_instead: Option<String>,
    /// Whether it empties its outputs first.
    #[serde(default)]
    pub clean: bool,
    /// Whether path arguments are taken with all below them.
    #[serde(default)]
    pub recursive: bool,
    /// Options that make it so.
    #[serde(default)]
    pub recursive_with: Vec<String>,
    /// Files of the project that it may write anew, relative to the project's directory.
    #[serde(default)]
    pub rewrites: Vec<String>,
    /// The closure that says what it reads.
    #[serde(default)]
    pub closure: Option<Spanned<String>>,
    /// Absolute directories that it fills outside of the project.
    #[serde(default)]
    pub fills: Vec<String>,
}

fn no_subcommand() -> Vec<String> {
    vec![String::new()]
}

fn yes() -> bool {
    true
}

/// What an argument stands for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// No path.
    Name,
    /// Any number of those.
    #[serde(rename = "name*")]
    Names,
    /// A path that is read where it looks like one (has a `/` or begins with `.`), else a name. Any number of those.
    #[serde(rename = "name-or-path*")]
    NamesOrPaths,
    /// A path that is read.
    Read,
    /// Any number of those.
    #[serde(rename = "read*")]
    Reads,
    /// A path that is written.
    Write,
    /// Any number of those.
    #[serde(rename = "write*")]
    Writes,
    /// Paths that are read and written: `chmod`.
    #[serde(rename = "modify*")]
    Modifies,
    /// Paths that are removed.
    #[serde(rename = "remove*")]
    Removes,
    /// A directory that the command works in.
    Project,
}

impl Role {
    /// Whether it takes any number of arguments.
    pub fn repeats(self) -> bool {
        !matches!(self, Self::Name | Self::Read | Self::Write | Self::Project)
    }
}

/// A program that runs another program.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Runner {
    /// Its words: `npx`, `npm run`.
    pub programs: Vec<Spanned<String>>,
    /// Its own options, each without a value.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Whether the next word may be a script of the manifest.
    #[serde(default)]
    pub scripts: bool,
    /// Whether the next word may be a program.
    #[serde(default)]
    pub runs: bool,
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
    pub closure: Spanned<String>,
    /// Why, as a phrase.
    pub reason: String,
}

/// An earlier step that only fills a cache.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WarmUpSpec {
    /// First words of the commands that it serves, subcommand included: `go build`.
    pub before: Vec<String>,
    /// The command line.
    pub run: String,
    /// What it reads.
    pub closure: Spanned<String>,
    /// Options of the later command that it must have too.
    #[serde(default)]
    pub carry: Vec<String>,
    /// Variables that, set before the later command, must stand before it too.
    #[serde(default)]
    pub carry_environment: Vec<String>,
    /// Absolute directories that it fills.
    pub fills: Vec<String>,
}
