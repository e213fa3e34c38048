//! Patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/replacement}`.
//!
//! `*` is any text, `?` any character, `\` escapes these and itself; brackets mean nothing.

use regex::Regex;

/// `value` without the start that `word` matches: the shortest, or the longest where `word` begins with another `#`.
pub(super) fn without_prefix(value: &str, word: &str) -> Result<String, String> {
    let (pattern, longest) = word.strip_prefix('#').map_or((word, false), |pattern| (pattern, true));
    trim_start(value, pattern, longest)
}

/// `value` without the end that `word` matches: the shortest, or the longest where `word` begins with another `%`.
pub(super) fn without_suffix(value: &str, word: &str) -> Result<String, String> {
    let (pattern, longest) = word.strip_prefix('%').map_or((word, false), |pattern| (pattern, true));
    // The shortest match at the end is the shortest at the start of the text read backwards.
    let trimmed = trim_start(&reverse(value), &reverse_pattern(pattern), longest)?;
    Ok(reverse(&trimmed))
}

/// `value` with the first match, or all, replaced.
pub(super) fn replace(value: &str, pattern: &str, replacement: &str, all: bool) -> Result<String, String> {
    let expression = compile(pattern, true, false)?;
    if all {
        return Ok(expression.replace_all(value, replacement).into_owned());
    }
    Ok(expression.replacen(value, 1, regex::NoExpand(replacement)).into_owned())
}

fn trim_start(value: &str, pattern: &str, longest: bool) -> Result<String, String> {
    let expression = compile(pattern, longest, true)?;
    let end = expression.find(value).map_or(0, |found| found.end());
    Ok(value[end..].to_owned())
}

fn compile(pattern: &str, longest: bool, anchored: bool) -> Result<Regex, String> {
    let invalid = |reason: &str| format!("the pattern `{pattern}` of a substitution is invalid: {reason}");
    let mut expression = String::from(if anchored { "^" } else { "" });
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' => expression.push_str(if longest { ".*" } else { ".*?" }),
            '?' => expression.push('.'),
            // `}` and `/` are escaped for the substitution's sake; the escape is no part of the pattern.
            '\\' if matches!(characters.peek(), Some('}' | '/')) => {}
            '\\' => match characters.next() {
                Some(escaped @ ('*' | '?' | '\\')) => expression.push_str(&regex::escape(&escaped.to_string())),
                _ => return Err(invalid("only `*`, `?` and `\\` can be escaped")),
            },
            _ => expression.push_str(&regex::escape(&character.to_string())),
        }
    }
    Regex::new(&expression).map_err(|_| invalid("it is too long"))
}

fn reverse(text: &str) -> String {
    text.chars().rev().collect()
}

/// The pattern backwards, with each `\` still before what it escapes.
fn reverse_pattern(pattern: &str) -> String {
    let mut units: Vec<String> = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let mut unit = String::from(character);
        if character == '\\' {
            unit.extend(characters.next());
        }
        units.push(unit);
    }
    units.into_iter().rev().collect()
}
