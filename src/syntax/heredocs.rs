//! Heredocs: `<<NAME` in an instruction's line, and the lines below it up to one that is `NAME`.

use std::sync::LazyLock;

use regex::Regex;

use super::ast::Heredoc;
use super::error::SyntaxError;
use super::lexer::{self, Mode};
use super::lines::{Line, Lines};
use crate::text::{LogicalText, TextRange};

/// Descriptor, `-`, and the rest. Blanks are the ASCII ones.
static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^([0-9]*)<<(-?)[\t\n\x0C\r ]*([^<]*)$").ok());

/// A heredoc as its opener tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opener {
    pub(super) name: String,
    pub(super) expand: bool,
    pub(super) chomp: bool,
    pub(super) descriptor: u32,
}

impl Opener {
    /// Reads text that is nothing but an opener; `None` for any other.
    ///
    /// # Errors
    /// The name cannot be read.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, String> {
        if !text.contains("<<") {
            return Ok(None);
        }
        let Some(found) = PATTERN.as_ref().and_then(|pattern| pattern.captures(text)) else { return Ok(None) };
        let (descriptor, chomp, rest) = (&found[1], &found[2], &found[3]);
        if rest.is_empty() {
            return Ok(None);
        }
        let words = |raw_quotes| {
            let mode = Mode { raw_quotes, keep_unset: true, ..Mode::resolve('\\') };
            lexer::lex(rest, mode, &|_| None).map(|lexed| lexed.words)
        };
        let (resolved, raw) = (words(false)?, words(true)?);
        let ([name], [raw]) = (resolved.as_slice(), raw.as_slice()) else { return Ok(None) };
        Ok(Some(Self {
            name: name.text.clone(),
            expand: quotes(&name.text) == quotes(&raw.text),
            chomp: chomp == "-",
            descriptor: descriptor.parse().unwrap_or_default(),
        }))
    }
}

fn quotes(text: &str) -> usize {
    text.matches(['\'', '"']).count()
}

/// The heredocs that the line of an instruction opens, with where they stand in it. A line whose quotes do not match
/// opens none.
///
/// # Errors
/// A name that cannot be read.
pub(super) fn openers(line: &str) -> Result<Vec<(Opener, TextRange)>, String> {
    if !line.contains("<<") {
        return Ok(Vec::new());
    }
    let mode = Mode { raw_quotes: true, raw_escapes: true, keep_unset: true, ..Mode::resolve('\\') };
    let Ok(lexed) = lexer::lex(line, mode, &|_| None) else { return Ok(Vec::new()) };
    let read = |word: &lexer::LexedWord| Opener::parse(&word.text).map(|opener| Some((opener?, word.range)));
    lexed.words.iter().filter(|word| word.text.contains("<<")).filter_map(|word| read(word).transpose()).collect()
}

/// A heredoc with its body still to be read.
pub(super) fn opened(opener: Opener, range: TextRange, line: &LogicalText) -> Heredoc {
    let Opener { name, expand, chomp, descriptor } = opener;
    let nowhere = TextRange::default();
    let opener = line.source_range(range);
    Heredoc { name, expand, chomp, descriptor, opener, body: nowhere, terminator: nowhere }
}

/// Reads the bodies of `heredocs` from the lines that begin at `at`; gives the last line read.
pub(super) fn read_bodies(
    heredocs: &mut [Heredoc],
    lines: &mut Lines<'_>,
    source: &str,
    mut at: usize,
    errors: &mut Vec<SyntaxError>,
) -> Option<Line> {
    let mut last = None;
    for heredoc in heredocs {
        let start = at;
        let mut end = None;
        for line in lines.by_ref() {
            at = line.end;
            last = Some(line);
            if is_terminator(heredoc, line.content.of(source)) {
                end = Some(line.content);
                break;
            }
        }
        heredoc.terminator = end.unwrap_or(TextRange::empty(source.len()));
        heredoc.body = TextRange::new(start, heredoc.terminator.start);
        if end.is_none() {
            let message = format!("the heredoc `{}` does not end", heredoc.name);
            let help = format!("put `{}` alone on the line after its text", heredoc.name);
            errors.push(SyntaxError::text(heredoc.opener, message).with_help(help));
        }
    }
    last
}

fn is_terminator(heredoc: &Heredoc, line: &str) -> bool {
    let line = if heredoc.chomp { line.trim_start_matches('\t') } else { line };
    line == heredoc.name
}
