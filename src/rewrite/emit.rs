//! The text of a move: lines go where they belong with their comments, blank lines and line breaks.

use std::collections::BTreeMap;

use super::{
    carried::Carried,
    crossing::Needed,
    restate::{self, block_in},
    sink::Sink,
    transfer_crossing::covers,
};
use crate::{
    ecosystem::Catalog,
    model::{Build, StagePath, State, StepId},
    syntax::{Body, Dockerfile, Instruction},
    text::{Change, TextEdit, TextRange},
};

/// The edit that carries out a sink; `None` where the lines cannot be written so that they mean the same.
pub(super) fn sink_edit(build: &Build<'_>, sink: &Sink) -> Option<TextEdit> {
    let carried = Carried::new(build, sink.carried)?;
    let file = build.inputs.file;
    let last = build.instruction(sink.last()?);
    let mut changes = Vec::new();
    let mut copied: Vec<Needed> = Vec::new();
    for (index, crossed) in sink.crossed.iter().enumerate() {
        let mut fresh = crossed.crossing.manifests.clone();
        fresh.retain(|needed| !copied.contains(needed));
        copied.extend(fresh.iter().cloned());
        let state = if index == 0 { &build.step(sink.carried).before } else { &build.step(crossed.id).before };
        let lines = manifest_lines(&carried, build.inputs.catalog, &fresh, state)?;
        let text = lines_of(file, &lines);
        if index == 0 {
            changes.push(replace_block(file, carried.instruction, text));
        } else if !text.is_empty() {
            let place = build.instruction(crossed.id).block(file.source()).start;
            changes.push(Change { range: TextRange::empty(place), replacement: text });
        }
    }
    let below = sink.last()?;
    let steps = &build.stages[below.stage].steps;
    let next = StepId { step: below.step + 1, ..below };
    let state = steps.get(next.step).map_or(&build.stages[below.stage].end, |next| &next.before);
    let block = block_in(&carried, state)?;
    let next = (next.step < steps.len()).then_some(next);
    let covered = next.filter(|id| is_bare(carried.instruction, file) && covers(&carried, *id));
    if covered.is_none() {
        let mut landed = insert_below(file, last, carried.instruction, &[block]);
        if let Some(missed) = next.and_then(|id| not_missed(&carried, id)) {
            landed = in_place_of(file, landed, missed);
        }
        changes.push(landed);
    }
    TextEdit::new(changes).ok()
}

/// Whether no comment belongs to an instruction.
fn is_bare(instruction: &Instruction, file: &Dockerfile) -> bool {
    let source = file.source();
    instruction.range.of(source).trim() == instruction.block(source).of(source).trim()
}

/// The block of the copy at `id` where the carried one, which lands in front of it, brings all that it brings.
fn not_missed(carried: &Carried<'_>, id: StepId) -> Option<TextRange> {
    let file = carried.build.inputs.file;
    let next = Carried::new(carried.build, id)?;
    let block = next.instruction.block(file.source());
    (is_bare(next.instruction, file) && covers(&next, carried.id)).then_some(block)
}

/// The same text, where a block that follows stands.
fn in_place_of(file: &Dockerfile, landed: Change, block: TextRange) -> Change {
    if landed.range.end != block.start {
        return landed;
    }
    let mut replacement = landed.replacement;
    if !block.of(file.source()).ends_with('\n') {
        replacement.truncate(replacement.trim_end_matches(['\r', '\n']).len());
    }
    Change { range: block, replacement }
}

/// The edit that moves instructions below another one, in their order.
pub(super) fn move_below(file: &Dockerfile, moved: &[&Instruction], below: &Instruction) -> Option<TextEdit> {
    let mut changes: Vec<Change> =
        moved.iter().map(|instruction| replace_block(file, instruction, String::new())).collect();
    let blocks: Vec<String> =
        moved.iter().map(|instruction| instruction.block(file.source()).of(file.source()).to_owned()).collect();
    changes.push(insert_below(file, below, moved.first()?, &blocks));
    TextEdit::new(changes).ok()
}

/// The edit that puts lines in front of an instruction and the comments that belong to it.
pub(super) fn insert_above(file: &Dockerfile, instruction: &Instruction, lines: &[String]) -> TextEdit {
    let text = lines_of(file, lines);
    TextEdit::insert(instruction.block(file.source()).start, text)
}

/// The edit that puts lines and then an instruction from further up in front of another one.
pub(super) fn move_above(
    file: &Dockerfile,
    moved: &Instruction,
    above: &Instruction,
    lines: &[String],
) -> Option<TextEdit> {
    let block = moved.block(file.source()).of(file.source());
    let newline = if block.ends_with('\n') { "" } else { file.newline() };
    let place = above.block(file.source()).start;
    let replacement = format!("{}{block}{newline}", lines_of(file, lines));
    TextEdit::new(vec![
        replace_block(file, moved, String::new()),
        Change { range: TextRange::empty(place), replacement },
    ])
    .ok()
}

pub(super) fn lines_of(file: &Dockerfile, lines: &[String]) -> String {
    lines.iter().fold(String::new(), |text, line| text + line + file.newline())
}

fn replace_block(file: &Dockerfile, instruction: &Instruction, replacement: String) -> Change {
    let block = instruction.block(file.source());
    let mut range = block;
    if replacement.is_empty() && is_after_blank_line(file, block.start) {
        // Two paragraphs meet: one blank line between them is enough.
        range.end += blank_line_at(file.source(), block.end);
    }
    Change { range, replacement }
}

/// Puts blocks below an instruction; `first` is the instruction of the first of them.
fn insert_below(file: &Dockerfile, below: &Instruction, first: &Instruction, blocks: &[String]) -> Change {
    let source = file.source();
    let newline = file.newline();
    let place = below.block(source).end;
    let mut text = String::new();
    let unfinished = !source[..place].ends_with('\n');
    if unfinished {
        text.push_str(newline);
    }
    if is_after_blank_line(file, first.block(source).start) {
        text.push_str(newline);
    }
    for block in blocks {
        text.push_str(block);
        if !block.ends_with('\n') {
            text.push_str(newline);
        }
    }
    if unfinished {
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
    }
    Change { range: TextRange::empty(place), replacement: text }
}

fn is_after_blank_line(file: &Dockerfile, offset: usize) -> bool {
    let before = &file.source()[..offset];
    let line = before.strip_suffix('\n').map(|rest| rest.rsplit('\n').next().unwrap_or_default());
    line.is_some_and(|line| line.trim().is_empty())
}

/// Length of the blank line that begins at `offset`; 0 where none does.
fn blank_line_at(source: &str, offset: usize) -> usize {
    let Some(end) = source[offset..].find('\n') else { return 0 };
    if source[offset..offset + end].trim().is_empty() { end + 1 } else { 0 }
}

/// `COPY` lines that bring what is needed to where the carried copy would have brought it, one line per directory, for a
/// place with this state; `None` where they would bring something else.
pub(super) fn manifest_lines(
    carried: &Carried<'_>,
    catalog: &Catalog,
    needed: &[Needed],
    state: &State,
) -> Option<Vec<String>> {
    if needed.is_empty() {
        return Some(Vec::new());
    }
    let written = restate::destination_text(carried, state)?;
    let mut files: BTreeMap<(&str, StagePath), Vec<&Needed>> = BTreeMap::new();
    let mut trees: Vec<&Needed> = Vec::new();
    for entry in needed {
        if entry.directory {
            trees.push(entry);
        } else {
            let (directory, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            if name != entry.place.name() {
                return None;
            }
            files.entry((directory, entry.place.parent())).or_default().push(entry);
        }
    }
    // The patterns of `--exclude` start from the copied directory: those of a part of it would be others.
    if !trees.is_empty() && carried.instruction.flag("exclude").is_some() {
        return None;
    }
    let mut lines = Vec::new();
    for ((_, place), mut group) in files {
        group.sort_by_key(|entry| (rank(catalog, &entry.path), entry.path.clone()));
        let paths: Vec<&str> = group.iter().map(|entry| entry.path.as_str()).collect();
        lines.push(copy_line(carried, &paths, &place, &written)?);
    }
    for tree in trees {
        lines.push(copy_line(carried, &[tree.path.as_str()], &tree.place, &written)?);
    }
    Some(lines)
}

/// Manifests first, then lock files, then the rest: as people write it.
fn rank(catalog: &Catalog, path: &str) -> usize {
    let name = path.rsplit('/').next().unwrap_or_default();
    if catalog.is_manifest(name) {
        0
    } else if catalog.is_lockfile(name) {
        1
    } else {
        2
    }
}

fn copy_line(carried: &Carried<'_>, paths: &[&str], directory: &StagePath, written: &str) -> Option<String> {
    let source = carried.build.inputs.file.source();
    let keyword =
        if carried.instruction.keyword_range.of(source).chars().all(char::is_lowercase) { "copy" } else { "COPY" };
    let (Body::Copy(arguments) | Body::Add(arguments)) = &carried.instruction.body else { return None };
    let destination = directory_text(carried, written, directory)?;
    let kept = ["chown", "chmod", "link"];
    let flags = carried.instruction.flags.iter().filter(|flag| kept.contains(&flag.name.to_ascii_lowercase().as_str()));
    let flags = flags.fold(String::new(), |text, flag| text + flag.range.of(source) + " ");
    let words: Vec<&str> = paths.iter().copied().chain([destination.as_str()]).collect();
    let plain = words.iter().all(|word| !word.contains([' ', '\t']));
    if !arguments.json && plain {
        return Some(format!("{keyword} {flags}{}", words.join(" ")));
    }
    let quoted: Vec<String> =
        words.iter().map(|word| format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    Some(format!("{keyword} {flags}[{}]", quoted.join(", ")))
}

/// A directory of the stage as the carried copy would write it: relative to its own destination where that is possible.
fn directory_text(carried: &Carried<'_>, written: &str, directory: &StagePath) -> Option<String> {
    let destination = carried.transfer.destination.as_ref()?;
    let rest = directory.below(destination)?;
    let written =
        if written.contains(['"', '\'', '\\', '`']) || written.is_empty() { destination.as_str() } else { written };
    if written.starts_with('?') {
        return None;
    }
    let start = match written.trim_end_matches('/') {
        "" if written.starts_with('/') => String::new(),
        "" | "." => ".".to_owned(),
        other => other.to_owned(),
    };
    Some(if rest.is_empty() { format!("{start}/") } else { format!("{start}/{rest}/") })
}
