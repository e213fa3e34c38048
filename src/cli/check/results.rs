//! What all outputs print.

use super::fingerprint::{Fingerprint, Fingerprints};
use crate::config::FailOn;
use crate::diagnostic::{Diagnostic, Safety, Severity};
use crate::lint;
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
    /// Number of findings that are not shown, as the baseline holds them.
    pub(in crate::cli) baselined: usize,
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
    /// What a change costs, where somebody asked.
    pub(in crate::cli) rebuild_cost: Option<RebuildCost>,
    /// Those of the diagnostics, in their order.
    fingerprints: Vec<Fingerprint>,
    line_index: LineIndex,
    fail_on: FailOn,
}

/// What a change of the project costs on average, in seconds of building.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cli) struct RebuildCost {
    /// With the file as it is.
    pub(in crate::cli) before: f64,
    /// With what `layerwise optimize` makes of it.
    pub(in crate::cli) after: f64,
}

impl CheckedFile {
    pub(in crate::cli) fn new(name: &str, source: &str, diagnostics: Vec<Diagnostic>, fail_on: FailOn) -> Self {
        let mut file = Self {
            name: name.to_owned(),
            source: source.to_owned(),
            diagnostics,
            rebuild_cost: None,
            fingerprints: Vec::new(),
            line_index: LineIndex::new(source),
            fail_on,
        };
        let mut next = Fingerprints::default();
        let found = file.diagnostics.iter();
        file.fingerprints = found.map(|each| next.next(name, each.rule, file.line_at(each.range.start))).collect();
        file
    }

    /// The findings of both in one file of the same text.
    pub(in crate::cli) fn joined(&self, other: Self) -> Self {
        let mut diagnostics = self.diagnostics.clone();
        diagnostics.extend(other.diagnostics);
        lint::sort(&mut diagnostics);
        Self::new(&self.name, &self.source, diagnostics, self.fail_on)
    }

    /// Keeps the findings that are wanted; gives the number of the others. Fingerprints stay what they were.
    pub(in crate::cli) fn retain(&mut self, wanted: impl Fn(&Self, &Diagnostic, &Fingerprint) -> bool) -> usize {
        let kept: Vec<bool> = self.entries().map(|(diagnostic, print)| wanted(self, diagnostic, print)).collect();
        let mut flags = kept.iter();
        self.diagnostics.retain(|_| flags.next().copied().unwrap_or(true));
        let mut flags = kept.iter();
        self.fingerprints.retain(|_| flags.next().copied().unwrap_or(true));
        kept.iter().filter(|kept| !**kept).count()
    }

    /// Findings with their fingerprints.
    pub(in crate::cli) fn entries(&self) -> impl Iterator<Item = (&Diagnostic, &Fingerprint)> {
        self.diagnostics.iter().zip(&self.fingerprints)
    }

    /// Whether a finding of the file reaches its threshold.
    pub(in crate::cli) fn fails(&self, diagnostic: &Diagnostic) -> bool {
        self.fail_on.fails(diagnostic.severity)
    }

    /// First and last line of a range; a range that ends at the start of a line does not touch it.
    pub(in crate::cli) fn lines(&self, range: TextRange) -> (usize, usize) {
        let last = range.end.saturating_sub(1).max(range.start);
        (self.positions(range).0.line, self.positions(TextRange::empty(last)).0.line)
    }

    /// First position of a range, and the one after its last character.
    pub(in crate::cli) fn positions(&self, range: TextRange) -> (Position, Position) {
        let position = |offset| self.line_index.position(&self.source, offset);
        (position(range.start), position(range.end))
    }

    /// The line of an offset, and its byte in it, both from 1.
    pub(in crate::cli) fn line_and_byte(&self, offset: usize) -> (usize, usize) {
        let line = self.line_index.line(offset);
        (line, offset.saturating_sub(self.line_index.line_start(line)) + 1)
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

    /// Every finding with its file and its fingerprint, in order.
    pub(in crate::cli) fn entries(&self) -> impl Iterator<Item = (&CheckedFile, &Diagnostic, &Fingerprint)> {
        self.files.iter().flat_map(|file| file.entries().map(move |(diagnostic, print)| (file, diagnostic, print)))
    }

    /// Whether a finding reaches the threshold of its file.
    pub(in crate::cli) fn fails(&self) -> bool {
        self.findings().any(|(file, diagnostic)| file.fails(diagnostic))
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
