//! `[[ … ]]` as a command with words, as `[ … ]` is one: bash reads its words by rules of their own, without names of files
//! and without splitting.

use super::extent;
use super::script::{Part, ShellWord};
use super::state::State;
use super::walk::Walker;
use super::word::Splitting;
use crate::text::{LogicalText, TextRange};

/// Operators whose right side is a pattern or a regular expression: parentheses belong to it.
const BEFORE_PATTERN: [&str; 4] = ["==", "=", "!=", "=~"];

impl Walker<'_> {
    /// The words of the `[[ … ]]` at `range`; `None` where they cannot be told apart.
    pub(super) fn conditional_words(
        &self,
        map: &LogicalText,
        range: TextRange,
        state: &State,
    ) -> Option<Vec<(ShellWord, TextRange)>> {
        let text = map.as_str();
        let inner = TextRange::new(range.start + 2, range.end.checked_sub(2)?);
        let bracket = |start: usize| TextRange::new(start, start + 2);
        let mut words = vec![(plain(map, bracket(range.start)), bracket(range.start))];
        let mut after_pattern_operator = false;
        for piece in pieces(text, inner)? {
            let raw = piece.of(text);
            let stands_alone = matches!(raw, "(" | ")" | "&&" | "||" | "<" | ">");
            if !stands_alone && !after_pattern_operator && (joins(raw) || raw.starts_with(['<', '>'])) {
                return None;
            }
            after_pattern_operator = BEFORE_PATTERN.contains(&raw);
            let word = if stands_alone {
                plain(map, piece)
            } else {
                let mut read = self.read_range(map, piece, Splitting::Whole, state).words;
                let word = read.pop().filter(|_| read.is_empty())?;
                ShellWord { parts: word.parts.into_iter().map(without_pattern).collect(), ..word }
            };
            words.push((word, piece));
        }
        words.push((plain(map, bracket(inner.end)), bracket(inner.end)));
        Some(words)
    }
}

/// The pieces between blanks; quotes and substitutions hold theirs together.
fn pieces(text: &str, range: TextRange) -> Option<Vec<TextRange>> {
    let bytes = text.as_bytes().get(..range.end)?;
    let is_blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let mut found = Vec::new();
    let (mut at, mut start) = (range.start, None);
    while let Some(byte) = bytes.get(at).copied() {
        let continued = byte == b'\\' && bytes.get(at + 1) == Some(&b'\n');
        if is_blank(byte) || continued && start.is_none() {
            found.extend(start.take().map(|start| TextRange::new(start, at)));
            at += if continued { 2 } else { 1 };
            continue;
        }
        start.get_or_insert(at);
        at = match byte {
            b'\\' => at + 2,
            b'\'' | b'"' | b'`' => extent::end(bytes, at)?,
            b'$' if matches!(bytes.get(at + 1), Some(b'(' | b'{')) => extent::end(bytes, at)?,
            b'$' if bytes.get(at + 1) == Some(&b'\'') => extent::end(bytes, at + 1)?,
            _ => at + 1,
        };
    }
    found.extend(start.map(|start| TextRange::new(start, range.end)));
    Some(found)
}

/// Whether a piece holds an operator besides a word: `(-f`, `a&&b`.
fn joins(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        at = match byte {
            b'(' | b')' | b'&' | b'|' => return true,
            b'\\' => at + 2,
            b'\'' | b'"' | b'`' => extent::end(bytes, at).unwrap_or(bytes.len()),
            b'$' if matches!(bytes.get(at + 1), Some(b'(' | b'{')) => extent::end(bytes, at).unwrap_or(bytes.len()),
            _ => at + 1,
        };
    }
    false
}

/// No name of a file takes the place of a pattern here.
fn without_pattern(part: Part) -> Part {
    match part {
        Part::Pattern(text) if text.starts_with('~') => Part::Unknown,
        Part::Pattern(text) => Part::Literal(text),
        other => other,
    }
}

fn plain(map: &LogicalText, range: TextRange) -> ShellWord {
    let raw = range.of(map.as_str()).to_owned();
    ShellWord { parts: vec![Part::Literal(raw.clone())], raw, range: map.source_range(range) }
}
