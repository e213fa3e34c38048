//! Where rules put their findings.

use super::Meta;
use crate::diagnostic::Diagnostic;
use crate::text::TextRange;

/// Collects the findings of all rules for one file, in the order in which they are reported.
#[derive(Debug, Default)]
pub struct Reporter {
    diagnostics: Vec<Diagnostic>,
}

impl Reporter {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a finding with the rule's own severity; the caller fills in labels, help, cost and fix.
    pub fn add(&mut self, meta: &'static Meta, range: TextRange, message: impl Into<String>) -> &mut Diagnostic {
        let diagnostic = Diagnostic {
            rule: meta.name,
            severity: meta.severity,
            message: message.into(),
            range,
            related: Vec::new(),
            help: None,
            cost: None,
            fix: None,
        };
        let index = self.diagnostics.len();
        self.diagnostics.push(diagnostic);
        &mut self.diagnostics[index]
    }

    /// All findings so far.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }
}
