//! `FROM image AS name`.

use super::super::ast::{Body, From, Word};
use super::super::error::SyntaxError;
use super::super::words;
use super::{Arguments, Fault};

/// Reads a `FROM`. An image is kept even where what follows it is wrong, so that the stage is known to begin.
pub(super) fn from(arguments: &Arguments<'_>, errors: &mut Vec<SyntaxError>) -> Result<Body, Fault> {
    let mut words = words::between_blanks(arguments.text).into_iter();
    let image = words.next().ok_or(Fault::Missing)?;
    let rest: Vec<Word> = words.collect();
    let alias = match rest.as_slice() {
        [] => None,
        [keyword, name] if keyword.text.eq_ignore_ascii_case("as") => {
            errors.extend(name_error(name));
            Some(name.clone())
        }
        [first, ..] => {
            let range = rest.iter().fold(first.range, |range, word| range.cover(word.range));
            let error = SyntaxError::instruction(range, "only `AS name` may follow the image");
            errors.push(error.with_help("write `FROM image` or `FROM image AS name`"));
            None
        }
    };
    Ok(Body::From(From { image, alias }))
}

/// A name begins with a letter and goes on with letters, digits, `-`, `_` and `.`; its case does not matter.
fn name_error(name: &Word) -> Option<SyntaxError> {
    let lower = name.text.to_lowercase();
    let allowed = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-' | '_' | '.');
    if lower.starts_with(|first: char| first.is_ascii_lowercase()) && lower.chars().all(allowed) {
        return None;
    }
    let error = SyntaxError::instruction(name.range, format!("`{}` cannot be the name of a stage", name.text));
    Some(error.with_help("begin with a letter and use letters, digits, `-`, `_` and `.`"))
}
