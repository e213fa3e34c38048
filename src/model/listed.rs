//! Files that a command reads because a list names them: `echo "SUM  FILE" | sha256sum -c`.
//!
//! What the list says is known where words of the same script print it. Where it is not, any file of the directory that
//! the command runs in may be named; lists name files of other directories only by paths that stand in the script.

use super::{
    path::StagePath,
    run::{KnownCommand, PathAccess},
};
use crate::{
    ecosystem::{Access, Effect, Match},
    shell::{Part, ShellWord},
};

/// What a command that checks the files of a list reads. `earlier` are the commands before it in the script.
pub(super) fn listed(
    known: &Match,
    earlier: &[KnownCommand],
    directory: &StagePath,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Vec<PathAccess> {
    if !known.spec().reads_listed {
        return Vec::new();
    }
    let fed = known.arguments.iter().all(|argument| argument.raw == "-");
    let printed = earlier.iter().filter(|command| command.effect() == Effect::Inert && command.command.words.len() > 1);
    let words: Vec<&ShellWord> = printed.flat_map(|command| command.command.words.iter().skip(1)).collect();
    let whole = PathAccess { path: directory.clone(), access: Access::Read, recursive: true, pattern: false };
    if !fed || words.is_empty() {
        return vec![whole];
    }
    let named: Option<Vec<Vec<PathAccess>>> = words.iter().map(|word| named_by(word, directory, lookup)).collect();
    named.map_or_else(|| vec![whole], |named| named.into_iter().flatten().collect())
}

/// The files that a printed word names; `None` where it may name any. The first of several pieces is a sum.
fn named_by(
    word: &ShellWord,
    directory: &StagePath,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Option<Vec<PathAccess>> {
    let mut pieces = vec![Piece::default()];
    for part in &word.parts {
        let value = match part {
            Part::Literal(text) => Some(text.clone()),
            Part::Variable { name, .. } => lookup(name),
            Part::Pattern(text) => Some(text.clone()).filter(|text| text == "*"),
            Part::Unknown => None,
        };
        let Some(value) = value else {
            pieces.last_mut()?.is_cut = true;
            continue;
        };
        for (index, text) in value.split(char::is_whitespace).enumerate() {
            if index > 0 {
                pieces.push(Piece::default());
            }
            pieces.last_mut()?.add(text);
        }
    }
    pieces.retain(|piece| piece.is_cut || !piece.start.is_empty());
    let is_sum = |index: usize| index == 0 && pieces.len() > 1;
    let files = pieces.iter().enumerate().filter(|(index, _)| !is_sum(*index));
    files.map(|(_, piece)| piece.access(directory)).collect()
}

/// A piece of a printed line, as far as it is known.
#[derive(Default)]
struct Piece {
    start: String,
    is_cut: bool,
}

impl Piece {
    fn add(&mut self, text: &str) {
        if !self.is_cut {
            self.start.push_str(text);
        }
    }

    fn access(&self, directory: &StagePath) -> Option<PathAccess> {
        // `*` in front of the name says that the file is read as it is.
        let name = self.start.trim_start_matches('*');
        if self.is_cut && name.is_empty() {
            return None;
        }
        Some(PathAccess { path: directory.join(name), access: Access::Read, recursive: false, pattern: self.is_cut })
    }
}
