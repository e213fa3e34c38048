//! What an instruction finds set up when it runs: working directory, user, shell and variables.

use std::{collections::BTreeMap, sync::Arc};

use super::path::StagePath;
use crate::ecosystem::ImageUser;

/// The pseudo-variables of a stage at one place. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Where relative paths start.
    pub directory: StagePath,
    /// Who runs, as `USER` says; `None` is whoever the base image names.
    pub user: Option<String>,
    /// What reads shell-form commands.
    pub shell: Shell,
    /// Users that the base image adds to `root`, where it is known to begin as `root`.
    pub(super) users: Option<&'static [ImageUser]>,
    /// `ENV` and `ARG` in scope.
    variables: Arc<BTreeMap<String, Variable>>,
}

/// The reader of shell-form commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// A POSIX-like shell: `sh`, `bash`, `ash`, `dash`, `zsh`, `ksh`.
    Posix {
        /// Whether `-e` stands in its arguments.
        errexit: bool,
        /// Whether `pipefail` stands in its arguments.
        pipefail: bool,
    },
    /// Anything else; its scripts cannot be read.
    Other,
}

/// A variable in scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its value; `None` where only the build or the base image knows it.
    pub value: Option<String>,
    /// As much of its value as is known: nothing stands in place of what only the build or the base image knows.
    pub partial: String,
    /// What declared it last.
    pub origin: Origin,
    /// The build arguments that its value is made of, sorted: for an `ARG`, its own name at least.
    pub arguments: Vec<String>,
    /// Index of the declaring instruction in the file.
    pub instruction: usize,
}

/// What declares a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `ARG`: a build may replace the value.
    Argument,
    /// `ENV`.
    Environment,
}

impl State {
    /// What a base image gives that nobody has looked into.
    pub fn of_unknown_image(posix: bool) -> Self {
        let shell = if posix { Shell::Posix { errexit: false, pipefail: false } } else { Shell::Other };
        Self { directory: StagePath::base_directory(), user: None, shell, users: None, variables: Arc::default() }
    }

    /// What `scratch` gives.
    pub fn of_scratch() -> Self {
        Self { directory: StagePath::root(), ..Self::of_unknown_image(true) }
    }

    /// Whether it is known that `root` runs.
    pub fn runs_as_root(&self) -> bool {
        self.user.as_deref().map_or(self.users.is_some(), is_root)
    }

    /// Whether `root` runs as far as the file says: nobody may have looked into the base image.
    pub fn may_run_as_root(&self) -> bool {
        self.user.as_deref().is_none_or(is_root)
    }

    /// The value of a variable where it is known.
    pub fn lookup(&self, name: &str) -> Option<String> {
        self.variables.get(name).and_then(|variable| variable.value.clone())
    }

    /// As much of a variable's value as is known; `None` where nothing declares it.
    pub fn partial(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|variable| variable.partial.clone())
    }

    /// The variable of that name, if one is in scope.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.get(name)
    }

    /// The build arguments that the values of these variables are made of, sorted, without repetition.
    pub fn arguments_of<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
        let variables = names.into_iter().filter_map(|name| self.variables.get(name));
        let mut found: Vec<String> = variables.flat_map(|variable| variable.arguments.iter().cloned()).collect();
        found.sort();
        found.dedup();
        found
    }

    /// The home that commands find in `HOME`: what `ENV` sets or, without that, what `/etc/passwd` says of the user
    /// (<https://docs.docker.com/engine/containers/run/#environment-variables>); `None` where that is not known. Instructions
    /// other than `RUN` do not see it.
    pub fn home(&self) -> Option<String> {
        const ROOT_HOME: &str = "/root";
        if let Some(set) = self.variable("HOME") {
            return set.value.clone().filter(|home| home.starts_with('/'));
        }
        let users = self.users?;
        let name = self.user.as_deref().map_or("root", |user| user.split(':').next().unwrap_or(user));
        if matches!(name, "root" | "0") {
            return Some(ROOT_HOME.to_owned());
        }
        let known = users.iter().find(|user| user.name == name || user.uid.to_string() == name);
        known.map(|user| user.home.clone())
    }

    /// All variables in scope, by name.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.variables.iter().map(|(name, variable)| (name.as_str(), variable))
    }

    /// Declares a variable. What an `ARG` below an `ENV` of the same name leaves is not the same everywhere: the reference
    /// (<https://docs.docker.com/reference/dockerfile/#using-arg-variables>) and the legacy builder have the `ENV` win in
    /// any order, in `BuildKit` the later one wins. So nobody knows the value then, and both are in keys.
    pub(super) fn declare(&mut self, name: &str, mut variable: Variable) {
        let known = self.variables.get(name).filter(|known| known.origin != Origin::Argument);
        if let Some(known) = known.filter(|_| variable.origin == Origin::Argument) {
            let adds_nothing = variable.value.is_none() && variable.partial.is_empty();
            let differs = variable.value != known.value;
            variable.arguments.extend(known.arguments.iter().cloned());
            variable.arguments.sort();
            variable.arguments.dedup();
            variable.origin = Origin::Environment;
            if adds_nothing {
                variable = Variable { arguments: variable.arguments, ..known.clone() };
            } else if differs {
                variable.value = None;
            }
        }
        Arc::make_mut(&mut self.variables).insert(name.to_owned(), variable);
    }
}

/// Whether a user, with a group or without, is `root`.
fn is_root(user: &str) -> bool {
    let (user, group) = user.split_once(':').unwrap_or((user, "0"));
    let is_root = |name: &str| matches!(name, "root" | "0");
    is_root(user) && is_root(group)
}

impl Shell {
    /// The shell that a `SHELL` instruction of these words sets.
    pub(super) fn of_words<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let words: Vec<&str> = words.collect();
        let program = words.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default();
        if !matches!(program, "sh" | "bash" | "ash" | "dash" | "zsh" | "ksh") {
            return Self::Other;
        }
        let short = |flag: char| {
            words.iter().any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(flag))
        };
        let long = |name: &str| words.windows(2).any(|pair| pair[0].ends_with('o') && pair[1] == name);
        Self::Posix { errexit: short('e') || long("errexit"), pipefail: long("pipefail") }
    }
}
