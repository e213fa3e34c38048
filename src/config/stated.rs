//! What is said, and by whom: a configuration file, its overrides for some files, the caller.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::schema::{Override, Schema};
use super::{Overrides, normalize};
use crate::text::LineIndex;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody says anything.
    Default,
    /// A configuration file.
    File {
        /// As shown to the user.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// The caller: the option or the variable that says it.
    Caller(String),
    /// A Compose or Bake file.
    Build(String),
}

/// All that is said.
#[derive(Debug)]
pub(super) struct Stated {
    /// The configuration file as written.
    schema: Schema,
    caller: Override,
    /// In what way the caller says a key.
    said_by: BTreeMap<&'static str, String>,
    /// The name and the text of the configuration file.
    file: Option<(String, String)>,
}

impl Stated {
    pub(super) fn new(schema: Schema, file: Option<(&str, &str)>, overrides: &Overrides) -> Self {
        Self {
            schema,
            caller: overrides.into(),
            said_by: overrides.said_by.clone(),
            file: file.map(|(name, text)| (name.to_owned(), text.to_owned())),
        }
    }

    /// The name of the configuration file, as shown to the user.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.file.as_ref().map(|(name, _)| name.as_str())
    }

    /// What is in force with the overrides of these indices.
    pub(super) fn effective(&self, overridden: &[usize]) -> Schema {
        let mut schema = self.schema.clone();
        for over in overridden.iter().filter_map(|index| self.schema.overrides.get(*index)) {
            schema.overlay(over);
        }
        schema.overlay(&self.caller);
        schema
    }

    /// Who says the value at this path of keys (and, for the entry of a list, its text): the last of those who do.
    pub(super) fn origin(&self, path: &[&str], item: Option<&str>, overridden: &[usize]) -> Origin {
        if let Some(caller) = self.caller_says(path, item) {
            return caller;
        }
        let Some((name, text)) = &self.file else { return Origin::Default };
        let Ok(tree) = DeTable::parse(text) else { return Origin::Default };
        let tree = tree.get_ref();
        let overrides = tree.get("overrides").and_then(|list| list.get_ref().as_array());
        let tables = overridden.iter().rev().filter_map(|index| overrides?.get(*index)?.get_ref().as_table());
        let place = tables.chain([tree]).find_map(|table| place(table, path, item));
        let line = place.map(|offset| LineIndex::new(text).line(offset));
        line.map_or(Origin::Default, |line| Origin::File { name: name.clone(), line })
    }

    /// Who names the build context of a Dockerfile, if the configuration does; both paths are absolute.
    pub(super) fn context_origin(&self, root: &Path, dockerfile: &Path) -> Option<Origin> {
        let (name, text) = self.file.as_ref()?;
        let tree = DeTable::parse(text).ok()?;
        let entries = tree.get_ref().get("dockerfile")?.get_ref().as_array()?;
        let context = entries.iter().rev().find_map(|entry| {
            let entry = entry.get_ref().as_table()?;
            let path = entry.get("path")?.get_ref().as_str()?;
            (normalize(&root.join(path)) == dockerfile).then(|| entry.get("context"))?
        })?;
        Some(Origin::File { name: name.clone(), line: LineIndex::new(text).line(context.span().start) })
    }

    fn caller_says(&self, path: &[&str], item: Option<&str>) -> Option<Origin> {
        let key = *path.first()?;
        let list = match key {
            "select" => Some(&self.caller.select),
            "ignore" => Some(&self.caller.ignore),
            _ => None,
        };
        let says = match (list, item) {
            (Some(list), Some(item)) => list.iter().any(|text| text.get_ref() == item),
            _ => true,
        };
        self.said_by.get(key).filter(|_| says).cloned().map(Origin::Caller)
    }
}

/// The offset of the value at a path of keys, or of an entry of the list that stands there.
fn place(table: &DeTable<'_>, path: &[&str], item: Option<&str>) -> Option<usize> {
    let (key, rest) = path.split_first()?;
    let (name, value) = table.get_key_value(*key)?;
    match (value.get_ref(), rest) {
        (DeValue::Table(inner), [_, ..]) => place(inner, rest, item),
        (_, [_, ..]) => None,
        (DeValue::Array(list), []) if item.is_some() => {
            let found = list.iter().find(|entry| entry.get_ref().as_str() == item)?;
            Some(found.span().start)
        }
        _ => Some(name.span().start),
    }
}
