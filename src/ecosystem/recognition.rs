//! What a command is recognized as.

use std::sync::Arc;

use super::Effect;
use super::pack::{CommandSpec, Cost, Pack};
use super::pattern::name_matches;
use crate::text::TextRange;

/// What the catalogue knows of one command: one candidate per pack that claims it. Twins (two managers with the same
/// commands) are told apart by the project.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recognition {
    /// In the order of the catalogue; empty for an unknown program.
    pub candidates: Vec<Match>,
}

impl Recognition {
    /// Whether no pack knows the command.
    pub fn is_unknown(&self) -> bool {
        self.candidates.is_empty()
    }

    /// The first candidate: the only one but for twins.
    pub fn first(&self) -> Option<&Match> {
        self.candidates.first()
    }

    /// What the command does; twins agree in it or there is no answer.
    pub fn effect(&self) -> Option<Effect> {
        let effect = self.first()?.effect();
        self.candidates.iter().all(|candidate| candidate.effect() == effect).then_some(effect)
    }
}

/// A command as one pack reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The pack.
    pub pack: Arc<Pack>,
    /// Index of the entry in `pack.commands`.
    pub entry: usize,
    /// The program and subcommand as the pack spells them: `npm ci`.
    pub title: String,
    /// Options in the order of the text.
    pub options: Vec<GivenOption>,
    /// Arguments after the subcommand.
    pub arguments: Vec<Argument>,
    /// Paths that the words name.
    pub paths: Vec<PathArgument>,
    /// Options that the pack says nothing about, and words whose value is not known, as written. With any of them,
    /// nothing is claimed.
    pub unknown: Vec<String>,
    /// The runner that ran the program: `npx`.
    pub runner: Option<String>,
}

/// An option of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenOption {
    /// Its spelling, without the value.
    pub name: String,
    /// Its value, where it has one that is known.
    pub value: Option<String>,
}

/// A word that is no option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// As written.
    pub raw: String,
    /// Its value, where it is known.
    pub value: Option<String>,
    /// Where it stands in the source.
    pub range: TextRange,
}

/// A path that a word of a command names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathArgument {
    /// As the command gives it: absolute or relative to its working directory. Of a pattern, the part before it.
    pub path: String,
    /// Whether a pattern follows: any path that begins like this is meant.
    pub pattern: bool,
    /// What happens to it.
    pub access: Access,
    /// Whether what lies below it is meant too.
    pub recursive: bool,
    /// The group that the file joins in the closure.
    pub group: Option<String>,
}

/// What happens to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is read.
    Read,
    /// It is created or written over.
    Write,
    /// It must exist and is changed: its mode, its owner, its content.
    Modify,
    /// It is removed.
    Remove,
    /// It is the directory that the command works in.
    Project,
}

impl Match {
    /// The entry of the pack.
    pub fn spec(&self) -> &CommandSpec {
        &self.pack.commands[self.entry]
    }

    /// What the command does.
    pub fn effect(&self) -> Effect {
        self.spec().effect
    }

    /// Whether an option with this spelling (`*` allowed) is given.
    pub fn has_option(&self, name: &str) -> bool {
        self.options.iter().any(|option| option_matches(name, option))
    }

    /// The directory that an option or argument makes the command work in.
    pub fn project_directory(&self) -> Option<&str> {
        self.paths.iter().rev().find(|path| path.access == Access::Project).map(|path| path.path.as_str())
    }

    /// What to write instead so that the command installs exactly what the lock file says.
    pub fn locked_instead(&self) -> Option<&str> {
        self.spec().locked_instead.as_deref()
    }

    /// How long the command takes, as far as its pack knows.
    pub fn cost(&self) -> Option<Cost> {
        self.pack.cost.get(&self.effect()).copied()
    }

    /// Whether its last words, as the pack spells them, are one of these.
    pub fn is_any_of(&self, names: &[String]) -> bool {
        names
            .iter()
            .any(|name| self.title.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with(' ')))
    }

    /// Whether the command downloads into the cache of its package manager.
    pub fn fills_cache(&self) -> bool {
        let filled_by = self.pack.cache.as_ref().map_or(&[][..], |cache| &cache.filled_by);
        if filled_by.is_empty() { self.effect() == Effect::Install } else { self.is_any_of(filled_by) }
    }

    /// Whether a variable of this name may change what the command does: its pack says so, it reads all of them, or one of
    /// its words is the name, as in `[ -v NAME ]`.
    pub fn reads_variable(&self, name: &str) -> bool {
        let is_named = || {
            let options = self.options.iter().filter_map(|option| option.value.as_deref());
            let mut words = self.arguments.iter().filter_map(|argument| argument.value.as_deref()).chain(options);
            words.any(|word| word == name)
        };
        self.spec().reads_environment
            || self.pack.environment.iter().any(|pattern| name_matches(pattern, name))
            || is_named()
    }
}

/// Whether an option is the one that a condition names: `--mode=skip-build` asks for the value too, `--production` is
/// not given by `--production=false`.
fn option_matches(wanted: &str, given: &GivenOption) -> bool {
    if let Some((name, value)) = wanted.split_once('=') {
        return name_matches(name, &given.name) && given.value.as_deref() == Some(value);
    }
    name_matches(wanted, &given.name) && given.value.as_deref() != Some("false")
}
