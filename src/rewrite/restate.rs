//! A copy that means the same from another working directory: `COPY . app` below `WORKDIR app` is `COPY . .`.

use super::carried::Carried;
use crate::{
    model::{StagePath, State},
    syntax::{self, Body},
    text::TextRange,
};

/// Where the copy's words lead in a state; `None` where a variable in them is not known there.
pub(super) fn destination_in(carried: &Carried<'_>, state: &State) -> Option<StagePath> {
    let destination = written(carried)?;
    let escape = carried.build.inputs.file.escape();
    let expanded = syntax::expand(&destination.text, escape, &|name| state.lookup(name)).ok()?;
    expanded.unset.is_empty().then(|| state.directory.join(&expanded.text))
}

/// Whether the copy goes to the same place in a state as it stands.
pub(super) fn is_settled(carried: &Carried<'_>, state: &State) -> bool {
    destination_in(carried, state) == carried.transfer.destination
}

/// The copy's destination as it is to be written in a state, so that it is the same place; `None` where that cannot be
/// written.
pub(super) fn destination_text(carried: &Carried<'_>, state: &State) -> Option<String> {
    if is_settled(carried, state) {
        return Some(written(carried)?.text.clone());
    }
    let (Body::Copy(arguments) | Body::Add(arguments)) = &carried.instruction.body else { return None };
    let destination = carried.transfer.destination.as_ref()?;
    let placement = carried.transfer.placement.as_ref()?;
    let into_directory = placement.roots.iter().all(|root| root.directory || root.landing != *destination);
    if arguments.json || !into_directory {
        return None;
    }
    let text = match destination.below(&state.directory) {
        Some("") => ".".to_owned(),
        Some(rest) => format!("{rest}/"),
        // Only the base image knows where it is.
        None if destination.is_floating() => return None,
        None => format!("{}/", destination.as_str().trim_end_matches('/')),
    };
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-+@".contains(letter);
    text.chars().all(is_plain).then_some(text)
}

/// The text of the copy with its comments, for a place with this state.
pub(super) fn block_in(carried: &Carried<'_>, state: &State) -> Option<String> {
    let source = carried.build.inputs.file.source();
    let block = carried.instruction.block(source);
    let word = written(carried)?.range;
    if is_settled(carried, state) {
        return Some(block.of(source).to_owned());
    }
    let (before, after) = (TextRange::new(block.start, word.start), TextRange::new(word.end, block.end));
    Some(format!("{}{}{}", before.of(source), destination_text(carried, state)?, after.of(source)))
}

fn written<'a>(carried: &Carried<'a>) -> Option<&'a syntax::Word> {
    match &carried.instruction.body {
        Body::Copy(arguments) | Body::Add(arguments) => Some(&arguments.destination),
        _ => None,
    }
}
