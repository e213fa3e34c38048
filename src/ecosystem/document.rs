//! Files of the closure as data: trees of values or lines.
//!
//! A *selector* is a list of keys joined by `.`; a key with dots or slashes stands in quotes, `*` is every entry of a
//! table or list, `**` the value itself and everything in it: `packages."".dependencies.*`, `**.version`.

mod xml;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

use super::path;

/// Longest text that is read as data, in bytes.
const LONGEST: usize = 64 << 20;
/// Deepest nesting that is accepted.
const DEEPEST: usize = 100;

/// A value that a selector found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found<'v> {
    /// Its keys, joined by `.`.
    pub(super) trail: String,
    /// The last of them; empty for the whole document.
    pub(super) name: String,
    /// The value.
    pub(super) value: &'v Value,
}

impl Found<'_> {
    /// The value as text, where it is a scalar.
    pub(super) fn text(&self) -> Option<String> {
        scalar_text(self.value)
    }
}

/// A scalar as text.
pub(super) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The format that the name of a file tells.
fn format_of(path: &str, text: &str) -> &'static str {
    match path::name(path).rsplit_once('.').map(|(_, extension)| extension) {
        Some("json" | "jsonc") => "JSON",
        Some("yaml" | "yml") => "YAML",
        Some("toml") => "TOML",
        _ if text.trim_start().starts_with('<') => "XML",
        _ if text.trim_start().starts_with('{') => "JSON",
        _ => "TOML",
    }
}

/// The file as a tree.
///
/// # Errors
/// A phrase that says what is wrong: ``is no valid JSON``.
pub(super) fn tree(path: &str, text: &str) -> Result<Value, String> {
    if text.len() > LONGEST {
        return Err("is too large to be read".to_owned());
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let format = format_of(path, text);
    let value = match format {
        "JSON" => serde_json::from_str(text).ok(),
        "YAML" => yaml(text),
        "XML" => xml::tree(text),
        _ => toml::from_str(text).ok(),
    };
    value.ok_or_else(|| format!("is no valid {format}"))
}

/// The lines of a file with their numbers, from 1. Lines that end in a backslash are joined with the next.
pub(super) fn lines(text: &str) -> Vec<(usize, String)> {
    let mut joined: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let body = line.strip_suffix('\\');
        let piece = body.unwrap_or(line);
        match joined.last_mut().filter(|_| open) {
            Some((_, whole)) => whole.push_str(piece),
            None => joined.push((index + 1, piece.to_owned())),
        }
        open = body.is_some();
    }
    joined
}

/// All values that the selector finds.
pub(super) fn select<'v>(value: &'v Value, selector: &str) -> Vec<Found<'v>> {
    let mut found = vec![Found { trail: String::new(), name: String::new(), value }];
    for key in keys(selector) {
        found = found.into_iter().flat_map(|at| step(&at, &key)).collect();
    }
    found
}

fn step<'v>(at: &Found<'v>, key: &Key) -> Vec<Found<'v>> {
    let longer = |name: &str| if at.trail.is_empty() { name.to_owned() } else { format!("{}.{name}", at.trail) };
    match (key, at.value) {
        (Key::Named(name), Value::Object(table)) => {
            table.get(name).map(|value| Found { trail: longer(name), name: name.clone(), value }).into_iter().collect()
        }
        (Key::Every, Value::Object(table)) => {
            table.iter().map(|(name, value)| Found { trail: longer(name), name: name.clone(), value }).collect()
        }
        (Key::Everything, _) => {
            let mut found = vec![at.clone()];
            let mut next = 0;
            while let Some(inner) = found.get(next).map(|at| step(at, &Key::Every)) {
                found.extend(inner);
                next += 1;
            }
            found
        }
        (Key::Every, Value::Array(list)) => list
            .iter()
            .enumerate()
            .map(|(index, value)| Found { trail: longer(&index.to_string()), name: index.to_string(), value })
            .collect(),
        _ => Vec::new(),
    }
}

enum Key {
    Named(String),
    Every,
    Everything,
}

fn keys(selector: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = selector;
    while !rest.is_empty() {
        let (key, after) = if let Some((name, after)) = rest.strip_prefix('"').and_then(|quoted| quoted.split_once('"'))
        {
            (Key::Named(name.to_owned()), after)
        } else {
            let (name, after) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
            let key = match name {
                "*" => Key::Every,
                "**" => Key::Everything,
                _ => Key::Named(name.to_owned()),
            };
            (key, after)
        };
        keys.push(key);
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    keys
}

/// A container of a YAML document that is still open.
enum Open {
    List(Vec<Value>),
    Table(Map<String, Value>, Option<String>),
}

/// The first document of a YAML text; `None` for invalid, too deeply nested or aliased ones.
fn yaml(text: &str) -> Option<Value> {
    let mut stack: Vec<Open> = Vec::new();
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let done = match event.ok()?.0 {
            Event::Alias(_) => return None,
            Event::Scalar(text, style, ..) => scalar(&text, style),
            Event::SequenceStart(..) => {
                stack.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                stack.push(Open::Table(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop()? {
                Open::List(list) => Value::Array(list),
                Open::Table(table, _) => Value::Object(table),
            },
            Event::DocumentEnd => break,
            _ => continue,
        };
        if stack.len() > DEEPEST {
            return None;
        }
        match stack.last_mut() {
            None => root = Some(done),
            Some(Open::List(list)) => list.push(done),
            Some(Open::Table(table, key)) => match key.take() {
                Some(name) => {
                    table.insert(name, done);
                }
                None => *key = Some(scalar_text(&done).unwrap_or_default()),
            },
        }
    }
    Some(root.unwrap_or(Value::Null))
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str, selector: &str) -> Vec<String> {
        let value = tree(path, text).unwrap();
        select(&value, selector).iter().map(|found| format!("{}={}", found.trail, found.value)).collect()
    }

    #[test]
    fn selects_in_every_format() {
        let json = r#"{"workspaces":["a","b/*"],"packages":{"":{"name":"x"}}}"#;
        assert_eq!(found("package.json", json, "workspaces.*"), [r#"workspaces.0="a""#, r#"workspaces.1="b/*""#]);
        assert_eq!(found("package-lock.json", json, r#"packages."".name"#), [r#"packages..name="x""#]);
        let yaml = "packages:\n  - 'a/*'\n  - \"!b\"\nempty:\n";
        assert_eq!(found("w.yaml", yaml, "packages.*"), [r#"packages.0="a/*""#, r#"packages.1="!b""#]);
        let toml = "[tool.uv.sources]\nx = { path = \"../x\" }\n";
        assert_eq!(found("pyproject.toml", toml, "tool.uv.sources.*.path"), [r#"tool.uv.sources.x.path="../x""#]);
        let xml = "<?xml version=\"1.0\"?>\n<a xmlns=\"urn:x\" b=\"1\"><!-- c --><c> d </c><c e=\"2\">f<g/></c></a>";
        assert_eq!(found("pom.xml", xml, "a.c.*"), [r#"a.c.0="d""#, r##"a.c.1={"@e":"2","g":[""],"#text":"f"}"##]);
        assert_eq!(found("x.csproj", xml, "**.@e"), [r#"a.c.1.@e="2""#]);
    }

    #[test]
    fn deep_or_broken_input_is_an_error() {
        for (path, text) in [
            ("a.json", "[".repeat(100_000)),
            ("a.yaml", "[".repeat(100_000)),
            ("a.yaml", "- ".repeat(20_000)),
            ("a.toml", format!("a = {}", "[".repeat(100_000))),
            ("a.yaml", "a: &x 1\nb: *x\n".to_owned()),
            ("a.json", "{".to_owned()),
            ("a.xml", "<a>".repeat(100_000)),
            ("a.xml", format!("{}{}", "<a>".repeat(5_000), "</a>".repeat(5_000))),
            ("a.xml", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>".to_owned()),
        ] {
            assert!(tree(path, &text).is_err(), "{path}");
        }
    }
}
