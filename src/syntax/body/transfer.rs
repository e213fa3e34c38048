//! The sources and the destination of `COPY` and `ADD`.

use super::super::ast::{Source, Transfer, Word};
use super::super::error::SyntaxError;
use super::super::heredocs::Opener;
use super::super::json::Form;
use super::super::words;
use super::{Arguments, Fault};

pub(super) fn read(arguments: &Arguments<'_>) -> Result<Transfer, Fault> {
    let (mut words, json) = match &arguments.form {
        Form::Strings(words) => (words.clone(), true),
        _ => (words::between_blanks(arguments.text), false),
    };
    let destination = words.pop().ok_or(Fault::Missing)?;
    if words.is_empty() {
        let error = SyntaxError::instruction(arguments.range(), "the destination is missing");
        return Err(error.with_help("give at least one source and then the destination").into());
    }
    if heredoc_name(&destination).is_some() {
        return Err(SyntaxError::instruction(destination.range, "a heredoc cannot be the destination").into());
    }
    let sources = words.into_iter().map(|word| source(word, arguments)).collect();
    Ok(Transfer { sources, destination, json })
}

/// A source; of several heredocs of one name the last counts.
fn source(word: Word, arguments: &Arguments<'_>) -> Source {
    let index =
        heredoc_name(&word).and_then(|name| arguments.heredocs.iter().rposition(|heredoc| heredoc.name == name));
    index.map_or(Source::Path(word), Source::Heredoc)
}

fn heredoc_name(word: &Word) -> Option<String> {
    Some(Opener::parse(&word.text).ok()??.name)
}
