//! A copy that brings more files of the context.

use super::{
    carried::Carried,
    crossing::Needed,
    emit::{lines_of, manifest_lines},
};
use crate::{
    model::{Build, StepId},
    syntax::Body,
    text::{Change, TextEdit, TextRange},
};

/// The edit that makes the copy at `id` bring further files: those that belong beside what it copies as sources of its own,
/// others by copies below it. `None` where a file cannot be written so that it lands at its place.
pub fn bring(build: &Build<'_>, id: StepId, needed: &[Needed]) -> Option<TextEdit> {
    let carried = Carried::new(build, id)?;
    let is_plain = |entry: &Needed| !entry.path.is_empty() && !entry.path.contains(SPECIAL);
    if !needed.iter().all(is_plain) || carried.instruction.flag("exclude").is_some() {
        return None;
    }
    let (beside, elsewhere): (Vec<Needed>, Vec<Needed>) =
        needed.iter().cloned().partition(|entry| lands_beside(&carried, entry));
    let mut changes = Vec::new();
    if !beside.is_empty() {
        changes.push(more_sources(&carried, &beside)?);
    }
    if !elsewhere.is_empty() {
        let lines = manifest_lines(&carried, build.inputs.catalog, &elsewhere, &build.step(id).before)?;
        changes.push(copies_below(&carried, &lines));
    }
    TextEdit::new(changes).ok()
}

/// What `COPY` would read as more than a name.
const SPECIAL: [char; 10] = ['*', '?', '[', '\\', '$', '"', '\'', '`', ' ', '\t'];

/// Whether a file that becomes a source of the copy lands at its place.
fn lands_beside(carried: &Carried<'_>, needed: &Needed) -> bool {
    let (Body::Copy(arguments) | Body::Add(arguments)) = &carried.instruction.body else { return false };
    let written = arguments.destination.text.as_str();
    let directory = arguments.sources.len() > 1 || written.ends_with('/') || written == ".";
    directory
        && !needed.directory
        && carried.transfer.destination.as_ref() == Some(&needed.place.parent())
        && needed.path.rsplit('/').next() == Some(needed.place.name())
}

fn more_sources(carried: &Carried<'_>, needed: &[Needed]) -> Option<Change> {
    let (Body::Copy(arguments) | Body::Add(arguments)) = &carried.instruction.body else { return None };
    let source =
        |entry: &Needed| if arguments.json { format!("\"{}\", ", entry.path) } else { format!("{} ", entry.path) };
    Some(Change {
        range: TextRange::empty(arguments.destination.range.start),
        replacement: needed.iter().map(source).collect(),
    })
}

fn copies_below(carried: &Carried<'_>, lines: &[String]) -> Change {
    let file = carried.build.inputs.file;
    let end = carried.instruction.block(file.source()).end;
    let mut text = lines_of(file, lines);
    if !file.source()[..end].ends_with('\n') {
        text.insert_str(0, file.newline());
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
    }
    Change { range: TextRange::empty(end), replacement: text }
}
