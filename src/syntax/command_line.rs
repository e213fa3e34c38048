//! Command lines: the lines that one instruction spans, joined without continuations, comments and blank lines.

use super::lines::{self, Line, Lines};
use crate::text::{LogicalText, TextRange};

/// What a line inside a command line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    /// Text of the instruction.
    Text,
    /// A comment between continued lines.
    Comment,
    /// A line of blanks between continued lines.
    Blank,
}

/// One line of a command line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) kind: PartKind,
    pub(super) line: Line,
    /// The text without the continuation, or the comment; the blanks before either left out only where they do not
    /// belong to the text: on the first line and before a comment.
    pub(super) text: TextRange,
    /// The escape character and what follows it on the line.
    pub(super) continuation: Option<TextRange>,
}

impl Part {
    fn text(line: Line, content: TextRange, source: &str, escape: char) -> Self {
        let at = lines::continuation(content.of(source), escape).map(|at| content.start + at);
        let text = TextRange::new(content.start, at.unwrap_or(content.end));
        let continuation = at.map(|at| TextRange::new(at, content.end));
        Self { kind: PartKind::Text, line, text, continuation }
    }
}

/// The lines of one instruction, heredoc bodies left out.
#[derive(Debug)]
pub(super) struct CommandLine {
    pub(super) parts: Vec<Part>,
    /// The joined text.
    pub(super) text: LogicalText,
    /// The last line read.
    pub(super) last: Line,
}

impl CommandLine {
    /// Reads on from the instruction's first line until a line is not continued.
    pub(super) fn read(first: Line, lines: &mut Lines<'_>, source: &str, escape: char) -> Self {
        let start = Part::text(first, first.trimmed_start(source), source, escape);
        let mut command = Self { parts: Vec::new(), text: LogicalText::empty_at(start.text.start), last: first };
        let mut continued = command.push(start, source);
        while continued {
            let Some(line) = lines.next() else { break };
            let content = line.content.of(source);
            let kind = match content {
                _ if lines::is_comment(content) => PartKind::Comment,
                _ if content.trim_start().is_empty() => PartKind::Blank,
                _ => PartKind::Text,
            };
            let part = match kind {
                PartKind::Text => Part::text(line, line.content, source, escape),
                _ => Part { kind, line, text: line.trimmed_start(source), continuation: None },
            };
            continued = command.push(part, source) || kind != PartKind::Text;
        }
        command
    }

    /// Takes a line in; says whether it is continued.
    fn push(&mut self, part: Part, source: &str) -> bool {
        if part.kind == PartKind::Text {
            self.text.push(part.text.of(source), part.text.start);
        }
        self.last = part.line;
        self.parts.push(part);
        part.continuation.is_some()
    }
}
