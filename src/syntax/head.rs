//! Heads: an instruction's name, its flags and where its arguments begin.
//!
//! Flags are the words after the name that begin with `--`, up to the first that does not or to a lone `--`.

use super::ast::{Flag, Word};
use crate::text::{LogicalText, TextRange};

/// The parts of a command line. Ranges are of the joined text.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) keyword: TextRange,
    pub(super) flags: Vec<Flag>,
    /// Trimmed.
    pub(super) arguments: TextRange,
}

/// What separates the name from the rest, and arguments from each other.
pub(super) fn is_blank(character: char) -> bool {
    matches!(character, '\t' | '\x0B' | '\x0C' | '\r' | ' ')
}

impl Head {
    pub(super) fn read(line: &LogicalText, escape: char) -> Self {
        let text = line.as_str();
        let start = text.len() - text.trim_start().len();
        let end = start + text[start..].trim_end().len();
        let name_end = text[start..end].find(is_blank).map_or(end, |at| start + at);
        let (flags, after) = flags(line, name_end, end, escape);
        let arguments = &text[after..end];
        let begin = end - arguments.trim_start().len();
        Self { keyword: TextRange::new(start, name_end), flags, arguments: TextRange::new(begin, end) }
    }
}

/// Reads flags from `at` on; gives them and where the arguments begin.
fn flags(line: &LogicalText, mut at: usize, end: usize, escape: char) -> (Vec<Flag>, usize) {
    let text = &line.as_str()[..end];
    let mut flags = Vec::new();
    loop {
        at = end - text[at..].trim_start_matches(|next: char| next.is_ascii() && next.is_whitespace()).len();
        if !text[at..].starts_with("--") {
            return (flags, at);
        }
        let (resolved, after) = flag_word(text, at, escape);
        if resolved == "--" {
            return (flags, after);
        }
        flags.push(flag(line, TextRange::new(at, after), &resolved));
        at = after;
    }
}

fn flag(line: &LogicalText, range: TextRange, resolved: &str) -> Flag {
    let (name, value) = match resolved.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (resolved, None),
    };
    let written = range.of(line.as_str());
    let value_start = written.find('=').map_or(range.end, |at| range.start + at + 1);
    Flag {
        range: line.source_range(range),
        name: name.strip_prefix("--").unwrap_or(name).to_owned(),
        value: value.map(|value| Word {
            text: value.to_owned(),
            range: line.source_range(TextRange::new(value_start, range.end)),
        }),
    }
}

/// `BuildKit` looks at flags byte by byte, so of the blanks only those below U+0100 end them.
fn ends_flag(character: char) -> bool {
    character < '\u{100}' && character.is_whitespace()
}

/// The word at `start` with quotes and escapes resolved, and where it ends.
fn flag_word(text: &str, start: usize, escape: char) -> (String, usize) {
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text[start..].char_indices();
    while let Some((at, character)) = characters.next() {
        match quote {
            None if ends_flag(character) => return (word, start + at),
            None if matches!(character, '\'' | '"') => quote = Some(character),
            Some(open) if open == character => quote = None,
            _ if character == escape => word.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => word.push(character),
        }
    }
    (word, text.len())
}
