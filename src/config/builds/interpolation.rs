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

fn expand_within(text: &str, variables: &BTreeMap<String, String>, depth: usize) -> Option<String> {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some(braced) = after.strip_prefix('{') {
            let end = closing(braced)?;
            result.push_str(&braced_value(braced.get(..end)?, variables, depth.checked_sub(1)?)?);
            rest = braced.get(end + 1..)?;
        } else {
            let (name, after) = split_name(after);
            result.push_str(variables.get(name)?);
            rest = after;
        }
    }
    result.push_str(rest);
    Some(result)
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
