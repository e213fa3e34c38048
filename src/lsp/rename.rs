//! Rename: a stage or a variable, everywhere in the file or not at all.
//!
//! A variable is part of what the outside sees (`--build-arg`, the environment of the container); that it changes is what
//! the user asks for. A script that may use it in a way that is not understood is a reason to refuse.

use ls_types::{PrepareRenameResponse, RenameParams, TextDocumentPositionParams, WorkspaceEdit};

use super::documents::Document;
use super::names::{Name, Names, Occurrence};
use super::navigation::named;
use super::request::Failure;
use super::workspace_edit::EditBuilder;
use super::world::World;
use crate::syntax::Dockerfile;
use crate::text::{Change, TextEdit};

/// `textDocument/prepareRename`.
pub(super) fn prepare(
    world: &World,
    params: &TextDocumentPositionParams,
) -> Result<Option<PrepareRenameResponse>, Failure> {
    let document = world.document(&params.text_document.uri)?;
    let Some((names, found)) = named(world, document, params) else { return Ok(None) };
    refuse_unclear(document, &names, &found)?;
    let range = document.lines.range(&document.text, found.range, world.client.encoding);
    Ok(is_written(document, &found).then_some(PrepareRenameResponse::Range(range)))
}

/// `textDocument/rename`.
pub(super) fn rename(world: &World, params: &RenameParams) -> Result<Option<WorkspaceEdit>, Failure> {
    let document = world.document(&params.text_document_position.text_document.uri)?;
    let Some((names, found)) = named(world, document, &params.text_document_position) else { return Ok(None) };
    let new = params.new_name.trim();
    check_name(document, &names, &found, new)?;
    refuse_unclear(document, &names, &found)?;
    let places = names.of(&found.name).filter(|place| is_written(document, place));
    let changes = places.map(|place| Change { range: place.range, replacement: new.to_owned() }).collect();
    let edit = TextEdit::new(changes).map_err(|error| Failure::refused(&error.to_string()))?;
    let errors = |text: &str| Dockerfile::parse(text).errors().len();
    if errors(&edit.apply(&document.text)) > errors(&document.text) {
        return Err(Failure::refused(&format!("the file would be broken with `{new}`")));
    }
    let mut builder = EditBuilder::new(world, None);
    builder.document(document, &edit);
    Ok(builder.finish())
}

/// Whether the place has the name, not a stage's number.
fn is_written(document: &Document, place: &Occurrence) -> bool {
    place.range.of(&document.text).parse::<usize>().is_err()
}

fn check_name(document: &Document, names: &Names, found: &Occurrence, new: &str) -> Result<(), Failure> {
    let rest = |extra: &[char]| {
        new.chars().skip(1).all(|character| character.is_ascii_alphanumeric() || extra.contains(&character))
    };
    let first = new.chars().next().unwrap_or(' ');
    let valid = match found.name {
        Name::Stage(_) => first.is_ascii_alphabetic() && rest(&['-', '_', '.']),
        Name::Variable(..) => (first.is_ascii_alphabetic() || first == '_') && rest(&['_']),
    };
    if !valid {
        return Err(Failure::params(&format!("`{new}` cannot be a name here")));
    }
    // A word that stands anywhere else in the file may come to mean this name.
    let in_name = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    let mut words = document.text.split(|character: char| !in_name(character));
    let taken = match found.name {
        Name::Stage(_) => words.any(|word| word.eq_ignore_ascii_case(new) && !is_own_name(names, found, word)),
        Name::Variable(..) => document
            .text
            .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .any(|word| word == new && !is_own_name(names, found, word)),
    };
    if taken {
        return Err(Failure::refused(&format!("`{new}` stands in the file already")));
    }
    Ok(())
}

/// A stage may change the case of its own name.
fn is_own_name(names: &Names, found: &Occurrence, word: &str) -> bool {
    match &found.name {
        Name::Stage(index) => {
            let own = names.stages.get(*index).and_then(Option::as_deref);
            own.is_some_and(|own| own.eq_ignore_ascii_case(word))
        }
        Name::Variable(name, _) => name == word,
    }
}

fn refuse_unclear(document: &Document, names: &Names, found: &Occurrence) -> Result<(), Failure> {
    let Some((_, range)) = names.unclear.iter().find(|(name, _)| *name == found.name) else { return Ok(()) };
    let line = document.text.get(..range.start).unwrap_or_default().matches('\n').count() + 1;
    let word = range.of(&document.text);
    Err(Failure::refused(&format!("line {line} uses `{word}` in a way that a rename cannot follow")))
}
