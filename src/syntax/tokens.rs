//! Tokens: every byte of the source under one kind, in order.

use super::ast::{Heredoc, Instruction};
use super::command_line::{CommandLine, Part, PartKind};
use super::lines::{BYTE_ORDER_MARK, Line};
use crate::text::TextRange;

/// A piece of the source of one kind. Tokens cover the source without gap or overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub range: TextRange,
}

/// Kinds of [`Token`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A byte order mark.
    ByteOrderMark,
    /// Blanks and tabs.
    Whitespace,
    /// `\n` or `\r\n`.
    LineBreak,
    /// `# …`, without its line break.
    Comment,
    /// A parser directive's line, without its line break.
    Directive,
    /// The name of an instruction.
    Keyword,
    /// `--name=value`.
    Flag,
    /// Text of the arguments on one line.
    Text,
    /// The escape character that continues a line, with the blanks after it, without the line break.
    Continuation,
    /// Lines of a heredoc's body, line breaks included.
    HeredocBody,
    /// A heredoc's last line, without its line break.
    HeredocTerminator,
}

/// Tokens as they are found. Invariant: each begins where the one before ends.
pub(super) struct TokenBuilder<'s> {
    source: &'s str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'s> TokenBuilder<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        let mut builder = Self { source, tokens: Vec::new(), at: 0 };
        if source.starts_with(BYTE_ORDER_MARK) {
            builder.to(BYTE_ORDER_MARK.len_utf8(), TokenKind::ByteOrderMark);
        }
        builder
    }

    /// All tokens, those of what is left of the source included.
    pub(super) fn finish(mut self) -> Vec<Token> {
        self.text_to(self.source.len());
        self.tokens
    }

    /// The bytes up to `end` are of that kind.
    fn to(&mut self, end: usize, kind: TokenKind) {
        if end > self.at {
            self.tokens.push(Token { kind, range: TextRange::new(self.at, end) });
            self.at = end;
        }
    }

    /// The bytes up to `end` are text, blanks at both ends apart.
    fn text_to(&mut self, end: usize) {
        let text = TextRange::new(self.at, end).of(self.source);
        let trimmed_start = end - text.trim_start().len();
        let trimmed_end = self.at + text.trim_end().len();
        if trimmed_start < end {
            self.to(trimmed_start, TokenKind::Whitespace);
            self.to(trimmed_end, TokenKind::Text);
        }
        self.to(end, TokenKind::Whitespace);
    }

    /// A line that is blank but for one token.
    pub(super) fn line(&mut self, line: Line, content: Option<(TextRange, TokenKind)>) {
        if let Some((range, kind)) = content {
            self.to(range.start, TokenKind::Whitespace);
            self.to(range.end, kind);
        }
        self.line_end(line);
    }

    /// What is left of the line and its break.
    fn line_end(&mut self, line: Line) {
        self.text_to(line.content.end);
        let ending = TextRange::new(line.content.end, line.end).of(self.source);
        let break_length = match ending {
            _ if ending.ends_with("\r\n") => 2,
            _ => usize::from(ending.ends_with('\n')),
        };
        self.to(line.end - break_length, TokenKind::Whitespace);
        self.to(line.end, TokenKind::LineBreak);
    }

    /// The lines of an instruction, heredoc bodies left out.
    pub(super) fn command_line(&mut self, command: &CommandLine, instruction: &Instruction) {
        let marks = marks(instruction);
        let mut next = 0;
        for part in &command.parts {
            match part.kind {
                PartKind::Text => self.instruction_part(part, &marks, &mut next),
                PartKind::Comment => self.line(part.line, Some((part.text, TokenKind::Comment))),
                PartKind::Blank => self.line(part.line, None),
            }
        }
    }

    /// One line of an instruction; `next` is the first mark that may not have ended before it.
    fn instruction_part(&mut self, part: &Part, marks: &[(TextRange, TokenKind)], next: &mut usize) {
        while let Some((range, kind)) = marks.get(*next).filter(|(range, _)| range.start < part.text.end) {
            self.text_to(range.start.max(self.at));
            self.to(range.end.min(part.text.end), *kind);
            if range.end > part.text.end {
                break;
            }
            *next += 1;
        }
        self.text_to(part.text.end);
        if let Some(continuation) = part.continuation {
            self.to(continuation.end, TokenKind::Continuation);
        }
        self.line_end(part.line);
    }

    /// The bodies of an instruction's heredocs and their terminators.
    pub(super) fn heredocs(&mut self, heredocs: &[Heredoc]) {
        for heredoc in heredocs {
            self.to(heredoc.body.end, TokenKind::HeredocBody);
            self.to(heredoc.terminator.end, TokenKind::HeredocTerminator);
            let rest = &self.source[self.at..];
            let ending = rest.len() - rest.trim_start_matches('\r').len();
            if rest[ending..].starts_with('\n') {
                self.to(self.at + ending.saturating_sub(1), TokenKind::Whitespace);
                self.to(self.at + ending.min(1) + 1, TokenKind::LineBreak);
            } else {
                self.to(self.at + ending, TokenKind::Whitespace);
            }
        }
    }
}

/// Where the names and flags stand, those of an instruction within `ONBUILD` included, in order.
fn marks(instruction: &Instruction) -> Vec<(TextRange, TokenKind)> {
    let mut marks = vec![(instruction.keyword_range, TokenKind::Keyword)];
    marks.extend(instruction.flags.iter().map(|flag| (flag.range, TokenKind::Flag)));
    if let super::ast::Body::Onbuild(nested) = &instruction.body {
        marks.push((nested.keyword_range, TokenKind::Keyword));
        marks.extend(nested.flags.iter().map(|flag| (flag.range, TokenKind::Flag)));
    }
    marks
}
