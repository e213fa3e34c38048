//! Parser directives: `# name=value` lines above everything else.
//!
//! Known names are `syntax`, `escape` and `check`; the first line that is none of these ends them.
//! <https://docs.docker.com/reference/dockerfile/#parser-directives>

use std::sync::LazyLock;

use regex::Regex;

use super::ast::{Directive, Word};
use super::error::SyntaxError;
use super::lines::Line;
use crate::text::TextRange;

/// Blanks are the ASCII ones, as in the pattern that `BuildKit` uses.
static PATTERN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^([a-zA-Z][a-zA-Z0-9]*)[\t\n\x0C\r ]*=[\t\n\x0C\r ]*(.+?)[\t\n\x0C\r ]*$").ok());

/// Reads the directives of one file line by line.
#[derive(Default)]
pub(super) struct DirectiveReader {
    done: bool,
    /// A `#!` line came first: then only the tools that look for `syntax` and `check` read on.
    after_shebang: bool,
    seen: Vec<String>,
}

/// What a line is to the directive reader.
pub(super) enum DirectiveLine {
    /// No directive.
    Other,
    /// A directive, and what is wrong with it.
    Directive(Directive, Option<SyntaxError>),
}

impl DirectiveReader {
    /// Whether no directive can follow any more.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Looks at the next line; after the first that is no directive all are [`DirectiveLine::Other`].
    pub(super) fn read(&mut self, source: &str, line: Line) -> DirectiveLine {
        if self.done {
            return DirectiveLine::Other;
        }
        let range = line.trimmed_start(source);
        if line.number == 1 && range.of(source).starts_with("#!") {
            self.after_shebang = true;
            return DirectiveLine::Other;
        }
        match parse(source, range) {
            Some(directive) if !(self.after_shebang && directive.name == "escape") => {
                let error = self.check(&directive);
                DirectiveLine::Directive(directive, error)
            }
            _ => {
                self.done = true;
                DirectiveLine::Other
            }
        }
    }

    fn check(&mut self, directive: &Directive) -> Option<SyntaxError> {
        if self.seen.contains(&directive.name) {
            let message = format!("the directive `{}` stands twice", directive.name);
            return Some(SyntaxError::text(directive.range, message).with_help("keep one of them"));
        }
        self.seen.push(directive.name.clone());
        if directive.name == "escape" && escape_of(directive).is_none() {
            let message = format!("`{}` cannot be the escape character", directive.value.text);
            return Some(SyntaxError::text(directive.value.range, message).with_help("use `\\` or a backtick"));
        }
        None
    }
}

/// The escape character that an `escape` directive sets.
pub(super) fn escape_of(directive: &Directive) -> Option<char> {
    match directive.value.text.as_str() {
        "\\" => Some('\\'),
        "`" => Some('`'),
        _ => None,
    }
}

fn parse(source: &str, range: TextRange) -> Option<Directive> {
    let rest = range.of(source).strip_prefix('#')?.trim_start();
    let start = range.end - rest.len();
    let found = PATTERN.as_ref()?.captures(rest)?;
    let (name, value) = (found.get(1)?.as_str().to_ascii_lowercase(), found.get(2)?);
    if !["syntax", "escape", "check"].contains(&name.as_str()) {
        return None;
    }
    let place = TextRange::new(start + value.start(), start + value.end());
    Some(Directive { range, name, value: Word { text: value.as_str().to_owned(), range: place } })
}
