//! The part of a pack that describes commands: their words, what their options and arguments stand for, what they do.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Effect;
use super::located::Located;
use super::pack::Condition;
use super::pattern::Pattern;

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
    /// Words that compare the word before them with the word after them, neither of which is a file, whatever it holds.
    #[serde(default)]
    pub infix: Vec<String>,
    /// Words between which a word in quotes that stands alone is plain text, whatever it holds.
    #[serde(default)]
    pub between: Vec<String>,
}

impl OptionSet {
    /// The spellings of all its options.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let lists = [&self.flags, &self.values, &self.directories, &self.writes, &self.project];
        lists.into_iter().flatten().chain(self.files.keys())
    }
}

/// One command.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the format")]
pub struct CommandSpec {
    /// Its programs, without directories: `pip3.*`, `python -m pip`; `./gradlew` for one in the project.
    pub programs: Vec<Located>,
    /// The words after the options that select it; `""` where there is none.
    #[serde(default = "no_subcommand")]
    pub subcommands: Vec<String>,
    /// Names of option sets.
    #[serde(default)]
    pub options: Vec<Located>,
    /// Whether options that no set names make no difference to what is read and written.
    #[serde(default)]
    pub any_option: bool,
    /// Whether single letters may stand together (`-qy`) and values be attached (`-rFILE`).
    #[serde(default = "yes")]
    pub bundles: bool,
    /// Whether it is meant only where no other entry fits and no runner runs a known program: a script by its name.
    #[serde(default)]
    pub last: bool,
    /// Whether everything after the first argument is an argument too.
    #[serde(default)]
    pub stops: bool,
    /// Roles of the arguments after the subcommand; a role with `*` takes any number. Empty: no argument is accepted.
    #[serde(default)]
    pub arguments: Vec<Role>,
    /// Endings by which an argument of the role `name-or-path*` is a path, too, where it is no address.
    #[serde(default)]
    pub path_endings: Vec<String>,
    /// The least number of arguments.
    #[serde(default)]
    pub least: usize,
    /// Every argument must match this.
    #[serde(default)]
    pub only: Option<Pattern>,
    /// An argument of which only the beginning is known must match this with that beginning, whatever follows.
    #[serde(default)]
    pub only_start: Option<Pattern>,
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
    /// What to write instead to make it so; none where the ordinary command keeps to a lock file that is in step.
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
    /// Whether it creates files in its working directory, with names that its words do not tell.
    #[serde(default)]
    pub writes_directory: bool,
    /// Whether it reads its working directory with all below it where no argument names a path.
    #[serde(default)]
    pub reads_directory: bool,
    /// Whether it reads files that a list names, which it is fed or which its arguments name.
    #[serde(default)]
    pub reads_listed: bool,
    /// Whether it looks for the programs that its arguments name.
    #[serde(default)]
    pub looks_up: bool,
    /// Whether it reads every variable of its environment, whatever its name: it prints them.
    #[serde(default)]
    pub reads_environment: bool,
    /// Whether it may give users or groups that are there another number or name, or take them away.
    #[serde(default)]
    pub changes_users: bool,
    /// Whether the directories that its options write are homes of users.
    #[serde(default)]
    pub makes_homes: bool,
    /// Files of the project that it may write anew, relative to the project's directory.
    #[serde(default)]
    pub rewrites: Vec<String>,
    /// The closure that says what it reads; where the effect is `context-free`, all that it reads of the project.
    #[serde(default)]
    pub closure: Option<Located>,
    /// Absolute directories that it fills outside of the project.
    #[serde(default)]
    pub fills: Vec<String>,
    /// Whether what it fetches is none of what the other commands download and install: an index, a compiler.
    #[serde(default)]
    pub apart: bool,
    /// A file that it makes of less than it reads.
    #[serde(default)]
    pub makes: Option<Makes>,
    /// What only this command needs, where what it makes runs without it.
    #[serde(default)]
    pub build_only: Option<BuildOnly>,
    /// Whether it runs what was built before, and needs nothing of what only the build needs.
    #[serde(default)]
    pub starts: bool,
    /// Where it runs no program but its own, so that it does the same whatever else is installed: one of these must hold.
    #[serde(default)]
    pub confined: Vec<Confined>,
}

/// Where a command runs no program but its own: no script of a package, no compiler. Without keys: always.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Confined {
    /// All must hold.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// None may hold.
    #[serde(default)]
    pub unless: Vec<Condition>,
}

/// A file whose content depends on a part of the project only. It is the same after any other change, so that what copies
/// it from there need not run again.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Makes {
    /// Options whose value names it.
    pub options: Vec<String>,
    /// Its name where none of them is given; without, nothing is claimed then.
    #[serde(default)]
    pub file: Option<String>,
    /// The closure that says what it depends on.
    pub closure: Located,
}

/// What an image need not have once a command has run.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BuildOnly {
    /// As a phrase in the plural: `the compiler and the sources`.
    pub what: String,
    /// What it makes, relative to its working directory (`*` allowed, which takes no `/`); where there is nothing, what it
    /// writes by its words, or what stands in its working directory.
    #[serde(default)]
    pub makes: Vec<String>,
    /// Where what it makes may need libraries that stand elsewhere: one of these must hold.
    #[serde(default)]
    pub needs_libraries: Vec<Condition>,
    /// All must hold.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// None may hold.
    #[serde(default)]
    pub unless: Vec<Condition>,
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
    /// A path that is read where it looks like one (`./x`, `/x`, `~/x`, `file:x`, `NAME@./x`), else a name. Any number of
    /// those.
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
    pub programs: Vec<Located>,
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
