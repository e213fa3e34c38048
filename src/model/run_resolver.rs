//! Reading a `RUN`: its script, what the catalogue knows of each command, and where its paths are.

mod exec_form;
mod mounts;
mod project;

use std::cell::RefCell;

use self::project::Chosen;
use super::{
    build::{Inputs, Stage},
    listed::listed,
    listing::listing_of,
    loop_files::Directories,
    path::StagePath,
    run::{KnownCommand, Opaque, PathAccess, Run},
    state::{Shell, State},
    view::View,
};
use crate::{
    ecosystem::{Access, Closure, Effect, Match, PathArgument, pack::Cost},
    shell::{self, Directory, Guard, Part, Script, ShellOptions, ShellWord, SimpleCommand},
    syntax::{Body, Command, Instruction},
    text::{LogicalText, TextRange},
};

/// What a command takes of which nobody knows anything, in seconds.
const UNKNOWN_COST: Cost = Cost { low: 2.0, high: 30.0 };

impl Run {
    /// Resolves a `RUN` with the state it finds and the files that stand around it. `is_changed` tells whether something else
    /// than copies of context files may have put names into a directory.
    pub(super) fn resolve(
        inputs: &Inputs<'_>,
        stages: &[Stage],
        instruction: &Instruction,
        state: &State,
        view: &View<'_>,
        is_changed: &dyn Fn(&StagePath) -> bool,
    ) -> Self {
        let mut resolver = Resolver { inputs, state, view, is_changed, run: Self::default() };
        resolver.mounts(instruction, stages);
        match &instruction.body {
            Body::Run(Command::Exec(words)) => resolver.exec(words),
            _ => resolver.script(instruction),
        }
        resolver.run.mentions = mentions(inputs, instruction);
        resolver.run
    }
}

fn mentions(inputs: &Inputs<'_>, instruction: &Instruction) -> Vec<String> {
    let mut found = crate::syntax::variables(instruction.range.of(inputs.file.source()), inputs.file.escape());
    found.sort();
    found.dedup();
    found
}

/// Fills a [`Run`].
pub(super) struct Resolver<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) state: &'a State,
    pub(super) view: &'a View<'a>,
    /// Whether something else than copies of context files may have put names into a directory.
    is_changed: &'a dyn Fn(&StagePath) -> bool,
    pub(super) run: Run,
}

impl Resolver<'_> {
    pub(super) fn opaque(&mut self, range: TextRange, reason: String) {
        self.run.opaque.push(Opaque { range, reason });
        self.add_cost(UNKNOWN_COST);
    }

    fn add_cost(&mut self, cost: Cost) {
        self.run.cost = self.run.cost.plus(cost);
    }

    fn script(&mut self, instruction: &Instruction) {
        let Some(text) = instruction.script(self.inputs.file.source()) else {
            return self.opaque(instruction.range, "the script is run as a file of its own".to_owned());
        };
        let Shell::Posix { errexit, pipefail } = self.state.shell else {
            return self.opaque(instruction.range, "the shell is no POSIX shell".to_owned());
        };
        self.read(&text, ShellOptions { errexit, pipefail });
    }

    fn read(&mut self, text: &LogicalText, options: ShellOptions) {
        let looped: RefCell<Vec<StagePath>> = RefCell::default();
        let listing = |word: &ShellWord, directory: &Directory| {
            let (found, looked_into) = self.loop_files(word, directory)?;
            looped.borrow_mut().extend(looked_into);
            Some(found)
        };
        let Script { commands, unreadable, .. } = shell::read_among(text, options, &listing);
        for piece in unreadable {
            self.opaque(piece.range, piece.reason);
        }
        for command in commands {
            self.command(command);
        }
        self.check_loops(text, &looped.into_inner());
    }

    /// The files that a loop goes through, and the directories that the shell looks into for them.
    fn loop_files(&self, word: &ShellWord, directory: &Directory) -> Option<(Vec<String>, Vec<StagePath>)> {
        let directory = self.place_of(directory)?;
        let context = self.inputs.context?;
        let directories = Directories { context, view: self.view, is_changed: self.is_changed };
        directories.matching(word, &directory, &|name| self.state.lookup(name))
    }

    /// Whether files that loops go through are made or removed by the script itself.
    fn check_loops(&mut self, text: &LogicalText, looped: &[StagePath]) {
        let accesses = self.run.commands.iter().flat_map(|command| &command.accesses);
        let mut written = accesses.filter(|access| access.access != Access::Read);
        let meets = |access: &PathAccess| looped.iter().any(|place| access.path.may_overlap(place));
        if !looped.is_empty() && written.any(meets) {
            let range = text.source_range(TextRange::new(0, text.as_str().len()));
            self.opaque(range, "a loop goes through files that the step may make itself".to_owned());
        }
    }

    /// The exec form: the words are the command, no shell reads them.
    fn exec(&mut self, words: &[crate::syntax::Word]) {
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        let word = |word: &crate::syntax::Word| ShellWord {
            raw: word.text.clone(),
            parts: vec![Part::Literal(word.text.clone())],
            range: word.range,
        };
        let program = first.text.rsplit('/').next().unwrap_or_default();
        if matches!(program, "sh" | "bash" | "ash" | "dash")
            && let Some((options, script)) = exec_form::script_of(words)
            && let Some(text) = exec_form::text_of(script, self.inputs.file.source())
        {
            return self.read(&text, options);
        }
        self.command(SimpleCommand {
            range: first.range.cover(last.range),
            assignments: Vec::new(),
            words: words.iter().map(word).collect(),
            prefixes: Vec::new(),
            user: None,
            redirects: Vec::new(),
            directory: Directory::Start,
            guard: Guard::default(),
        });
    }

    fn command(&mut self, command: SimpleCommand) {
        let lookup = |name: &str| self.lookup_in_words(&command, name);
        let recognition = self.inputs.catalog.recognize(&command, &lookup);
        let directory = self.directory_of(&command);
        let Some(Chosen { known, closure, locking, warm_up, made }) =
            self.choose(&command, &recognition, directory.as_ref())
        else {
            let name = command.words.first().map_or("", |word| word.raw.as_str());
            return self.opaque(command.range, format!("`{name}` is no command that layerwise knows"));
        };
        if let Some(word) = known.unknown.first() {
            self.opaque(command.range, format!("layerwise does not know what `{word}` does to `{}`", known.title));
        } else if !is_left_out(&command, closure.as_ref()) {
            self.add_cost(cost_of(&known));
        }
        let anchors = self.anchors(&known, directory.as_ref());
        let mut accesses: Vec<PathAccess> = Vec::new();
        match &directory {
            Some(directory) => {
                accesses.extend(accesses_of(&known, directory));
                accesses.extend(self.reads_from_elsewhere(&known, directory));
            }
            None if matches!(known.effect(), Effect::Inert | Effect::ContextFree) && !is_named(&command.directory) => {}
            None => self
                .run
                .opaque
                .push(Opaque { range: command.range, reason: "the directory it runs in is not known".to_owned() }),
        }
        if let Some(directory) = &directory {
            let lookup = |name: &str| self.lookup_in_words(&command, name);
            accesses.extend(listed(&known, &self.run.commands, directory, &lookup));
            let listings = command.words.iter().filter_map(|word| listing_of(word, directory, &lookup));
            let unnamed: Vec<PathAccess> = listings.filter(|listing| !names(&accesses, listing)).collect();
            accesses.extend(unnamed);
        }
        accesses.extend(self.redirects(&command, directory.as_ref()));
        self.run.commands.push(KnownCommand {
            command,
            known,
            directory,
            anchors,
            warm_up,
            closure,
            made,
            locking,
            accesses,
        });
    }

    pub(super) fn lookup(&self, command: &SimpleCommand, name: &str) -> Option<String> {
        let assigned = command.assignments.iter().rev().find(|assignment| assignment.name == name);
        match assigned {
            Some(assignment) => assignment.value.literal().map(str::to_owned),
            None => self.state.lookup(name),
        }
    }

    /// The value of a variable that stands in the words of a command. The shell puts it there before what is assigned in
    /// front of the command holds, and another shell of the script after.
    fn lookup_in_words(&self, command: &SimpleCommand, name: &str) -> Option<String> {
        if name == "HOME" {
            // Another user's shell has another home.
            let own = command.user.is_none() && (command.prefixes.is_empty() || self.state.user.is_none());
            let assigned = command.assignments.iter().any(|assignment| assignment.name == name);
            return self.home().filter(|_| own && !assigned);
        }
        self.lookup(command, name)
    }

    /// The home of the user that runs the step; `None` where it is not known, or the file may change it.
    fn home(&self) -> Option<String> {
        let source = self.inputs.file.source();
        let is_root =
            || self.state.user.as_deref().is_none_or(|user| matches!(user.split(':').next(), Some("root" | "0")));
        let editors = ["usermod", "userdel", "deluser", "useradd", "adduser"];
        let changed = || source.contains("usermod") || !is_root() && editors.iter().any(|name| source.contains(name));
        let is_set = self.state.variable("HOME").is_some();
        self.state.home().filter(|_| is_set || !changed())
    }

    fn directory_of(&self, command: &SimpleCommand) -> Option<StagePath> {
        self.place_of(&command.directory)
    }

    fn place_of(&self, directory: &Directory) -> Option<StagePath> {
        match directory {
            Directory::Start => Some(self.state.directory.clone()),
            Directory::Path(path) => {
                let lookup = |name: &str| if name == "HOME" { self.home() } else { self.state.lookup(name) };
                let expanded = crate::syntax::expand(path, '\\', &lookup).ok()?;
                expanded.unset.is_empty().then(|| self.state.directory.join(&expanded.text))
            }
            Directory::Unknown => None,
        }
    }

    fn redirects(&mut self, command: &SimpleCommand, directory: Option<&StagePath>) -> Vec<PathAccess> {
        let mut found = Vec::new();
        for redirect in &command.redirects {
            let target = redirect.target.expand(&|name| self.lookup_in_words(command, name));
            let (Some(target), Some(directory)) = (target, directory) else {
                self.run.opaque.push(Opaque {
                    range: command.range,
                    reason: format!("`{}` is redirected to a file that is not known", redirect.target.raw),
                });
                continue;
            };
            let access = match redirect.kind {
                shell::RedirectKind::Read => Access::Read,
                shell::RedirectKind::Write => Access::Write,
            };
            found.push(PathAccess { path: directory.join(&target), access, recursive: false, pattern: false });
        }
        found
    }
}

/// Whether a command stands under a condition, and a file is not there without which it would fail.
fn is_left_out(command: &SimpleCommand, closure: Option<&Closure>) -> bool {
    command.guard.conditional && closure.is_some_and(|closure| closure.missing.iter().any(|missing| missing.required))
}

/// What a command takes, where its pack does not say: nothing worth counting for one that only touches paths.
fn cost_of(known: &Match) -> Cost {
    let unsaid = || match known.effect() {
        Effect::Inert | Effect::Paths => Cost { low: 0.0, high: 0.0 },
        _ => UNKNOWN_COST,
    };
    known.cost().unwrap_or_else(unsaid)
}

/// Whether a directory is one that the script names, by variables that are not known; not one that it makes or finds on
/// its own.
fn is_named(directory: &Directory) -> bool {
    matches!(directory, Directory::Path(path) if !path.starts_with("$HOME"))
}

/// Whether the words of a command name what the shell lists for it already.
fn names(accesses: &[PathAccess], listing: &PathAccess) -> bool {
    accesses.iter().any(|access| access.path == listing.path && (access.pattern || access.recursive))
}

fn accesses_of(known: &Match, directory: &StagePath) -> Vec<PathAccess> {
    // What joins a closure is followed there, where the command has one.
    let has_closure = !matches!(known.effect(), Effect::Inert | Effect::Paths | Effect::ContextFree);
    let named =
        known.paths.iter().filter(|path| path.access != Access::Project && (path.group.is_none() || !has_closure));
    named.map(|path| access_of(path, directory)).collect()
}

fn access_of(path: &PathArgument, directory: &StagePath) -> PathAccess {
    // `requirements/*.txt` is read from one directory.
    let listed = path.pattern && path.access == Access::Read && path.path.ends_with('/');
    PathAccess {
        path: directory.join(&path.path),
        access: path.access,
        recursive: path.recursive || listed,
        pattern: path.pattern && !listed,
    }
}
