//! Words: quotes resolved, expansions told apart.
//!
//! A word of the text may become several: `$PACKAGES` of a known value `curl git` is split as the shell would. The
//! *substitutions* of a word are the pieces that run commands: `$(…)` and backquotes.

use super::expansion::{Brace, brace_end, plain_default, scan_substitutions};
use super::extent;
use super::script::{Part, ShellWord};
use crate::text::{LogicalText, TextRange};

/// What is known of a variable at a point of the script.
pub(super) enum Value {
    /// The script assigned this text.
    Known(String),
    /// The script assigned something that we do not know.
    Hidden,
    /// The script did not assign it: its value comes from outside.
    Outer,
}

/// What a word turned out to be.
#[derive(Default)]
pub(super) struct Reading {
    /// The words that it becomes.
    pub(super) words: Vec<ShellWord>,
    /// Text between `$(` and `)`, in the text that was read.
    pub(super) substitutions: Vec<TextRange>,
    /// Text between backquotes, its escapes still in it.
    pub(super) backquoted: Vec<TextRange>,
}

/// Whether an unquoted variable is split at blanks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Splitting {
    /// As in a command's arguments.
    Fields,
    /// As in an assignment's value or a redirection's target.
    Whole,
}

/// Reads the word at `range` of the text.
pub(super) fn read(
    map: &LogicalText,
    range: TextRange,
    splitting: Splitting,
    lookup: &dyn Fn(&str) -> Value,
) -> Reading {
    let text = map.as_str();
    let mut reader = Reader {
        bytes: text.as_bytes().get(..range.end).unwrap_or_default(),
        text,
        lookup,
        splitting,
        parts: Vec::new(),
        fields: Vec::new(),
        started: false,
        no_bracket: false,
        substitutions: Vec::new(),
        backquoted: Vec::new(),
    };
    reader.unquoted(range.start);
    reader.finish_field();
    let raw = range.of(text).replace("\\\n", "");
    let source = map.source_range(range);
    let mut fields = reader.fields;
    if splitting == Splitting::Whole && fields.is_empty() {
        fields.push(Vec::new());
    }
    let words = fields.into_iter().map(|parts| ShellWord { raw: raw.clone(), parts, range: source }).collect();
    Reading { words, substitutions: reader.substitutions, backquoted: reader.backquoted }
}

struct Reader<'a> {
    text: &'a str,
    /// The text up to the end of the word.
    bytes: &'a [u8],
    lookup: &'a dyn Fn(&str) -> Value,
    splitting: Splitting,
    /// Parts of the field that is being read.
    parts: Vec<Part>,
    fields: Vec<Vec<Part>>,
    /// Whether the field exists although it may be empty: `""`.
    started: bool,
    /// No `]` follows in the word.
    no_bracket: bool,
    substitutions: Vec<TextRange>,
    backquoted: Vec<TextRange>,
}

impl Reader<'_> {
    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end.min(self.bytes.len())).unwrap_or_default()
    }

    fn literal(&mut self, start: usize, end: usize) {
        let end = end.min(self.bytes.len());
        let piece = self.text.get(start..end).unwrap_or_default();
        push_literal(&mut self.parts, piece);
    }

    fn unknown(&mut self) {
        self.parts.push(Part::Unknown);
    }

    fn pattern(&mut self, start: usize, end: usize) {
        let piece = self.slice(start, end).to_owned();
        match self.parts.last_mut() {
            Some(Part::Pattern(text)) => text.push_str(&piece),
            _ => self.parts.push(Part::Pattern(piece)),
        }
    }

    fn finish_field(&mut self) {
        if self.started || !self.parts.is_empty() {
            self.fields.push(std::mem::take(&mut self.parts));
        }
        self.started = false;
    }

    fn unquoted(&mut self, start: usize) {
        let mut at = start;
        while at < self.bytes.len() {
            at = match self.bytes[at] {
                b'\\' => self.escape(at),
                b'\'' => self.single_quoted(at),
                b'"' => self.double_quoted(at),
                b'`' => self.backquote(at),
                b'$' if self.bytes.get(at + 1) == Some(&b'\'') => self.ansi_quoted(at + 1),
                b'$' if self.bytes.get(at + 1) == Some(&b'"') => at + 1,
                b'$' => self.dollar(at, false),
                b'*' | b'?' => self.one_pattern(at, at + 1),
                b'[' => self.bracket(at),
                b'{' => self.brace(at),
                b'~' if at == start => self.tilde(at),
                // Only arrays, tests and extended patterns have parentheses inside a word.
                b'(' => self.opaque(at),
                _ => self.plain(at),
            };
        }
    }

    fn plain(&mut self, at: usize) -> usize {
        let special = |byte: &u8| matches!(byte, b'\\' | b'\'' | b'"' | b'`' | b'$' | b'*' | b'?' | b'[' | b'{' | b'(');
        let rest = &self.bytes[at + 1..];
        let end = rest.iter().position(special).map_or(self.bytes.len(), |length| at + 1 + length);
        self.literal(at, end);
        end
    }

    fn one_pattern(&mut self, start: usize, end: usize) -> usize {
        self.pattern(start, end);
        end
    }

    fn escape(&mut self, at: usize) -> usize {
        let Some(character) = self.slice(at + 1, self.bytes.len()).chars().next() else {
            self.literal(at, at + 1);
            return at + 1;
        };
        let end = at + 1 + character.len_utf8();
        if character != '\n' {
            self.literal(at + 1, end);
        }
        end
    }

    fn single_quoted(&mut self, at: usize) -> usize {
        self.started = true;
        let end = extent::end(self.bytes, at).unwrap_or(self.bytes.len());
        self.literal(at + 1, end.saturating_sub(1).max(at + 1));
        end
    }

    fn ansi_quoted(&mut self, at: usize) -> usize {
        self.started = true;
        let end = extent::end(self.bytes, at).unwrap_or(self.bytes.len());
        let inner = self.slice(at + 1, end.saturating_sub(1)).to_owned();
        if inner.contains('\\') {
            self.unknown();
        } else {
            push_literal(&mut self.parts, &inner);
        }
        end
    }

    fn double_quoted(&mut self, at: usize) -> usize {
        self.started = true;
        let mut at = at + 1;
        while at < self.bytes.len() {
            at = match self.bytes[at] {
                b'"' => return at + 1,
                b'\\' if matches!(self.bytes.get(at + 1), Some(b'$' | b'`' | b'"' | b'\\' | b'\n')) => self.escape(at),
                b'`' => self.backquote(at),
                b'$' => self.dollar(at, true),
                _ => {
                    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'`' | b'$');
                    let rest = &self.bytes[at + 1..];
                    let end = rest.iter().position(special).map_or(self.bytes.len(), |length| at + 1 + length);
                    self.literal(at, end);
                    end
                }
            };
        }
        at
    }

    fn backquote(&mut self, at: usize) -> usize {
        let Some(end) = extent::end(self.bytes, at) else { return self.give_up() };
        self.backquoted.push(TextRange::new(at + 1, end - 1));
        self.unknown();
        end
    }

    /// What follows cannot be told apart.
    fn give_up(&mut self) -> usize {
        self.unknown();
        self.bytes.len()
    }

    fn dollar(&mut self, at: usize, quoted: bool) -> usize {
        let name_end = extent::name_end(self.bytes, at + 1);
        if name_end > at + 1 {
            let name = self.slice(at + 1, name_end).to_owned();
            self.variable(&name, None, quoted);
            return name_end;
        }
        match self.bytes.get(at + 1) {
            Some(b'(') => self.parenthesized(at),
            Some(b'{') => self.parameter(at, quoted),
            Some(b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!') => {
                self.unknown();
                at + 2
            }
            _ => {
                self.literal(at, at + 1);
                at + 1
            }
        }
    }

    fn parenthesized(&mut self, at: usize) -> usize {
        let Some(end) = extent::end(self.bytes, at) else { return self.give_up() };
        scan_substitutions(self.bytes, at, end, &mut self.substitutions, &mut self.backquoted);
        self.unknown();
        end
    }

    /// `${…}`.
    fn parameter(&mut self, at: usize, quoted: bool) -> usize {
        let Some(end) = extent::end(self.bytes, at) else { return self.give_up() };
        scan_substitutions(self.bytes, at + 2, end - 1, &mut self.substitutions, &mut self.backquoted);
        let name_end = extent::name_end(self.bytes, at + 2);
        let name = self.slice(at + 2, name_end).to_owned();
        let rest = self.slice(name_end, end - 1).to_owned();
        if name.is_empty() {
            self.unknown();
        } else if rest.is_empty() || rest.starts_with(":?") || rest.starts_with('?') {
            self.variable(&name, None, quoted);
        } else if let Some(default) = rest.strip_prefix(":-").or_else(|| rest.strip_prefix(":=")) {
            match plain_default(default) {
                Some(default) => self.variable(&name, Some(default), quoted),
                None => self.unknown(),
            }
        } else {
            self.unknown();
        }
        end
    }

    fn variable(&mut self, name: &str, default: Option<String>, quoted: bool) {
        match ((self.lookup)(name), default) {
            (Value::Known(value), Some(default)) if value.is_empty() => self.value(&default, quoted),
            (Value::Known(value), _) => self.value(&value, quoted),
            (Value::Hidden, _) => self.unknown(),
            (Value::Outer, default) => self.parts.push(Part::Variable { name: name.to_owned(), default }),
        }
    }

    fn value(&mut self, value: &str, quoted: bool) {
        if quoted || self.splitting == Splitting::Whole {
            self.started |= quoted;
            push_literal(&mut self.parts, value);
            return;
        }
        let blank = |character: char| matches!(character, ' ' | '\t' | '\n');
        for (index, field) in value.split(blank).enumerate() {
            if index > 0 {
                self.finish_field();
            }
            if field.contains(['*', '?', '[']) {
                self.parts.push(Part::Pattern(field.to_owned()));
            } else {
                push_literal(&mut self.parts, field);
            }
        }
    }

    fn bracket(&mut self, at: usize) -> usize {
        let close = if self.no_bracket { None } else { self.bytes[at + 1..].iter().position(|byte| *byte == b']') };
        let Some(close) = close else {
            self.no_bracket = true;
            self.literal(at, at + 1);
            return at + 1;
        };
        let end = at + close + 2;
        let quoted = self.bytes[at..end].iter().any(|byte| matches!(byte, b'\'' | b'"' | b'$' | b'`' | b'\\'));
        if close == 0 || quoted {
            self.pattern(at, at + 1);
            return at + 1;
        }
        self.one_pattern(at, end)
    }

    fn brace(&mut self, at: usize) -> usize {
        match brace_end(self.bytes, at) {
            Brace::Expansion(end) => self.one_pattern(at, end),
            Brace::Plain => {
                self.literal(at, at + 1);
                at + 1
            }
            Brace::Unclear => {
                self.unknown();
                at + 1
            }
        }
    }

    fn tilde(&mut self, at: usize) -> usize {
        let length = self.bytes[at..].iter().position(|byte| *byte == b'/').unwrap_or(self.bytes.len() - at);
        let user = self.bytes[at + 1..at + length].iter().all(|byte| extent::is_name_byte(*byte) || *byte == b'-');
        if !user {
            self.literal(at, at + 1);
            return at + 1;
        }
        // POSIX: a tilde without a name is the value of `HOME`.
        if length == 1 {
            self.variable("HOME", None, true);
            return at + length;
        }
        self.one_pattern(at, at + length)
    }

    fn opaque(&mut self, at: usize) -> usize {
        let end = extent::end(self.bytes, at).unwrap_or(self.bytes.len());
        scan_substitutions(self.bytes, at, end, &mut self.substitutions, &mut self.backquoted);
        self.unknown();
        end
    }
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if text.is_empty() {
        return;
    }
    match parts.last_mut() {
        Some(Part::Literal(before)) => before.push_str(text),
        _ => parts.push(Part::Literal(text.to_owned())),
    }
}
