//! The same command, so that it keeps to the lock file.

use std::ops::Range;

use crate::ecosystem::Effect;
use crate::model::{Build, KnownCommand, StepId};
use crate::shell::{Part, ShellWord, SimpleCommand};
use crate::text::{TextEdit, TextRange};

/// What to write instead.
pub(super) struct Locked {
    /// The command without its own options, as its pack spells it.
    pub(super) text: String,
    /// The change of the words.
    pub(super) edit: TextEdit,
}

/// The command with the words that its pack names instead; `None` where they cannot be put in place of the old ones, or an
/// option contradicts them.
pub(super) fn locked(build: &Build<'_>, id: StepId, command: &KnownCommand) -> Option<Locked> {
    let instead = command.known.locked_instead()?;
    let new: Vec<&str> = instead.split(' ').collect();
    let old: Vec<&str> = command.known.title.split(' ').collect();
    let shared = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (removed, added) = (old.get(shared..)?, new.get(shared..)?);
    if shared == 0 || removed.len() > 1 || contradicts(command, added) {
        return None;
    }
    let words = &command.command.words;
    let at = place(words, &old)?;
    let word = words.get(at)?;
    let source = build.inputs.file.source();
    if word.range.of(source) != word.raw || word.literal() != Some(&word.raw) {
        return None;
    }
    let (taken, edit) = if removed.is_empty() {
        (at + 1..at + 1, TextEdit::insert(word.range.end, format!(" {}", added.join(" "))))
    } else {
        (at..at + 1, TextEdit::replace(word.range, added.join(" ")))
    };
    let changed = SimpleCommand { words: spliced(words, taken, added), ..command.command.clone() };
    is_understood(build, id, &changed).then(|| Locked { text: instead.to_owned(), edit })
}

/// The index of the last word of the title: the subcommand, or the program where there is none.
fn place(words: &[ShellWord], title: &[&str]) -> Option<usize> {
    let (_, after_program) = title.split_first()?;
    match after_program.last() {
        None => Some(0),
        Some(last) => words.iter().position(|word| word.literal() == Some(last)),
    }
}

fn spliced(words: &[ShellWord], taken: Range<usize>, added: &[&str]) -> Vec<ShellWord> {
    let literal = |text: &&str| ShellWord {
        raw: (*text).to_owned(),
        parts: vec![Part::Literal((*text).to_owned())],
        range: TextRange::default(),
    };
    let mut words = words.to_vec();
    words.splice(taken, added.iter().map(literal));
    words
}

/// Whether an option of the command is one of the added, or says the opposite: `--no-x` of `--x`.
fn contradicts(command: &KnownCommand, added: &[&str]) -> bool {
    let opposite = |option: &str| match option.strip_prefix("--no-") {
        Some(rest) => format!("--{rest}"),
        None => format!("--no-{}", option.trim_start_matches('-')),
    };
    let mut given = command.known.options.iter();
    given.any(|given| added.iter().any(|option| given.name == *option || given.name == opposite(option)))
}

/// Whether the changed command is one that installs, with options that are all known.
fn is_understood(build: &Build<'_>, id: StepId, changed: &SimpleCommand) -> bool {
    let state = &build.step(id).before;
    let recognition = build.inputs.catalog.recognize(changed, &|name| state.lookup(name));
    recognition.candidates.iter().any(|found| found.effect() == Effect::Install && found.unknown.is_empty())
}
