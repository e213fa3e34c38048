//! What all outputs print.

use crate::config::FailOn;
use crate::diagnostic::{Diagnostic, Safety, Severity};
use crate::text::{LineIndex, Position, TextRange};

/// The outcome of a run.
#[derive(Debug)]
pub(in crate::cli) struct Results {
    /// Every file that could be checked, sorted by name.
    pub(in crate::cli) files: Vec<CheckedFile>,
    /// Number of failures.
    pub(in crate::cli) failed: usize,
    /// Number of fixes that were applied.
    pub(in crate::cli) fixed: usize,
    /// What a fix must promise to count as fixable.
    pub(in crate::cli) wanted: Safety,
}

/// A file with its findings.
#[derive(Debug)]
pub(in crate::cli) struct CheckedFile {
    /// As shown.
    pub(in crate::cli) name: String,
    /// The text that the findings point into.
    pub(in crate::cli) source: String,
    /// Sorted by place.
    pub(in crate::cli) diagnostics: Vec<Diagnostic>,
    line_index: LineIndex,
    fail_on: FailOn,
}

impl CheckedFile {
    pub(in crate::cli) fn new(name: &str, source: &str, diagnostics: Vec<Diagnostic>, fail_on: FailOn) -> Self {
        let line_index = LineIndex::new(source);
        Self { name: name.to_owned(), source: source.to_owned(), diagnostics, line_index, fail_on }
    }

    /// First position of a range, and the one after its last character.
    pub(in crate::cli) fn positions(&self, range: TextRange) -> (Position, Position) {
        let position = |offset| self.line_index.position(&self.source, offset);
        (position(range.start), position(range.end))
    }

    /// The text of the line at `offset`, without its line break.
    pub(in crate::cli) fn line_at(&self, offset: usize) -> &str {
        let start = self.line_index.line_start(self.line_index.line(offset));
        self.source.get(start..).unwrap_or_default().lines().next().unwrap_or_default()
    }
}

impl Results {
    /// Every finding with its file, in order.
    pub(in crate::cli) fn findings(&self) -> impl Iterator<Item = (&CheckedFile, &Diagnostic)> {
        self.files.iter().flat_map(|file| file.diagnostics.iter().map(move |diagnostic| (file, diagnostic)))
    }

    /// Whether a finding reaches the threshold of its file.
    pub(in crate::cli) fn fails(&self) -> bool {
        self.findings().any(|(file, diagnostic)| file.fail_on.fails(diagnostic.severity))
    }

    /// Whether `--fix`, with the switches of this run, would mend the finding.
    pub(in crate::cli) fn is_fixable(&self, diagnostic: &Diagnostic) -> bool {
        diagnostic.fix.as_ref().is_some_and(|fix| fix.safety >= self.wanted)
    }

    pub(in crate::cli) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (_, diagnostic) in self.findings() {
            match diagnostic.severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Info => counts.infos += 1,
            }
            match diagnostic.fix.as_ref().map(|fix| fix.safety) {
                Some(Safety::Safe) => counts.fixable += 1,
                Some(Safety::Unsafe) => counts.unsafely_fixable += 1,
                Some(Safety::Manual) | None => {}
            }
        }
        counts
    }
}

/// Numbers of findings.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cli) struct Counts {
    pub(in crate::cli) errors: usize,
    pub(in crate::cli) warnings: usize,
    pub(in crate::cli) infos: usize,
    /// With a fix that keeps the image.
    pub(in crate::cli) fixable: usize,
    /// With a fix that may change it.
    pub(in crate::cli) unsafely_fixable: usize,
}

impl Counts {
    pub(in crate::cli) fn total(self) -> usize {
        self.errors + self.warnings + self.infos
    }
}
