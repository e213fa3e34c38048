//! What is in force for a file or a folder, value by value, and who says it.

use std::path::Path;

use toml::{Table, Value};

use super::schema::Schema;
use super::settings::HISTORY;
use super::stated::Origin;
use super::{FileSettings, Settings, display_path};
use crate::diagnostic::Severity;
use crate::lint::{self, Meta, Selection};

/// All that is in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The configuration file, as shown to the user.
    pub configuration: Option<String>,
    /// Values, those of tables and lists one by one, by key.
    pub entries: Vec<Entry>,
    /// Every rule, in the order of the manual.
    pub rules: Vec<RuleInForce>,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key of the configuration, and the key in its table where it is one.
    pub key: Vec<String>,
    /// The value, or an entry of the list that is the value.
    pub value: Value,
    /// Whether it is an entry of a list.
    pub listed: bool,
    /// Who says it.
    pub origin: Origin,
}

/// What becomes of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInForce {
    /// Its name.
    pub name: &'static str,
    /// The severity of its findings; `None` where it is off.
    pub severity: Option<Severity>,
    /// Who says so.
    pub origin: Origin,
}

impl FileSettings {
    /// What is in force for the file. Names of files are shown from the working directory.
    pub fn in_force(&self, working_directory: &Path) -> InForce {
        let mut found = self.settings.with_selection(&self.selection, Some(&self.path));
        let build = self.declared_in.as_ref().map(|path| Origin::Build(display_path(path, working_directory)));
        for (name, value) in &self.args {
            if let (false, Some(origin)) = (self.settings.args.contains_key(name), &build) {
                let key = vec!["args".to_owned(), name.clone()];
                found.entries.push(Entry { key, value: value.clone().into(), listed: false, origin: origin.clone() });
            }
        }
        if let Some(context) = &self.context {
            let stated = self.settings.stated.context_origin(&self.settings.root, &self.path);
            let origin = stated.or(build).unwrap_or(Origin::Default);
            let value = display_path(context, working_directory).into();
            found.entries.push(Entry { key: vec!["context".to_owned()], value, listed: false, origin });
        }
        found.entries.sort_by(|left, right| left.key.cmp(&right.key));
        found
    }
}

impl Settings {
    /// What is in force for all files for which no overrides hold.
    pub fn in_force(&self) -> InForce {
        self.with_selection(&self.selection, None)
    }

    fn with_selection(&self, selection: &Selection, path: Option<&Path>) -> InForce {
        let mut schema = self.stated.effective(&self.overridden);
        schema.fail_on = Some(self.fail_on);
        schema.builder.get_or_insert_default();
        schema.history.get_or_insert(HISTORY);
        schema.strict_labels.get_or_insert(false);
        if schema.select.is_empty() {
            schema.select.push(toml::Spanned::new(0..0, "all".to_owned()));
        }
        InForce {
            configuration: self.stated.file_name().map(str::to_owned),
            entries: self.entries(&schema),
            rules: lint::every_meta().map(|meta| self.rule(meta, &schema, selection, path)).collect(),
        }
    }

    fn entries(&self, schema: &Schema) -> Vec<Entry> {
        // A schema of strings, numbers and lists always serializes.
        let table = Table::try_from(schema).unwrap_or_default();
        // These are in the other values already, or are one of a file.
        let own = table.into_iter().filter(|(key, _)| key != "overrides" && key != "dockerfile");
        own.flat_map(|(key, value)| self.entries_of(vec![key], value)).collect()
    }

    fn entries_of(&self, key: Vec<String>, value: Value) -> Vec<Entry> {
        let path: Vec<&str> = key.iter().map(String::as_str).collect();
        let origin = |item: Option<&str>| self.stated.origin(&path, item, &self.overridden);
        match value {
            Value::Table(table) => {
                let inner = |(name, value): (String, Value)| self.entries_of([key.clone(), vec![name]].concat(), value);
                table.into_iter().flat_map(inner).collect()
            }
            Value::Array(list) if !list.is_empty() && key.len() == 1 => {
                let items = list.into_iter();
                items
                    .map(|value| Entry { origin: origin(value.as_str()), key: key.clone(), value, listed: true })
                    .collect()
            }
            // `select` empties the list, whoever fills it.
            Value::Array(list) if list.is_empty() && key == ["ignore"] => {
                vec![Entry { origin: Origin::Default, key, value: Value::Array(list), listed: false }]
            }
            value => vec![Entry { origin: origin(None), key: key.clone(), value, listed: false }],
        }
    }

    fn rule(&self, meta: &'static Meta, schema: &Schema, selection: &Selection, path: Option<&Path>) -> RuleInForce {
        let severity = selection.severity(meta.name);
        let origin = match severity {
            Some(_) => schema
                .severity
                .keys()
                .map(toml::Spanned::get_ref)
                .rfind(|name| meta.answers_to(name))
                .map_or(Origin::Default, |name| self.stated.origin(&["severity", name], None, &self.overridden)),
            None => self.who_turns_off(meta, schema, path),
        };
        RuleInForce { name: meta.name, severity, origin }
    }

    fn who_turns_off(&self, meta: &Meta, schema: &Schema, path: Option<&Path>) -> Origin {
        let names_it = |name: &String| meta.answers_to(name) || name.eq_ignore_ascii_case("all");
        let relative = path.map(|path| path.strip_prefix(&self.root).unwrap_or(path));
        // The patterns were read in the order of the table.
        for ((pattern, rules), (glob, _)) in schema.per_file_ignores.iter().zip(&self.per_file_ignores) {
            let off = rules.iter().any(|rule| names_it(rule.get_ref()));
            if off && relative.is_some_and(|path| glob.is_match(path)) {
                return self.stated.origin(&["per-file-ignores", pattern.get_ref()], None, &self.overridden);
            }
        }
        let ignored = schema.ignore.iter().map(toml::Spanned::get_ref).rfind(|name| names_it(name));
        match ignored {
            Some(name) => self.stated.origin(&["ignore"], Some(name), &self.overridden),
            None => self.stated.origin(&["select"], None, &self.overridden),
        }
    }
}
