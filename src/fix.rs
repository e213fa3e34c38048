//! Fix: applies the fixes of findings until no more can be applied.
//!
//! A *round* takes every fix that promises enough, in the order of its place, each whole or not at all; one that touches
//! what an earlier one changes waits for the next round. Then the result is checked again. A round whose result has more
//! syntax errors than the file had before is taken back, and no further one is tried.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, FileEdit, Fix, Safety};
use crate::syntax::Dockerfile;
use crate::text::TextEdit;

/// Rounds at most; rules that undo each other's fixes would go on for ever.
const ROUNDS: usize = 10;

/// What became of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The whole text, changed or not.
    pub text: String,
    /// Other files that the fixes write, sorted by path.
    pub files: Vec<FileEdit>,
    /// The fixes that were applied, in order.
    pub applied: Vec<Applied>,
    /// The findings in the text as it is now.
    pub remaining: Vec<Diagnostic>,
    /// Why fixing ended early.
    pub trouble: Option<Trouble>,
}

impl Outcome {
    /// Whether anything would be written.
    pub fn changes(&self) -> bool {
        !self.applied.is_empty()
    }
}

/// A fix that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The rule of its finding.
    pub rule: &'static str,
    /// Its title.
    pub title: String,
}

/// Why fixing ended before nothing was left to fix. Each is a mistake in the rules named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The fixes of a round broke the file; they were not applied.
    #[error("the fixes of {} would break the file", names(.0))]
    Breaks(Vec<&'static str>),
    /// After the last round there was still something to fix.
    #[error("the fixes of {} do not come to an end", names(.0))]
    Endless(Vec<&'static str>),
}

fn names(rules: &[&'static str]) -> String {
    let mut names: Vec<String> = rules.iter().map(|rule| format!("`{rule}`")).collect();
    names.sort();
    names.dedup();
    names.join(", ")
}

/// Fixes `source` with every fix that promises `wanted` or more. [`Safety::Manual`] fixes are never applied.
///
/// `check` finds what is wrong in a text, given the other files that the fixes so far would write.
pub fn fix(source: &str, wanted: Safety, check: &dyn Fn(&str, &[FileEdit]) -> Vec<Diagnostic>) -> Outcome {
    let errors = syntax_errors(source);
    let remaining = check(source, &[]);
    let mut outcome =
        Outcome { text: source.to_owned(), files: Vec::new(), applied: Vec::new(), remaining, trouble: None };
    for _ in 0..ROUNDS {
        let round = Round::plan(&outcome, wanted);
        if round.applied.is_empty() {
            return outcome;
        }
        let rules = round.applied.iter().map(|applied| applied.rule).collect();
        let text = round.edit.apply(&outcome.text);
        if syntax_errors(&text) > errors {
            outcome.trouble = Some(Trouble::Breaks(rules));
            return outcome;
        }
        outcome.text = text;
        outcome.files = round.files.into_iter().map(|(path, text)| FileEdit { path, text }).collect();
        outcome.applied.extend(round.applied);
        outcome.remaining = check(&outcome.text, &outcome.files);
    }
    let left = Round::plan(&outcome, wanted).applied;
    if !left.is_empty() {
        outcome.trouble = Some(Trouble::Endless(left.iter().map(|applied| applied.rule).collect()));
    }
    outcome
}

fn syntax_errors(text: &str) -> usize {
    Dockerfile::parse(text).errors().len()
}

/// What one round changes.
#[derive(Default)]
struct Round {
    edit: TextEdit,
    files: BTreeMap<String, String>,
    applied: Vec<Applied>,
}

impl Round {
    /// Every fix of the findings at hand that promises enough and does not touch what an earlier one changes.
    fn plan(outcome: &Outcome, wanted: Safety) -> Self {
        let mut round = Self {
            files: outcome.files.iter().map(|file| (file.path.clone(), file.text.clone())).collect(),
            ..Self::default()
        };
        let before = round.files.clone();
        let mut fixes: Vec<(&'static str, &Fix)> = outcome
            .remaining
            .iter()
            .filter_map(|diagnostic| Some((diagnostic.rule, diagnostic.fix.as_ref()?)))
            .filter(|(_, fix)| fix.safety > Safety::Manual && fix.safety >= wanted)
            .collect();
        fixes.sort_by_key(|(rule, fix)| (fix.edit.changes().first().map(|change| change.range), *rule));
        let mut changes = Changes::default();
        for (rule, fix) in fixes {
            let fits = fix.files.iter().all(|file| round.files.get(&file.path) == before.get(&file.path));
            let new = fix.files.iter().any(|file| before.get(&file.path) != Some(&file.text));
            let works = !fix.edit.is_empty() || new;
            if fits && works && changes.take(&fix.edit) {
                round.files.extend(fix.files.iter().map(|file| (file.path.clone(), file.text.clone())));
                round.applied.push(Applied { rule, title: fix.title.clone() });
            }
        }
        round.edit = changes.into_edit();
        round
    }
}

/// The changes of a round so far.
#[derive(Default)]
struct Changes {
    /// Taken ranges: end by start.
    taken: BTreeMap<usize, usize>,
    edits: Vec<TextEdit>,
}

impl Changes {
    /// Takes all changes of an edit, or none where one touches bytes already taken.
    ///
    /// Two insertions at one place are an overlap too: their order would be chance.
    fn take(&mut self, edit: &TextEdit) -> bool {
        let free = |start: usize, end: usize| {
            let before = self.taken.range(..=start).next_back().is_none_or(|(from, to)| *to <= start && *from != start);
            let after = self.taken.range(start..).next().is_none_or(|(from, _)| *from >= end);
            before && after
        };
        if !edit.changes().iter().all(|change| free(change.range.start, change.range.end)) {
            return false;
        }
        self.taken.extend(edit.changes().iter().map(|change| (change.range.start, change.range.end)));
        self.edits.push(edit.clone());
        true
    }

    fn into_edit(self) -> TextEdit {
        let changes = self.edits.iter().flat_map(|edit| edit.changes().iter().cloned()).collect();
        // The changes were checked one by one, so they do not overlap; were it otherwise, nothing would be changed.
        TextEdit::new(changes).unwrap_or_default()
    }
}
