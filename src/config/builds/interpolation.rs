//! Variables in Compose files: `$X`, `${X}`, `${X:-default}`, `$$`.

use std::collections::BTreeMap;

/// Deepest nesting of defaults in defaults.
const DEEPEST: usize = 8;

/// The text with its variables replaced; `None` where a value is known only to the caller.
///
/// <https://docs.docker.com/reference/compose-file/interpolation/>
pub(super) fn expand(text: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    expand_within(text, variables, DEEPEST)
}

/// As [`expand`], with the offset in `text` that each byte of the result comes from; a value comes from its `$`.
pub(super) fn expand_marked(text: &str, variables: &BTreeMap<String, String>) -> Option<(String, Vec<usize>)> {
    let (mut result, mut origins) = (String::new(), Vec::new());
    for piece in (Pieces { text, at: 0, variables, depth: DEEPEST }) {
        let (start, piece) = piece?;
        match piece {
            Piece::Plain(plain) => {
                origins.extend(start..start + plain.len());
                result.push_str(plain);
            }
            Piece::Value(value) => {
                origins.extend(std::iter::repeat_n(start, value.len()));
                result.push_str(&value);
            }
        }
    }
    Some((result, origins))
}

fn expand_within(text: &str, variables: &BTreeMap<String, String>, depth: usize) -> Option<String> {
    let mut result = String::new();
    for piece in (Pieces { text, at: 0, variables, depth }) {
        match piece?.1 {
            Piece::Plain(plain) => result.push_str(plain),
            Piece::Value(value) => result.push_str(&value),
        }
    }
    Some(result)
}

/// A part of a text after expansion.
enum Piece<'a> {
    /// As it stands there.
    Plain(&'a str),
    /// The value of a variable.
    Value(String),
}

/// The parts of a text in order, each with its offset; `None` for one whose value is not known.
struct Pieces<'a> {
    text: &'a str,
    at: usize,
    variables: &'a BTreeMap<String, String>,
    depth: usize,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Option<(usize, Piece<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (start, rest) = (self.at, self.text.get(self.at..).filter(|rest| !rest.is_empty())?);
        let Some(after) = rest.strip_prefix('$') else {
            let end = rest.find('$').unwrap_or(rest.len());
            self.at += end;
            return Some(rest.get(..end).map(|plain| (start, Piece::Plain(plain))));
        };
        if after.starts_with('$') {
            self.at += 2;
            // The second of the two is the one that stays.
            return Some(after.get(..1).map(|sign| (start + 1, Piece::Plain(sign))));
        }
        let (length, value) = self.variable(after);
        self.at += 1 + length;
        Some(value.map(|value| (start, Piece::Value(value))))
    }
}

impl Pieces<'_> {
    /// How long the variable after a `$` is written, and its value.
    fn variable(&self, after: &str) -> (usize, Option<String>) {
        let Some(braced) = after.strip_prefix('{') else {
            let (name, _) = split_name(after);
            return (name.len(), self.variables.get(name).cloned());
        };
        let Some(end) = closing(braced) else { return (after.len(), None) };
        let inner = braced.get(..end).zip(self.depth.checked_sub(1));
        (end + 2, inner.and_then(|(inner, depth)| braced_value(inner, self.variables, depth)))
    }
}

/// The value of what stands in braces. A variable that is not set may be set by the caller; its default is what the
/// author of the file took for the rule.
fn braced_value(inner: &str, variables: &BTreeMap<String, String>, depth: usize) -> Option<String> {
    let (name, operator) = split_name(inner);
    let value = variables.get(name);
    if operator.is_empty() {
        return value.cloned();
    }
    if let Some(default) = operator.strip_prefix(":-") {
        return match value {
            Some(value) if !value.is_empty() => Some(value.clone()),
            _ => expand_within(default, variables, depth),
        };
    }
    let default = operator.strip_prefix('-')?;
    value.map_or_else(|| expand_within(default, variables, depth), |value| Some(value.clone()))
}

fn split_name(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    text.split_at(end.unwrap_or(text.len()))
}

/// Where the brace that is open closes.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    for (at, character) in text.char_indices() {
        match character {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_values_then_defaults_and_knows_what_it_does_not_know() {
        let variables = BTreeMap::from([("A".to_owned(), "a".to_owned()), ("E".to_owned(), String::new())]);
        for (text, expected) in [
            ("plain", Some("plain")),
            ("./$A/${A}", Some("./a/a")),
            ("${X:-d}", Some("d")),
            ("${X-d}", Some("d")),
            ("${E:-d}", Some("d")),
            ("${E-d}", Some("")),
            ("${X:-${A}b}", Some("ab")),
            ("$$X", Some("$X")),
            ("${X}", None),
            ("$X", None),
            ("${X:?needed}", None),
            ("${X:+y}", None),
            ("${A", None),
            ("$", None),
            ("é${X:-ü}", Some("éü")),
        ] {
            assert_eq!(expand(text, &variables).as_deref(), expected, "{text}");
        }
    }
}
