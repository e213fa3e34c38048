//! Splitting a `RUN` in two: `RUN npm ci && npm run build` becomes `RUN npm ci` and `RUN npm run build`.
//!
//! A copy that stands above the `RUN` then moves between the two. The *first part* is what comes before the cut, the
//! *second part* what comes after it; the *setup* is what both begin with: a leading `cd`, `set`, `export` or assignment.
//!
//! Two steps do what one did where nothing flows over the cut but files: no state of the shell, no process, no mount that
//! keeps what the first part writes, and no exit code but that of a failure, which ends the build either way. Files that
//! the second part removes would stay in the layer of the first; such a `RUN` is cut only where no image keeps the layer.

mod halves;
mod leftovers;
mod over_the_cut;

use super::{
    moves::{Move, MoveKind, Refused, listed, quoted, sink_move},
    sink::{Sink, is_worth_crossing, sink},
};
use crate::{
    diagnostic::Safety,
    ecosystem::Effect,
    model::{Build, Inputs, Run, Shell, StepId},
    shell::{self, Element, Join, ShellOptions},
    syntax::Dockerfile,
    text::{LogicalText, TextEdit, TextRange},
};

/// Cuts that are tried at most, the latest first.
const MOST_CUTS: usize = 8;

/// A `RUN` with the list of its commands.
struct Splitting<'a> {
    build: &'a Build<'a>,
    id: StepId,
    run: &'a Run,
    elements: Vec<Element>,
    /// How many of the elements are setup.
    setup: usize,
    errexit: bool,
}

/// The split of the `RUN` that stops a copy, or that needs a file of it only in its later part: the move, or why an install
/// in it cannot be had on its own.
pub(super) fn split_run(build: &Build<'_>, sunk: &Sink) -> Option<Result<Move, Refused>> {
    let (id, may_need) = target(build, sunk)?;
    let splitting = Splitting::new(build, id)?;
    let mut refused: Option<String> = None;
    for cut in splitting.cuts() {
        let checked = splitting.check(cut);
        if checked.is_err() && refused.is_some() {
            continue;
        }
        // What would not gain is not worth telling either.
        let Some(found) = splitting.carry_out(sunk.carried, cut, may_need) else { continue };
        match checked {
            Ok(()) => return Some(Ok(found)),
            Err(reason) => refused = Some(reason),
        }
    }
    let refuse = |reason: &str| Refused {
        step: id,
        carried: sunk.carried,
        reason: format!("the step would have to be split, and {reason}"),
        evidence: quoted(build, id).trim_matches('`').to_owned(),
        kept_by: None,
    };
    refused.filter(|_| may_need).map(|reason| Err(refuse(&reason)))
}

/// The split of a `RUN` with the copy that then moves between its parts, as one change of the file; the step of the first
/// part in what comes of it. `None` where no split is safe, or none gains.
pub fn split_and_sink(build: &Build<'_>, sunk: &Sink) -> Option<(Move, StepId)> {
    let split = split_run(build, sunk)?.ok()?;
    let source = build.inputs.file.source();
    let between = split.edit.apply(source);
    let file = Dockerfile::parse(&between);
    let halved = Build::new(Inputs { file: &file, ..build.inputs });
    let next = sink_move(&halved, &sink(&halved, sunk.carried)?)?;
    let text = next.edit.apply(&between);
    let (id, _) = target(build, sunk)?;
    let change = Move {
        title: format!("{}, and {}", split.title, lower_case(&next.title)),
        argument: format!("{}; {}", split.argument, next.argument),
        edit: changed_lines(source, &text),
        ignore: next.ignore,
        ..split
    };
    Some((change, id))
}

/// A title as part of a sentence.
fn lower_case(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + letters.as_str())
}

/// The edit that makes one text of another: the lines between those that both begin and end with.
fn changed_lines(source: &str, text: &str) -> TextEdit {
    let length = |lines: &mut dyn Iterator<Item = (&str, &str)>| -> usize {
        lines.take_while(|(old, new)| old == new).map(|(old, _)| old.len()).sum()
    };
    let start = length(&mut source.split_inclusive('\n').zip(text.split_inclusive('\n')));
    let (old, new) = (&source[start..], &text[start..]);
    let end = length(&mut old.split_inclusive('\n').rev().zip(new.split_inclusive('\n').rev()));
    TextEdit::replace(TextRange::new(start, source.len() - end), new[..new.len() - end].to_owned())
}

/// The `RUN` to split, and whether its first part may need files of the copy: where all of it can be crossed already, only
/// a part that needs none of them gains.
fn target(build: &Build<'_>, sunk: &Sink) -> Option<(StepId, bool)> {
    let stopped = sunk.stopped_by.as_ref().map(|obstacle| obstacle.id);
    if let Some(needing) = sunk.crossed.iter().find(|crossed| !crossed.crossing.manifests.is_empty()) {
        return sink_move(build, sunk).is_none().then_some((needing.id, false));
    }
    stopped.filter(|id| build.step(*id).run().is_some()).map(|id| (id, true))
}

impl<'a> Splitting<'a> {
    fn new(build: &'a Build<'a>, id: StepId) -> Option<Self> {
        let run = build.step(id).run()?;
        let Shell::Posix { errexit, pipefail } = build.step(id).before.shell else { return None };
        let text = build.instruction(id).script(build.inputs.file.source())?;
        let elements = shell::sequence(&text)?;
        let setup = elements.iter().take_while(|element| element.is_setup()).count();
        let prologue: String = elements[..setup].iter().map(|element| element.text.clone() + "\n").collect();
        let options = ShellOptions { errexit, pipefail };
        let errexit = shell::read_with(&LogicalText::contiguous(&prologue, 0), options).errexit;
        (elements.len() >= setup + 2).then_some(Self { build, id, run, elements, setup, errexit })
    }

    /// Cuts after which the first part is worth a layer: it installs or downloads something, and builds nothing.
    fn cuts(&self) -> impl Iterator<Item = usize> {
        let possible = (self.setup + 1..self.elements.len()).rev();
        possible.filter(|cut| self.is_worth_it(*cut)).take(MOST_CUTS)
    }

    fn is_worth_it(&self, cut: usize) -> bool {
        let end = self.elements[cut].range.start;
        let known = self.run.opaque.iter().all(|opaque| opaque.range.start >= end);
        let mut before = self.run.commands.iter().filter(|command| command.command.range.start < end).peekable();
        let gains =
            |effect| matches!(effect, Effect::Install | Effect::Download | Effect::ContextFree | Effect::Generate);
        let dear = self
            .run
            .commands
            .iter()
            .filter(|command| command.command.range.start < end)
            .any(|command| gains(command.effect()) && command.known.cost().is_some_and(|cost| cost.high >= 10.0));
        known && dear && before.all(|command| command.effect() != Effect::Build)
    }

    /// Writes the two steps and asks the file that comes of it whether the copy moves between them.
    fn carry_out(&self, carried: StepId, cut: usize, may_need: bool) -> Option<Move> {
        let start = &self.build.step(self.id).before.directory;
        let setup = halves::kept_setup(&self.elements[..self.setup], start);
        let edit = halves::edit(self.build, self.id, &self.elements, &setup, cut)?;
        let source = edit.apply(self.build.inputs.file.source());
        let file = Dockerfile::parse(&source);
        if file.errors().len() != self.build.inputs.file.errors().len() {
            return None;
        }
        let split = Build::new(Inputs { file: &file, ..self.build.inputs });
        let second = StepId { step: self.id.step + 1, ..self.id };
        split.stages.get(second.stage)?.steps.get(second.step)?.run()?;
        let (first, rest) = self.elements.split_at(cut);
        if !reads_as(&split, self.id, first.iter())
            || !reads_as(&split, second, setup.iter().map(|index| &self.elements[*index]).chain(rest))
        {
            return None;
        }
        if !split.step(self.id).run()?.is_known() || !is_worth_crossing(&split, self.id) {
            return None;
        }
        let sunk = sink(&split, carried)?;
        let crossed = sunk.crossed.iter().find(|crossed| crossed.id == self.id)?;
        if !may_need && !crossed.crossing.manifests.is_empty() {
            return None;
        }
        let next = sink_move(&split, &sunk)?;
        let (first, rest) = (&self.elements[cut - 1], &self.elements[cut]);
        let joined = match rest.join {
            Join::And => "`&&` joins",
            Join::Next => "under `set -e`, the shell runs one after the other of",
        };
        let argument = format!(
            "{joined} {}, and nothing but files passes from one to the other, so two steps do what one did",
            listed([shortened(&first.text), shortened(&rest.text)].iter().map(String::as_str))
        );
        Some(Move {
            kind: MoveKind::SplitRun,
            safety: next.safety,
            title: format!("Split {} in front of `{}`", quoted(self.build, self.id), shortened(&rest.text)),
            argument: if next.safety == Safety::Safe { argument } else { next.argument },
            lines: vec![self.build.instruction(self.id).lines.0],
            edit,
            ignore: Vec::new(),
            needs_history: false,
        })
    }
}

/// Whether the script of a step has exactly these commands, in this order.
fn reads_as<'e>(build: &Build<'_>, id: StepId, elements: impl Iterator<Item = &'e Element>) -> bool {
    let script = build.instruction(id).script(build.inputs.file.source());
    let Some(found) = script.and_then(|script| shell::sequence(&script)) else { return false };
    found.iter().map(|element| element.text.as_str()).eq(elements.map(|element| element.text.as_str()))
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 50;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
