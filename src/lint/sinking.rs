//! What the rules about order share: a copy that could stand lower, as a fix, and what that would save.

use std::cell::OnceCell;

use super::Subject;
use crate::diagnostic::{Cost, FileEdit, Fix};
use crate::model::{Build, Inputs, Run, Step, StepId};
use crate::rewrite::{self, Move, Sink, sink_move, split_and_sink};
use crate::syntax::{Dockerfile, Instruction};

/// Rates of change that differ by less are the same for a reader.
pub(super) const LEAST_DIFFERENCE: f64 = 0.05;

/// A copy that could stand lower.
pub(super) struct Sunk {
    /// The copy.
    pub(super) carried: StepId,
    /// The change of the file.
    pub(super) fix: Option<Fix>,
    text: String,
    /// The steps of the changed file by stage: their text, and the share of changes in which each runs again.
    rates: OnceCell<Vec<Vec<(String, f64)>>>,
}

/// What becomes of the file when the copy moves below a step, and as far down as it can: safely, where the safe part of the
/// way leads below that step. `None` where that gains nothing.
pub(super) fn below(subject: &Subject<'_>, found: &Sink, id: StepId) -> Option<Sunk> {
    let safe = found.safe_part(subject.build).filter(|part| part.crosses(id));
    safe.and_then(|part| of(subject, &part)).or_else(|| of(subject, found))
}

/// What becomes of the file when the copy goes its way; `None` where that gains nothing.
pub(super) fn of(subject: &Subject<'_>, found: &Sink) -> Option<Sunk> {
    let change = sink_move(subject.build, found)?;
    let text = change.edit.apply(subject.file.source());
    Some(Sunk { carried: found.carried, fix: Some(fix_of(subject, change)), text, rates: OnceCell::new() })
}

/// What becomes of the file when the `RUN` that stops a copy is split and the copy moves between its parts; the share of
/// changes in which the first part, told by `is_first`, runs again then.
pub(super) fn after_split(subject: &Subject<'_>, found: &Sink, is_first: impl Fn(&Run) -> bool) -> Option<(Fix, f64)> {
    let (change, first) = split_and_sink(subject.build, found)?;
    let text = change.edit.apply(subject.file.source());
    let file = Dockerfile::parse(&text);
    let build = Build::new(Inputs { file: &file, ..subject.build.inputs });
    let stage = build.stages.get(first.stage)?;
    // What is copied ahead stands before it.
    let run = stage.steps.iter().skip(found.carried.step).find(|step| step.run().is_some_and(&is_first))?;
    Some((fix_of(subject, change), subject.numbers.of(&build).cost(run.instruction).rate))
}

/// A move as a fix.
pub(super) fn fix_of(subject: &Subject<'_>, change: Move) -> Fix {
    let files = if change.ignore.is_empty() {
        Vec::new()
    } else {
        let text = rewrite::ignoring(subject.ignore_text, subject.ignore_path, &change.ignore);
        vec![FileEdit { path: subject.ignore_path.to_owned(), text }]
    };
    Fix { title: change.title, safety: change.safety, argument: change.argument, edit: change.edit, files }
}

impl Sunk {
    /// The share of changes in which a step runs again once the copy stands lower.
    pub(super) fn rate_after(&self, subject: &Subject<'_>, id: StepId) -> Option<f64> {
        let text =
            |step: &Step| subject.file.instructions().get(step.instruction)?.range.of(subject.file.source()).into();
        let texts: Vec<Option<&str>> = subject.build.stages.get(id.stage)?.steps.iter().map(text).collect();
        let wanted = (*texts.get(id.step)?)?;
        // A move keeps the order of steps with the same text: they are no copies.
        let nth = texts[..id.step].iter().filter(|other| **other == Some(wanted)).count();
        let steps = self.rates.get_or_init(|| self.rates(subject)).get(id.stage)?;
        steps.iter().filter(|(text, _)| text == wanted).nth(nth).map(|(_, rate)| *rate)
    }

    fn rates(&self, subject: &Subject<'_>) -> Vec<Vec<(String, f64)>> {
        let file = Dockerfile::parse(&self.text);
        let build = Build::new(Inputs { file: &file, ..subject.build.inputs });
        let numbers = subject.numbers.of(&build);
        let rate = |step: &Step| {
            let text = file.instructions().get(step.instruction)?.range.of(&self.text);
            Some((text.to_owned(), numbers.cost(step.instruction).rate))
        };
        build.stages.iter().map(|stage| stage.steps.iter().filter_map(rate).collect()).collect()
    }
}

/// The share of changes that a cost rests on, in words.
pub(super) fn share(cost: &Cost) -> String {
    match cost.changes {
        0 => format!("about {} of changes", percent(cost.rate)),
        changes => format!("{} of the last {changes} commits", percent(cost.rate)),
    }
}

/// A share from 0 to 1 for people.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// An instruction on one line, shortened.
pub(super) fn one_line(subject: &Subject<'_>, instruction: &Instruction) -> String {
    instruction.one_line(subject.file.source(), 60)
}
