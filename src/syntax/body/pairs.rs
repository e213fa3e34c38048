//! `ENV` and `LABEL` in both spellings, and the declarations of `ARG`.

use super::super::ast::{ArgDeclaration, Pair, Word};
use super::super::error::SyntaxError;
use super::super::head::is_blank;
use super::super::words;
use super::{Arguments, Fault};
use crate::text::TextRange;

/// Reads `key=value …`, or `key value` where the first word has no `=`.
pub(super) fn read(arguments: &Arguments<'_>, errors: &mut Vec<SyntaxError>) -> Result<Vec<Pair>, Fault> {
    let text = arguments.text.as_str();
    let ranges = words::quoted(arguments.text, arguments.escape);
    let first = *ranges.first().ok_or(Fault::Missing)?;
    if !first.of(text).contains('=') {
        return Ok(vec![separated_by_blank(arguments)?]);
    }
    let mut pairs = Vec::new();
    for range in ranges {
        let Some((key, value)) = cut_at_equals(text, range) else {
            let word = shortened(range.of(text));
            let error = SyntaxError::text(arguments.text.source_range(range), format!("`{word}` has no `=`"));
            return Err(error.with_help("write `name=value`, and quotes around a value with blanks").into());
        };
        if key.is_empty() {
            errors.push(blank_name(arguments.text.source_range(range)));
        }
        pairs.push(Pair { key: words::word(arguments.text, key), value: words::word(arguments.text, value) });
    }
    Ok(pairs)
}

fn separated_by_blank(arguments: &Arguments<'_>) -> Result<Pair, Fault> {
    let text = arguments.text.as_str();
    let Some(key_end) = text.find(is_blank) else {
        let error = SyntaxError::text(arguments.range(), format!("`{}` has no value", shortened(text)));
        return Err(error.with_help("write `name=value`").into());
    };
    let value_start = text.len() - text[key_end..].trim_start_matches(is_blank).len();
    Ok(Pair {
        key: words::word(arguments.text, TextRange::new(0, key_end)),
        value: words::word(arguments.text, TextRange::new(value_start, text.len())),
    })
}

/// Reads `name` and `name=default`.
pub(super) fn declarations(arguments: &Arguments<'_>) -> Result<Vec<ArgDeclaration>, Fault> {
    let declarations: Vec<ArgDeclaration> = words::quoted(arguments.text, arguments.escape)
        .into_iter()
        .map(|range| declaration(arguments, range))
        .collect::<Result<_, Fault>>()?;
    if declarations.is_empty() { Err(Fault::Missing) } else { Ok(declarations) }
}

fn declaration(arguments: &Arguments<'_>, range: TextRange) -> Result<ArgDeclaration, Fault> {
    let word = |range| -> Word { words::word(arguments.text, range) };
    let Some((name, default)) = cut_at_equals(arguments.text.as_str(), range) else {
        return Ok(ArgDeclaration { name: word(range), default: None });
    };
    if name.is_empty() {
        return Err(blank_name(arguments.text.source_range(range)).into());
    }
    Ok(ArgDeclaration { name: word(name), default: Some(word(default)) })
}

fn cut_at_equals(text: &str, range: TextRange) -> Option<(TextRange, TextRange)> {
    let at = range.start + range.of(text).find('=')?;
    Some((TextRange::new(range.start, at), TextRange::new(at + 1, range.end)))
}

fn blank_name(range: TextRange) -> SyntaxError {
    SyntaxError::instruction(range, "the name before `=` is missing")
}

/// The start of a word that may be long, for a message.
fn shortened(word: &str) -> String {
    const LENGTH: usize = 40;
    let mut shown: String = word.chars().take(LENGTH).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    shown
}
