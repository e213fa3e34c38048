//! The lexer of words with variables and quotes, by which `BuildKit` expands arguments and finds heredocs.
//!
//! Behaviour follows `BuildKit`'s `shell` package.

mod substitution;

use std::collections::HashSet;

use super::lines::BYTE_ORDER_MARK;
use crate::text::TextRange;

/// What the lexer keeps and what it resolves.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "four switches that are set independently of each other")]
pub(super) struct Mode {
    pub(super) escape: char,
    /// Quotes stay in the result.
    pub(super) raw_quotes: bool,
    /// Escape characters stay in the result.
    pub(super) raw_escapes: bool,
    /// Quotes mean nothing.
    pub(super) ignore_quotes: bool,
    /// A variable that is not set stays as written.
    pub(super) keep_unset: bool,
}

impl Mode {
    /// Everything is resolved.
    pub(super) fn resolve(escape: char) -> Self {
        Self { escape, raw_quotes: false, raw_escapes: false, ignore_quotes: false, keep_unset: false }
    }
}

/// One of the words that the text was split into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LexedWord {
    pub(super) text: String,
    /// Where it stands in the lexed text.
    pub(super) range: TextRange,
}

/// The outcome of lexing.
pub(super) struct Lexed {
    pub(super) text: String,
    pub(super) words: Vec<LexedWord>,
    /// Names that were looked up in vain, each once.
    pub(super) unset: Vec<String>,
}

/// Lexes `text`.
///
/// # Errors
/// What is wrong with a quote or a substitution.
pub(super) fn lex(text: &str, mode: Mode, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Lexed, String> {
    let at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    let mut lexer = Lexer {
        text,
        at,
        mode,
        lookup,
        words: Words::default(),
        unset: Vec::new(),
        unset_names: HashSet::new(),
        depth: 0,
    };
    let text = lexer.until(None, mode.raw_escapes)?;
    Ok(Lexed { text, words: lexer.words.done, unset: lexer.unset })
}

/// Words as they grow.
#[derive(Default)]
struct Words {
    done: Vec<LexedWord>,
    current: String,
    start: usize,
    end: usize,
}

impl Words {
    fn push(&mut self, piece: &str, range: TextRange) {
        if self.current.is_empty() {
            self.start = range.start;
        }
        self.current.push_str(piece);
        self.end = range.end;
    }

    /// Text of a variable: blanks in it end words.
    fn push_splitting(&mut self, piece: &str, range: TextRange) {
        for character in piece.chars() {
            if character.is_whitespace() {
                self.finish();
            } else {
                self.push(character.encode_utf8(&mut [0; 4]), range);
            }
        }
    }

    fn finish(&mut self) {
        if !self.current.is_empty() {
            let text = std::mem::take(&mut self.current);
            self.done.push(LexedWord { text, range: TextRange::new(self.start, self.end) });
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    mode: Mode,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    words: Words,
    unset: Vec<String>,
    unset_names: HashSet<String>,
    depth: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn since(&self, start: usize) -> TextRange {
        TextRange::new(start, self.at)
    }

    /// Reads up to and with `stop`, or to the end. Only the outermost call collects words.
    fn until(&mut self, stop: Option<char>, raw_escapes: bool) -> Result<String, String> {
        if stop.is_some() {
            // `BuildKit` forgets what the word had before a modifier's text; heredoc names depend on it.
            self.words.current.clear();
        }
        let outer = std::mem::replace(&mut self.mode.raw_escapes, raw_escapes);
        let result = self.pieces(stop);
        self.mode.raw_escapes = outer;
        result
    }

    fn pieces(&mut self, stop: Option<char>) -> Result<String, String> {
        let mut result = String::new();
        while let Some(character) = self.peek() {
            if stop == Some(character) {
                self.next();
                return Ok(result);
            }
            let start = self.at;
            let piece = match character {
                '$' => self.dollar()?,
                '<' => self.possible_heredoc(),
                '\'' if !self.mode.ignore_quotes => self.single_quotes()?,
                '"' if !self.mode.ignore_quotes => self.double_quotes()?,
                _ if character == self.mode.escape => self.escaped(),
                _ => self.next().map(String::from).unwrap_or_default(),
            };
            if stop.is_none() {
                self.collect(character, &piece, start);
            }
            result.push_str(&piece);
        }
        if let Some(stop) = stop {
            return Err(format!("the text ends before the matching `{stop}`"));
        }
        self.words.finish();
        Ok(result)
    }

    fn collect(&mut self, first: char, piece: &str, start: usize) {
        let range = self.since(start);
        if first == '$' {
            self.words.push_splitting(piece, range);
        } else if first.is_whitespace() {
            self.words.finish();
        } else if !piece.is_empty() {
            self.words.push(piece, range);
        }
    }

    fn escaped(&mut self) -> String {
        let start = self.at;
        self.next();
        let after = self.at;
        self.next();
        let from = if self.mode.raw_escapes { start } else { after };
        self.since(from).of(self.text).to_owned()
    }

    fn possible_heredoc(&mut self) -> String {
        let start = self.at;
        self.next();
        if self.peek() == Some('<') {
            self.next();
            while matches!(self.peek(), Some('\t' | '\r' | ' ')) {
                self.next();
            }
        }
        self.since(start).of(self.text).to_owned()
    }

    fn single_quotes(&mut self) -> Result<String, String> {
        let start = self.at;
        self.next();
        let length = self.text[self.at..].find('\'').ok_or("the text ends before the matching single quote")?;
        let inside = TextRange::new(self.at, self.at + length);
        self.at += length + 1;
        let range = if self.mode.raw_quotes { self.since(start) } else { inside };
        Ok(range.of(self.text).to_owned())
    }

    fn double_quotes(&mut self) -> Result<String, String> {
        let mut result = String::new();
        let quote = if self.mode.raw_quotes { "\"" } else { "" };
        self.next();
        result.push_str(quote);
        loop {
            match self.peek().ok_or("the text ends before the matching double quote")? {
                '"' => {
                    self.next();
                    result.push_str(quote);
                    return Ok(result);
                }
                '$' => result.push_str(&self.dollar()?),
                _ => self.quoted_character(&mut result),
            }
        }
    }

    /// One character between double quotes, where only `"`, `$` and the escape character can be escaped.
    fn quoted_character(&mut self, result: &mut String) {
        let Some(character) = self.next() else { return };
        if character != self.mode.escape {
            return result.push(character);
        }
        if self.mode.raw_escapes {
            result.push(character);
        }
        match self.peek() {
            None => {}
            Some(escaped) if matches!(escaped, '"' | '$') || escaped == self.mode.escape => {
                self.next();
                result.push(escaped);
            }
            Some(_) => result.push(character),
        }
    }
}
