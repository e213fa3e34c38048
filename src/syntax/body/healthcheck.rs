//! `HEALTHCHECK NONE` and `HEALTHCHECK CMD …`.

use super::super::ast::{Command, Healthcheck};
use super::super::error::SyntaxError;
use super::super::json::Form;
use super::{Arguments, Fault};
use crate::text::{LogicalText, TextRange};

/// `BuildKit` looks at the type byte by byte, so only ASCII blanks end it.
fn is_blank(character: char) -> bool {
    character.is_ascii() && character.is_whitespace()
}

/// The type: the first word.
fn kind(arguments: &LogicalText) -> TextRange {
    let text = arguments.as_str();
    TextRange::new(0, text.find(is_blank).unwrap_or(text.len()))
}

/// What follows the type.
pub(super) fn command(arguments: &LogicalText) -> TextRange {
    let text = arguments.as_str();
    let rest = &text[kind(arguments).end..];
    TextRange::new(text.len() - rest.trim_start_matches(is_blank).len(), text.len())
}

pub(super) fn read(arguments: Arguments<'_>) -> Result<Healthcheck, Fault> {
    let text = arguments.text;
    let (kind, rest) = (kind(text), command(text));
    let error = |range, message: &str| SyntaxError::instruction(text.source_range(range), message);
    let name = kind.of(text.as_str());
    if name.is_empty() {
        return Err(Fault::Missing);
    }
    if name.eq_ignore_ascii_case("NONE") {
        let nothing = rest.is_empty() || matches!(&arguments.form, Form::Strings(words) if words.is_empty());
        return if nothing { Ok(Healthcheck::None) } else { Err(error(rest, "`NONE` takes no arguments").into()) };
    }
    if !name.eq_ignore_ascii_case("CMD") {
        return Err(error(kind, "a health check is `CMD` or `NONE`").with_help("put `CMD` before the command").into());
    }
    match arguments.form {
        Form::Strings(words) if !words.is_empty() => Ok(Healthcheck::Cmd(Command::Exec(words))),
        Form::Text if !rest.is_empty() => Ok(Healthcheck::Cmd(Command::Shell(text.slice(rest)))),
        _ => Err(error(kind, "no command follows `CMD`").into()),
    }
}
