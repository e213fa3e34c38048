//! Go's `path.Match`: the pattern language of `COPY` and `ADD` sources, and the syntax check of every ignore pattern.
//!
//! `*` and `?` do not cross `/`, `[^a]` negates and `[!a]` does not, `\` escapes. <https://pkg.go.dev/path#Match>

use std::iter::Peekable;
use std::str::Chars;

use super::glob::{CharSet, Glob, Item};

/// The pattern cannot be read: an unclosed or empty class, a range without an end, or a `\` at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// Reads `pattern`.
///
/// # Errors
/// [`BadPattern`] where Go's `path.Match` returns `ErrBadPattern`.
pub(super) fn compile(pattern: &str) -> Result<Glob, BadPattern> {
    let mut items = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        items.push(match char {
            '*' => Item::Many(CharSet::no_separator()),
            '?' => Item::One(CharSet::no_separator()),
            '[' => Item::One(class(&mut chars)?),
            '\\' => Item::Char(chars.next().ok_or(BadPattern)?),
            char => Item::Char(char),
        });
    }
    Ok(Glob::new(items))
}

/// Whether a part of a path holds a wildcard, an escaped one not counted.
pub(super) fn has_wildcard(part: &str) -> bool {
    let mut chars = part.chars();
    while let Some(char) = chars.next() {
        match char {
            '*' | '?' | '[' => return true,
            '\\' => drop(chars.next()),
            _ => {}
        }
    }
    false
}

/// Reads what follows the `[` of a class.
fn class(chars: &mut Peekable<Chars<'_>>) -> Result<CharSet, BadPattern> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
            return Ok(CharSet { ranges, negated });
        }
        let low = class_char(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { class_char(chars)? } else { low };
        ranges.push((low, high));
    }
}

fn class_char(chars: &mut Peekable<Chars<'_>>) -> Result<char, BadPattern> {
    match chars.next() {
        None | Some('-' | ']') => Err(BadPattern),
        Some('\\') => chars.next().ok_or(BadPattern),
        Some(char) => Ok(char),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_go_does() {
        for (pattern, text, expected) in [
            ("a*", "a", true),
            ("a*", "ab/c", false),
            ("*.json", "package.json", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
            ("a?b", "a☺b", true),
            ("a?b", "a/b", false),
            ("a[^a]b", "a☺b", true),
            ("[!a]b", "cb", false),
            ("[!a]b", "!b", true),
            ("[a-ζ]*", "α", true),
            ("[\\]a]", "]", true),
            ("[x\\-]", "-", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("**", "a/b", false),
        ] {
            assert_eq!(compile(pattern).unwrap().matches(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn finds_bad_patterns() {
        for pattern in ["[", "[^", "[^bc", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "a[", "a\\", "[a\\"] {
            assert_eq!(compile(pattern).err(), Some(BadPattern), "{pattern}");
        }
        assert!(has_wildcard("a[b") && has_wildcard("a?") && !has_wildcard("a\\*b") && !has_wildcard("a\\"));
    }

    #[test]
    fn takes_linear_time() {
        let pattern = format!("{}x", "*a".repeat(2_000));
        assert!(!compile(&pattern).unwrap().matches(&"a".repeat(2_000)));
    }
}
