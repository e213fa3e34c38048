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
    let (cache, run) = (mounting.cache, mounting.run);
    let state = &mounting.build.step(mounting.id).before;
    let text = mounting.text(mounting.id);
    let is_set = |name: &str| text.contains(name) || state.variable(name).is_some();
    // What only says where the directory stands anyway, as images do, moves nothing.
    let confirms = |name: &str| {
        let value = state.variable(name).and_then(|variable| variable.value.clone());
        let below = |home: String| {
            let home = StagePath::root().join(&home);
            targets.iter().any(|target| target.below(&home).is_some())
        };
        !text.contains(name) && value.is_some_and(below)
    };
    let set_elsewhere =
        |name: &String| [name.clone(), name.to_uppercase()].iter().any(|name| is_set(name) && !confirms(name));
    let mut defeating = cache.defeated_by.iter().filter(|name| !name.contains([' ', '-']));
    let variables = cache.moved_by.iter().filter(|name| !name.contains([' ', '-']) && **name == name.to_uppercase());
    if cache.environment.iter().chain(variables).any(set_elsewhere)
        || defeating.any(|name| is_set(name) || is_set(&name.to_uppercase()))
    {
        return None;
    }
    let mut earlier = mounting.build.steps_to(mounting.id).filter_map(Step::run).flat_map(|run| &run.commands);
    if earlier.any(|command| cache.moved_by.iter().any(|name| command.known.is_any_of(std::slice::from_ref(name)))) {
        return None;
    }
    let empties = |command: &KnownCommand| {
        let mut accesses = command.accesses.iter().peekable();
        let below = |path: &StagePath| targets.iter().any(|target| path.below(target).is_some());
        let removal = command.command.program() == Some("rm") && accesses.peek().is_some();
        cache.defeated_by.contains(&command.known.title)
            || removal && accesses.all(|access| access.access == Access::Remove && below(&access.path))
    };
    let kept = run.commands.iter().rposition(|command| !empties(command))? + 1;
    let clears = |command: &KnownCommand| {
        let related = |place: &StagePath| targets.iter().any(|target| place.may_overlap(target));
        cache.defeated_by.contains(&command.known.title)
            || command.accesses.iter().any(|access| access.access == Access::Remove && related(&access.path))
    };
    let moved = |command: &KnownCommand| {
        let mut names = cache.moved_by.iter();
        names.any(|name| command.known.has_option(name) || command.known.is_any_of(std::slice::from_ref(name)))
    };
    if run.commands[..kept].iter().any(|command| clears(command) || moved(command)) {
        return None;
    }
    let mut changes = Vec::new();
    if kept < run.commands.len() {
        let source = mounting.build.inputs.file.source();
        let end = run.commands[run.commands.len() - 1].command.range.end;
        let script = plain_script(mounting.build, mounting.id)?;
        let first = &run.commands[kept - 1];
        // Between the commands that go and the one that stays there is nothing but `&&`.
        let joints = run.commands[kept - 1..].windows(2);
        let joined = joints.into_iter().all(|pair| {
            let between = source.get(pair[0].command.range.end..pair[1].command.range.start).unwrap_or_default();
            let bare: String = between.chars().filter(|character| !character.is_whitespace()).collect();
            bare.trim_matches(mounting.build.inputs.file.escape()) == "&&"
        });
        if !joined || script.end != end {
            return None;
        }
        changes.push(Change { range: TextRange::new(first.command.range.end, end), replacement: String::new() });
    }
    for command in &run.commands[..kept] {
        changes.extend(options(mounting, command)?);
    }
    Some(changes)
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

/// The removal of the options of a command that turn the cache off.
fn options(mounting: &Mounting<'_>, command: &KnownCommand) -> Option<Vec<Change>> {
    let defeating = mounting.cache.defeated_by.iter().filter(|name| name.starts_with('-'));
    let given = command.known.options.iter().filter(|given| given.value.as_deref() != Some("false"));
    let names: Vec<&str> =
        given.map(|given| given.name.as_str()).filter(|name| defeating.clone().any(|other| other == name)).collect();
    let is_instead = |name: &&String| mounting.cache.instead.values().any(|other| other == *name);
    if !names.is_empty() && command.known.options.iter().any(|given| is_instead(&&given.name)) {
        return None;
    }
    if names.is_empty() || command.known.pack.name != mounting.command.known.pack.name {
        return Some(Vec::new());
    }
    let script = plain_script(mounting.build, mounting.id)?;
    let source = mounting.build.inputs.file.source();
    let mut changes = Vec::new();
    for name in names {
        if let Some(other) = mounting.cache.instead.get(name) {
            let mut words =
                command.command.words.iter().filter(|word| word.raw == name && word.range.of(source) == name);
            let (word, None) = (words.next()?, words.next()) else { return None };
            changes.push(Change { range: word.range, replacement: other.clone() });
            continue;
        }
        let mut words = command.command.words.iter().filter(|word| word.raw == name && word.range.of(source) == name);
        let (word, None) = (words.next()?, words.next()) else { return None };
        // With the blanks before it; a line that held nothing else goes with its continuation.
        let before = source[..word.range.start].trim_end_matches([' ', '\t']);
        let mut range = TextRange::new(before.len(), word.range.end);
        if before.ends_with('\n') {
            let escape = mounting.build.inputs.file.escape();
            let after = source[word.range.end..].split_once('\n').map(|(rest, _)| rest)?;
            if after.trim() != escape.to_string() {
                return None;
            }
            range.end = word.range.end + after.len() + 1;
        }
        if range.start < script.start {
            return None;
        }
        changes.push(Change { range, replacement: String::new() });
    }
    Some(changes)
}
