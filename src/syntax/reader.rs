//! The reader: from the text of a file to its tree.

use super::ast::{Body, Comment, Dockerfile, Instruction, Keyword};
use super::command_line::{CommandLine, PartKind};
use super::directives::{DirectiveLine, DirectiveReader, escape_of};
use super::error::SyntaxError;
use super::lines::{self, LONGEST_LINE, Line, Lines};
use super::tokens::TokenBuilder;
use super::tokens::TokenKind;
use super::{heredocs, instruction};
use crate::text::{LineIndex, TextRange};

impl Dockerfile {
    /// Reads a Dockerfile. Never fails: what `BuildKit` would reject is in [`Dockerfile::errors`], and the rest of the
    /// file is read all the same. Takes time linear in the length of the text.
    pub fn parse(source: &str) -> Self {
        let mut reader = Reader::new(source);
        reader.read_all();
        reader.finish()
    }
}

struct Reader<'s> {
    source: &'s str,
    lines: Lines<'s>,
    directives: DirectiveReader,
    tokens: TokenBuilder<'s>,
    /// The comment lines directly above the line to come.
    block: Option<TextRange>,
    file: Dockerfile,
}

impl<'s> Reader<'s> {
    fn new(source: &'s str) -> Self {
        let file = Dockerfile {
            source: source.to_owned(),
            line_index: LineIndex::new(source),
            escape: '\\',
            directives: Vec::new(),
            instructions: Vec::new(),
            comments: Vec::new(),
            errors: Vec::new(),
            tokens: Vec::new(),
        };
        let (lines, tokens) = (Lines::new(source), TokenBuilder::new(source));
        Self { source, lines, directives: DirectiveReader::default(), tokens, block: None, file }
    }

    fn read_all(&mut self) {
        while let Some(line) = self.lines.next() {
            let content = line.trimmed_start(self.source);
            if !self.directives.is_done() && self.directive(line) {
                continue;
            }
            if content.is_empty() {
                self.block = None;
                self.tokens.line(line, None);
            } else if lines::is_comment(content.of(self.source)) {
                self.comment(content, false);
                self.tokens.line(line, Some((content, TokenKind::Comment)));
            } else {
                self.instruction(line);
            }
        }
    }

    /// Takes the line in if it is a directive.
    fn directive(&mut self, line: Line) -> bool {
        let DirectiveLine::Directive(directive, error) = self.directives.read(self.source, line) else { return false };
        if directive.name == "escape" && error.is_none() {
            self.file.escape = escape_of(&directive).unwrap_or(self.file.escape);
        }
        self.file.errors.extend(error);
        self.tokens.line(line, Some((directive.range, TokenKind::Directive)));
        self.file.directives.push(directive);
        true
    }

    fn comment(&mut self, range: TextRange, inside: bool) {
        let text = range.of(self.source).strip_prefix('#').unwrap_or_default().trim().to_owned();
        if !inside {
            let above = self.block.filter(|_| !text.is_empty());
            self.block = (!text.is_empty()).then(|| above.map_or(range, |above| above.cover(range)));
        }
        self.file.comments.push(Comment { range, text, inside });
    }

    fn instruction(&mut self, first: Line) {
        let attached_comments = self.block.take();
        let command = CommandLine::read(first, &mut self.lines, self.source, self.file.escape);
        for part in command.parts.iter().filter(|part| part.kind == PartKind::Comment) {
            self.comment(part.text, true);
        }
        let mut instruction = instruction::read(&command.text, self.file.escape, &mut self.file.errors);
        self.tokens.command_line(&command, &instruction);
        let last = self.heredocs(&mut instruction, command.last);
        let start = first.trimmed_start(self.source).start;
        let content = TextRange::new(start, last.content.end);
        let trimmed = start + content.of(self.source).trim_end().len();
        let end = if instruction.heredocs.is_empty() { trimmed } else { content.end };
        place(&mut instruction, TextRange::new(start, end), (first.number, last.number));
        instruction.attached_comments = attached_comments;
        self.file.instructions.push(instruction);
    }

    /// Reads the bodies of the heredocs that the instruction opens; gives its last line.
    fn heredocs(&mut self, instruction: &mut Instruction, last: Line) -> Line {
        if instruction.heredocs.is_empty() {
            return last;
        }
        let bodies = &mut instruction.heredocs;
        let end = heredocs::read_bodies(bodies, &mut self.lines, self.source, last.end, &mut self.file.errors);
        self.tokens.heredocs(bodies);
        if let Body::Onbuild(nested) = &mut instruction.body {
            nested.heredocs.clone_from(bodies);
        }
        end.unwrap_or(last)
    }

    fn finish(mut self) -> Dockerfile {
        let too_long = Lines::new(self.source).find(|line| line.is_too_long(self.source));
        if let Some(line) = too_long {
            let message = format!("the line is longer than {} bytes", LONGEST_LINE - 1);
            let error = SyntaxError::text(TextRange::empty(line.content.start), message);
            self.file.errors.push(error.with_help("break the line with the escape character, or move it to a file"));
        }
        let order = order_error(&self.file.instructions);
        self.file.errors.extend(order);
        self.file.errors.sort_by_key(|error| error.range.start);
        self.file.tokens = self.tokens.finish();
        self.file
    }
}

/// Says where an instruction stands, and the one within it.
fn place(instruction: &mut Instruction, range: TextRange, lines: (usize, usize)) {
    instruction.range = range;
    instruction.lines = lines;
    if let Body::Onbuild(nested) = &mut instruction.body {
        let start = nested.keyword_range.start;
        place(nested, TextRange::new(start, range.end), lines);
    }
}

/// What is wrong with the order of the instructions: only `ARG` may stand before the first `FROM`.
fn order_error(instructions: &[Instruction]) -> Option<SyntaxError> {
    if instructions.is_empty() {
        let error = SyntaxError::text(TextRange::empty(0), "the file has no instructions");
        return Some(error.with_help("the first is `FROM` with the image to build on"));
    }
    let before = |instruction: &&Instruction| !matches!(instruction.keyword, Keyword::Arg | Keyword::Unknown);
    match instructions.iter().find(before) {
        Some(first) if first.keyword == Keyword::From => None,
        Some(first) => {
            let message = "the instruction stands before the first `FROM`";
            let help = "only `ARG`, comments and parser directives may stand there";
            Some(SyntaxError::instruction(first.keyword_range, message).with_help(help))
        }
        None => {
            let last = instructions.last().map_or(TextRange::empty(0), |last| last.keyword_range);
            Some(SyntaxError::instruction(last, "the file has no `FROM`"))
        }
    }
}
