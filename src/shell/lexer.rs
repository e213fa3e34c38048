//! The tokens of a script, as `brush-parser`'s grammar wants them.
//!
//! The grammar comes from `brush-parser`; its tokens are made here, for three reasons: their positions are byte offsets
//! and exact across continuations and comments, reading is linear and cannot panic, and every word is passed to the
//! grammar as a short stand-in (`w`, `A=` for an assignment), because words are read from the text by [`super::word`].
//! An arithmetic command `((…))`, a test `[[ … ]]` and an array `A=(…)` are one word each.

use std::collections::HashMap;
use std::sync::Arc;

use brush_parser::{SourcePosition, SourceSpan, Token};

use super::extent;
use crate::text::TextRange;

/// Words that the grammar must see as they are.
const RESERVED: &[&str] = &[
    "!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select", "then",
    "time", "until", "while",
];

/// Reserved words after which a command may start.
const BEFORE_COMMAND: &[&str] = &["!", "{", "do", "elif", "else", "if", "then", "time", "until", "while"];

/// Operators, longest first.
const OPERATORS: &[&str] = &[
    "&>>", "<<<", "<<-", ";;&", "&&", "||", ";;", ";&", "|&", "&>", "<<", ">>", "<&", ">&", "<>", ">|", "&", ";", "|",
    "<", ">", "(", ")",
];

/// What the lexer found.
pub(super) struct Lexed {
    /// Tokens in the order that the grammar reads: a here document directly after its tag.
    pub(super) tokens: Vec<Token>,
    /// How often the script assigns each variable.
    pub(super) assigned: HashMap<String, usize>,
}

/// A here document whose body is still to come.
struct PendingBody {
    /// The index of the token that stands for the body.
    token: usize,
    /// The line that ends it.
    tag: String,
    /// Whether leading tabs do not count: `<<-`.
    strip_tabs: bool,
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    assigned: HashMap<String, usize>,
    pending: Vec<PendingBody>,
    /// Whether a command may start here.
    command_start: bool,
}

/// Reads the tokens of `text[range]`; the error says what is not closed.
pub(super) fn lex(text: &str, range: TextRange) -> Result<Lexed, &'static str> {
    let text = text.get(..range.end).unwrap_or(text);
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        at: range.start,
        tokens: Vec::new(),
        assigned: HashMap::new(),
        pending: Vec::new(),
        command_start: true,
    };
    while lexer.next()? {}
    Ok(Lexed { tokens: lexer.tokens, assigned: lexer.assigned })
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// Reads one token; `false` at the end.
    fn next(&mut self) -> Result<bool, &'static str> {
        self.skip_blanks();
        let Some(byte) = self.byte(self.at) else {
            self.read_bodies();
            return Ok(false);
        };
        if byte == b'\n' {
            self.push_operator(self.at, self.at + 1);
            self.at += 1;
            self.read_bodies();
            return Ok(true);
        }
        if self.whole_command()? {
            return Ok(true);
        }
        let rest = &self.bytes[self.at..];
        match OPERATORS.iter().find(|operator| rest.starts_with(operator.as_bytes())) {
            Some(operator) => self.operator(operator)?,
            None => self.word()?,
        }
        Ok(true)
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.byte(self.at) {
                Some(b' ' | b'\t') => self.at += 1,
                Some(b'\r') if matches!(self.byte(self.at + 1), Some(b'\n') | None) => self.at += 1,
                Some(b'\\') if self.byte(self.at + 1) == Some(b'\n') => self.at += 2,
                Some(b'#') => self.at = extent::line_end(self.bytes, self.at),
                _ => return,
            }
        }
    }

    /// Takes an arithmetic command or a `[[ … ]]` as one word.
    fn whole_command(&mut self) -> Result<bool, &'static str> {
        if !self.command_start {
            // The head of `for ((…))` stands where the variable's name would.
            let after_for = self.tokens.last().is_some_and(|token| token.to_str() == "for");
            if !after_for {
                return Ok(false);
            }
        }
        let end = match self.byte(self.at) {
            Some(b'(') => extent::arithmetic_end(self.bytes, self.at),
            Some(b'[') => self.test_end()?,
            _ => None,
        };
        let Some(end) = end else { return Ok(false) };
        self.push_word("w", self.at, end);
        self.at = end;
        Ok(true)
    }

    /// The end of the `[[ … ]]` that starts here.
    fn test_end(&self) -> Result<Option<usize>, &'static str> {
        let blank = |byte: Option<u8>| matches!(byte, Some(b' ' | b'\t' | b'\n'));
        if !self.bytes[self.at..].starts_with(b"[[") || !blank(self.byte(self.at + 2)) {
            return Ok(None);
        }
        let mut at = self.at + 2;
        while let Some(byte) = self.byte(at) {
            if byte == b']' && self.byte(at + 1) == Some(b']') && blank(self.byte(at - 1)) {
                return Ok(Some(at + 2));
            }
            at = self.piece_end(at)?;
        }
        Err("`[[` is not closed")
    }

    /// The offset after the character, or the quoted or substituted piece, at `at`.
    fn piece_end(&self, at: usize) -> Result<usize, &'static str> {
        match self.bytes[at] {
            b'\\' => Ok((at + 2).min(self.bytes.len())),
            b'\'' | b'"' | b'`' => extent::end(self.bytes, at).ok_or("a quote is not closed"),
            b'$' => match self.byte(at + 1) {
                Some(b'(' | b'{') => extent::end(self.bytes, at).ok_or("a substitution is not closed"),
                // The backslash escapes of `$'…'` reach over a quote.
                Some(b'\'') => extent::end(self.bytes, at + 1).ok_or("a quote is not closed"),
                _ => Ok(at + 1),
            },
            _ => Ok(at + 1),
        }
    }

    fn operator(&mut self, operator: &str) -> Result<(), &'static str> {
        let start = self.at;
        self.at += operator.len();
        if operator == "(" && self.last_operator_is("(") {
            // Without a newline between them, the grammar would try `((` as arithmetic first, and try every way to do so.
            self.tokens.push(Token::Operator("\n".into(), span(start, start)));
        }
        self.push_operator(start, self.at);
        if operator == "<<" || operator == "<<-" {
            self.here_document(operator == "<<-")?;
        }
        Ok(())
    }

    fn last_operator_is(&self, expected: &str) -> bool {
        matches!(self.tokens.last(), Some(Token::Operator(operator, _)) if operator == expected)
    }

    fn here_document(&mut self, strip_tabs: bool) -> Result<(), &'static str> {
        self.skip_blanks();
        let start = self.at;
        let end = self.word_end(start)?;
        if end == start {
            return Err("a here document has no tag");
        }
        self.at = end;
        self.push_word("w", start, end);
        let tag = self.text[start..end].replace(['\'', '"', '\\'], "");
        self.pending.push(PendingBody { token: self.tokens.len(), tag, strip_tabs });
        self.push_word("w", end, end);
        self.push_word("w", end, end);
        Ok(())
    }

    /// Reads the bodies of the here documents of the line that ended before `at`.
    fn read_bodies(&mut self) {
        for body in std::mem::take(&mut self.pending) {
            let start = self.at;
            let mut end = start;
            while end < self.bytes.len() {
                let line_end = extent::line_end(self.bytes, end);
                let line = self.text[end..line_end].trim_end_matches('\r');
                let line = if body.strip_tabs { line.trim_start_matches('\t') } else { line };
                let next = (line_end + 1).min(self.bytes.len());
                self.at = next;
                if line == body.tag {
                    break;
                }
                end = next;
            }
            if let Some(token) = self.tokens.get_mut(body.token) {
                *token = Token::Word("w".into(), span(start, end));
            }
        }
    }

    fn word(&mut self) -> Result<(), &'static str> {
        let start = self.at;
        let end = self.word_end(start)?;
        self.at = end;
        let raw = &self.text[start..end];
        let name_end = extent::name_end(self.bytes, start);
        let is_assignment = name_end > start && assigns(&self.text[name_end..end]);
        let is_number = raw.bytes().all(|byte| byte.is_ascii_digit());
        // The grammar takes a longer number for a descriptor too, and panics over it.
        let is_io_number = is_number && raw.len() < 10 && matches!(self.byte(end), Some(b'<' | b'>'));
        let after_for = self.tokens.last().is_some_and(|token| matches!(token.to_str(), "for" | "time"));
        let stands_for_itself = (after_for && !is_number) || RESERVED.contains(&raw);
        if is_assignment {
            *self.assigned.entry(self.text[start..name_end].to_owned()).or_default() += 1;
            self.push_word("A=", start, end);
        } else if is_io_number || stands_for_itself {
            let raw = raw.to_owned();
            self.push_word(&raw, start, end);
        } else {
            self.push_word("w", start, end);
        }
        Ok(())
    }

    fn word_end(&self, start: usize) -> Result<usize, &'static str> {
        let mut at = start;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'\r' if matches!(self.byte(at + 1), Some(b'\n') | None) => break,
                b'(' if self.takes_parenthesis(start, at) => {
                    at = extent::end(self.bytes, at).ok_or("a parenthesis is not closed")?;
                }
                b' ' | b'\t' | b'\n' | b'&' | b';' | b'|' | b'<' | b'>' | b'(' | b')' => break,
                _ => at = self.piece_end(at)?,
            }
        }
        Ok(at)
    }

    /// Whether the `(` at `at` belongs to the word: an array's elements or an extended pattern.
    fn takes_parenthesis(&self, start: usize, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).filter(|before| *before >= start) else { return false };
        match self.bytes[before] {
            b'=' => extent::name_end(self.bytes, start) > start,
            b'@' | b'?' | b'*' | b'+' => true,
            b'!' => before > start || !self.command_start,
            _ => false,
        }
    }

    fn push_operator(&mut self, start: usize, end: usize) {
        let operator = &self.text[start..end];
        self.command_start = !operator.contains(['<', '>']);
        self.tokens.push(Token::Operator(operator.to_owned(), span(start, end)));
    }

    fn push_word(&mut self, stand_in: &str, start: usize, end: usize) {
        self.command_start = BEFORE_COMMAND.contains(&stand_in) || (stand_in == "A=" && self.command_start);
        self.tokens.push(Token::Word(stand_in.to_owned(), span(start, end)));
    }
}

/// Whether what follows a variable's name makes an assignment of it: `=`, `+=`, `[…]=`.
fn assigns(rest: &str) -> bool {
    let rest = match rest.strip_prefix('[') {
        Some(index) => index.split_once(']').map_or("", |(_, rest)| rest),
        None => rest,
    };
    rest.strip_prefix('+').unwrap_or(rest).starts_with('=')
}

fn span(start: usize, end: usize) -> SourceSpan {
    let position = |index| Arc::new(SourcePosition { index, line: 1, column: 1 });
    SourceSpan { start: position(start), end: position(end) }
}
