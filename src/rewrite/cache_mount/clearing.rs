//! What makes a cache mount useless: options that turn the cache off, and commands that empty it.

use super::Mounting;
use crate::{
    ecosystem::Access,
    model::{Build, KnownCommand, StagePath, Step, StepId},
    syntax::{Body, Command},
    text::{Change, TextRange},
};

/// The changes that take away from a step what makes its mounts useless; `None` where that cannot be done exactly.
pub(super) fn clear(mounting: &Mounting<'_>, targets: &[StagePath]) -> Option<Vec<Change>> {
    let clearing = Clearing { mounting, targets };
    let commands = &mounting.run.commands;
    let kept = commands.iter().rposition(|command| !clearing.only_empties(command))? + 1;
    let defeats = |command: &KnownCommand| clearing.empties(command) || clearing.moves(command);
    if clearing.is_set_elsewhere() || clearing.is_moved_earlier() || commands[..kept].iter().any(defeats) {
        return None;
    }
    let mut changes = Vec::new();
    if kept < commands.len() {
        changes.push(clearing.cut_after(&commands[kept - 1..])?);
    }
    for command in &commands[..kept] {
        changes.extend(options(mounting, command)?);
    }
    Some(changes)
}

/// The places of a step's mounts, and what may make them useless.
struct Clearing<'a, 'b> {
    mounting: &'a Mounting<'b>,
    targets: &'a [StagePath],
}

impl Clearing<'_, '_> {
    /// Whether a variable moves the cache or turns it off.
    fn is_set_elsewhere(&self) -> bool {
        let cache = self.mounting.cache;
        let state = &self.mounting.build.step(self.mounting.id).before;
        let text = self.mounting.text(self.mounting.id);
        let is_set = |name: &str| text.contains(name) || state.variable(name).is_some();
        let spellings = |name: &String| [name.clone(), name.to_uppercase()];
        let is_variable = |name: &&String| !name.contains([' ', '-']);
        let moving = cache.moved_by.iter().filter(is_variable).filter(|name| **name == name.to_uppercase());
        let mut moving = cache.environment.iter().chain(moving).flat_map(spellings);
        let mut defeating = cache.defeated_by.iter().filter(is_variable).flat_map(spellings);
        moving.any(|name| is_set(&name) && !self.confirms(&name)) || defeating.any(|name| is_set(&name))
    }

    /// Whether a variable only says where the directory stands anyway, as images do.
    fn confirms(&self, name: &str) -> bool {
        let state = &self.mounting.build.step(self.mounting.id).before;
        let value = state.variable(name).and_then(|variable| variable.value.clone());
        let below = |home: String| {
            let home = StagePath::root().join(&home);
            self.targets.iter().any(|target| target.below(&home).is_some())
        };
        !self.mounting.text(self.mounting.id).contains(name) && value.is_some_and(below)
    }

    /// Whether a step before has moved the cache.
    fn is_moved_earlier(&self) -> bool {
        let earlier = self.mounting.build.steps_to(self.mounting.id).filter_map(Step::run);
        earlier.flat_map(|run| &run.commands).any(|command| command.known.is_any_of(&self.mounting.cache.moved_by))
    }

    fn moves(&self, command: &KnownCommand) -> bool {
        let moved_by = &self.mounting.cache.moved_by;
        command.known.is_any_of(moved_by) || moved_by.iter().any(|name| command.known.has_option(name))
    }

    /// Whether all that a command does is to empty the cache.
    fn only_empties(&self, command: &KnownCommand) -> bool {
        let mut accesses = command.accesses.iter().peekable();
        let below = |path: &StagePath| self.targets.iter().any(|target| path.below(target).is_some());
        let removal = command.command.program() == Some("rm") && accesses.peek().is_some();
        self.is_emptying(command)
            || removal && accesses.all(|access| access.access == Access::Remove && below(&access.path))
    }

    /// Whether a command takes away something of the cache.
    fn empties(&self, command: &KnownCommand) -> bool {
        let related = |place: &StagePath| self.targets.iter().any(|target| place.may_overlap(target));
        let mut removed = command.accesses.iter().filter(|access| access.access == Access::Remove);
        self.is_emptying(command) || removed.any(|access| related(&access.path))
    }

    fn is_emptying(&self, command: &KnownCommand) -> bool {
        self.mounting.cache.defeated_by.contains(&command.known.title)
    }

    /// The cut of all commands after the first, where nothing but `&&` stands between them and they end the script.
    fn cut_after(&self, commands: &[KnownCommand]) -> Option<Change> {
        let file = self.mounting.build.inputs.file;
        let (first, last) = (commands.first()?.command.range, commands.last()?.command.range);
        let joined = commands.windows(2).all(|pair| {
            let gap = pair[0].command.range.end..pair[1].command.range.start;
            let between = file.source().get(gap).unwrap_or_default();
            let bare: String = between.chars().filter(|character| !character.is_whitespace()).collect();
            bare.trim_matches(file.escape()) == "&&"
        });
        let script = plain_script(self.mounting.build, self.mounting.id)?;
        let cut = Change { range: TextRange::new(first.end, last.end), replacement: String::new() };
        (joined && script.end == last.end).then_some(cut)
    }
}

/// The text of a shell-form script of one logical line, without heredocs and comments.
pub(super) fn plain_script(build: &Build<'_>, id: StepId) -> Option<TextRange> {
    let instruction = build.instruction(id);
    let Body::Run(Command::Shell(_)) = &instruction.body else { return None };
    let text = &instruction.arguments;
    let range = text.source_range(TextRange::new(0, text.as_str().len()));
    let plain = instruction.heredocs.is_empty() && !range.of(build.inputs.file.source()).contains('#');
    plain.then_some(range)
}

/// The changes that take away the options of a command that turn the cache off, or write others in their place.
fn options(mounting: &Mounting<'_>, command: &KnownCommand) -> Option<Vec<Change>> {
    let cache = mounting.cache;
    let given = command.known.options.iter().filter(|given| given.value.as_deref() != Some("false"));
    let is_defeating = |name: &&str| name.starts_with('-') && cache.defeated_by.iter().any(|other| other == name);
    let names: Vec<&str> = given.map(|given| given.name.as_str()).filter(is_defeating).collect();
    let is_there = |other: &String| command.known.options.iter().any(|given| given.name == *other);
    if !names.is_empty() && cache.instead.values().any(is_there) {
        return None;
    }
    if names.is_empty() || command.known.pack.name != mounting.command.known.pack.name {
        return Some(Vec::new());
    }
    let script = plain_script(mounting.build, mounting.id)?;
    let change = |name: &str| {
        let word = only_word(mounting, command, name)?;
        match cache.instead.get(name) {
            Some(other) => Some(Change { range: word, replacement: other.clone() }),
            None => Some(Change { range: removal(mounting, word, script.start)?, replacement: String::new() }),
        }
    };
    names.into_iter().map(change).collect()
}

/// Where an option stands, if it stands there as it is, and once.
fn only_word(mounting: &Mounting<'_>, command: &KnownCommand, name: &str) -> Option<TextRange> {
    let source = mounting.build.inputs.file.source();
    let mut words = command.command.words.iter().filter(|word| word.raw == name && word.range.of(source) == name);
    let (word, None) = (words.next()?, words.next()) else { return None };
    Some(word.range)
}

/// A word of a script with the blanks before it; a line that held nothing else goes with its continuation.
fn removal(mounting: &Mounting<'_>, word: TextRange, script: usize) -> Option<TextRange> {
    let file = mounting.build.inputs.file;
    let before = file.source()[..word.start].trim_end_matches([' ', '\t']);
    let mut range = TextRange::new(before.len(), word.end);
    if before.ends_with('\n') {
        let after = file.source()[word.end..].split_once('\n').map(|(rest, _)| rest)?;
        if after.trim() != file.escape().to_string() {
            return None;
        }
        range.end = word.end + after.len() + 1;
    }
    (range.start >= script).then_some(range)
}
