//! How what holds for some files, or what the caller says, is laid over what holds for all.

use toml::Spanned;

use super::{Override, Schema};
use crate::config::Overrides;

impl Schema {
    /// Lays a layer over this one.
    pub(in crate::config) fn overlay(&mut self, over: &Override) {
        if !over.select.is_empty() {
            self.select.clone_from(&over.select);
            self.ignore.clear();
        }
        self.ignore.extend(over.ignore.iter().cloned());
        self.fail_on = over.fail_on.or(self.fail_on);
        self.builder = over.builder.or(self.builder);
        self.history = over.history.or(self.history);
        self.strict_labels = over.strict_labels.or(self.strict_labels);
        if let Some(trusted) = &over.trusted_registries {
            self.trusted_registries.clone_from(trusted);
        }
        for (rule, severity) in &over.severity {
            // Keys are equal whatever their places; the later place is the one to show.
            self.severity.remove(rule);
            self.severity.insert(rule.clone(), *severity);
        }
        self.args.extend(over.args.clone());
        self.label_schema.extend(over.label_schema.clone());
    }
}

impl From<&Overrides> for Override {
    fn from(said: &Overrides) -> Self {
        let texts = |names: &[String]| names.iter().map(|name| Spanned::new(0..0, name.clone())).collect();
        Self {
            select: texts(&said.select),
            ignore: texts(&said.ignore),
            fail_on: said.fail_on,
            builder: said.builder,
            ..Self::default()
        }
    }
}
