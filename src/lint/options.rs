//! What the configuration tells the rules that look for nothing without it.

use std::collections::BTreeMap;

use super::{LabelKind, TrustedRegistries};

/// The options of all rules. By default none of these rules finds anything.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// For `untrusted-registry`; none where every registry is trusted.
    pub trusted_registries: Option<TrustedRegistries>,
    /// For `label-schema`.
    pub labels: LabelSchema,
}

/// Which labels an image has.
#[derive(Clone, Debug, Default)]
pub struct LabelSchema {
    /// The labels that it must have, with the form of their values.
    pub required: BTreeMap<String, LabelKind>,
    /// Whether it must have no others.
    pub strict: bool,
}

impl LabelSchema {
    /// Whether nothing is asked of labels.
    pub fn is_empty(&self) -> bool {
        self.required.is_empty() && !self.strict
    }
}
