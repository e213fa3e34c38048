//! What a key of the configuration takes, in words: the remedy of a value that cannot stand there.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::schema::json_schema;

/// A key of the file at hand.
pub(super) struct Place {
    /// Its name, those of the tables around it before it: `overrides.files`.
    pub(super) key: String,
    /// Whether an entry of the list that it takes is meant.
    is_entry: bool,
    /// Its part of the JSON Schema, without references.
    schema: Value,
}

impl Place {
    /// The innermost key whose value holds all of `span`; `None` where the text is no TOML, or nothing is known of the key.
    pub(super) fn find(text: &str, span: &Range<usize>) -> Option<Self> {
        let table = DeTable::parse(text).ok()?;
        let path = in_table(table.get_ref(), span)?;
        let schema = json_schema();
        let mut found = &schema;
        for step in &path {
            found = resolved(&schema, found);
            found = match step {
                Step::Key(name) => {
                    let known = found.get("properties").and_then(|keys| keys.get(name));
                    known.or_else(|| found.get("additionalProperties").filter(|rest| rest.is_object()))?
                }
                Step::Item => found.get("items")?,
            };
        }
        let keys = path.iter().filter_map(|step| match step {
            Step::Key(name) => Some(quoted(name)),
            Step::Item => None,
        });
        let is_entry = matches!(path.last(), Some(Step::Item));
        Some(Self { key: keys.collect::<Vec<_>>().join("."), is_entry, schema: whole(&schema, found) })
    }

    /// What is wrong where the value cannot stand there.
    pub(super) fn mistake(&self) -> String {
        format!("this is no {} of `{}`", if self.is_entry { "entry" } else { "value" }, self.key)
    }

    /// What the key takes: "`history` takes a whole number".
    pub(super) fn takes(&self) -> Option<String> {
        let entry = if self.is_entry { "an entry of " } else { "" };
        let verb = if self.is_entry { "is" } else { "takes" };
        Some(format!("{entry}`{}` {verb} {}", self.key, words(&self.schema)?))
    }

    /// What a key takes that the table at this place must have.
    pub(super) fn key_takes(&self, key: &str) -> Option<String> {
        let schema = self.schema.get("properties").and_then(|keys| keys.get(key))?;
        Some(format!("`{key}` takes {}", words(schema)?))
    }
}

/// One step from a table or a list inward.
enum Step {
    Key(String),
    Item,
}

fn in_table(table: &DeTable<'_>, span: &Range<usize>) -> Option<Vec<Step>> {
    table.iter().find_map(|(key, value)| {
        let mut path = vec![Step::Key(key.get_ref().to_string())];
        path.extend(in_value(value, span)?);
        Some(path)
    })
}

/// The way from a value to what holds `span`: none where that is the value itself.
fn in_value(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<Vec<Step>> {
    let inside = match value.get_ref() {
        // Of a table with a header, what stands in it lies elsewhere.
        DeValue::Table(table) => in_table(table, span),
        DeValue::Array(items) => items.iter().find_map(|item| {
            let rest = in_value(item, span)?;
            Some(std::iter::once(Step::Item).chain(rest).collect())
        }),
        _ => None,
    };
    let own = value.span();
    inside.or_else(|| (own.start <= span.start && span.end <= own.end).then(Vec::new))
}

/// A name as TOML has it in a key.
fn quoted(name: &str) -> String {
    let is_bare = name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '-' || sign == '_');
    if is_bare && !name.is_empty() { name.to_owned() } else { format!("{name:?}") }
}

/// What a reference stands for.
fn resolved<'s>(root: &'s Value, mut schema: &'s Value) -> &'s Value {
    // A handful of steps at most: references of the schema do not form circles.
    for _ in 0..8 {
        let only = schema.get("allOf").and_then(Value::as_array).and_then(|parts| parts.first());
        let reference = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
        schema = match (only, reference.and_then(|name| root.pointer(name))) {
            (Some(only), _) => only,
            (None, Some(target)) => target,
            (None, None) => break,
        };
    }
    schema
}

/// A part of the schema in which nothing that [`words`] looks at is a reference.
fn whole(root: &Value, schema: &Value) -> Value {
    let mut schema = resolved(root, schema).clone();
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key).filter(|inner| inner.is_object()) {
            schema[key] = whole(root, inner);
        }
    }
    let keys = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, inner) in keys {
        schema["properties"][name.as_str()] = whole(root, &inner);
    }
    schema
}

/// What a part of the schema takes.
fn words(schema: &Value) -> Option<String> {
    if let Some(names) = names(schema) {
        let quoted: Vec<String> = names.iter().map(|name| format!("`\"{name}\"`")).collect();
        let (last, others) = quoted.split_last()?;
        return Some(if others.is_empty() { last.clone() } else { format!("{} or {last}", others.join(", ")) });
    }
    let inner = |key: &str| schema.get(key).and_then(|inner| inner.get("type")).and_then(Value::as_str);
    let words = match schema.get("type")?.as_str()? {
        "string" => "a text in quotes",
        "integer" if schema.get("format").is_some_and(|format| format == "uint32") => {
            return Some(format!("a whole number from 0 to {}", u32::MAX));
        }
        "integer" => "a whole number from 0 on",
        "boolean" => "`true` or `false`",
        "array" if inner("items") == Some("object") => "a list of tables: `[{ … }]`",
        "array" => "a list of texts: `[\"…\"]`",
        "object" if inner("additionalProperties") == Some("array") => {
            "a table with lists of texts: `{ \"…\" = [\"…\"] }`"
        }
        "object" => "a table: `{ … = \"…\" }`",
        _ => return None,
    };
    Some(words.to_owned())
}

/// The words of a key that takes one of a few.
fn names(schema: &Value) -> Option<Vec<&str>> {
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        return Some(names.iter().filter_map(Value::as_str).collect());
    }
    let forms = schema.get("oneOf")?.as_array()?;
    Some(forms.iter().filter_map(|form| form.get("const")?.as_str()).collect())
}
