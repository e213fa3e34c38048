//! From a name to where it is declared, and to everything that uses it.

use ls_types::{GotoDefinitionParams, GotoDefinitionResponse, Location, ReferenceParams, TextDocumentPositionParams};

use super::documents::Document;
use super::names::{Names, Occurrence};
use super::request::Failure;
use super::world::World;
use crate::syntax::Dockerfile;

/// `textDocument/definition`.
pub(super) fn definition(
    world: &World,
    params: &GotoDefinitionParams,
) -> Result<Option<GotoDefinitionResponse>, Failure> {
    let document = world.document(&params.text_document_position_params.text_document.uri)?;
    let Some((names, found)) = named(world, document, &params.text_document_position_params) else { return Ok(None) };
    let declared = names.declaration(&found);
    Ok(declared.map(|declared| GotoDefinitionResponse::Scalar(location(world, document, declared))))
}

/// `textDocument/references`.
pub(super) fn references(world: &World, params: &ReferenceParams) -> Result<Option<Vec<Location>>, Failure> {
    let document = world.document(&params.text_document_position.text_document.uri)?;
    let Some((names, found)) = named(world, document, &params.text_document_position) else { return Ok(None) };
    let all = names.of(&found.name).filter(|other| params.context.include_declaration || !other.declares);
    Ok(Some(all.map(|other| location(world, document, other)).collect()))
}

/// What is named at a position, and all names of the document.
pub(super) fn named(
    world: &World,
    document: &Document,
    place: &TextDocumentPositionParams,
) -> Option<(Names, Occurrence)> {
    if !document.is_dockerfile {
        return None;
    }
    let offset = document.lines.offset(&document.text, place.position, world.client.encoding);
    let names = Names::read(&Dockerfile::parse(&document.text));
    let found = names.at(offset)?.clone();
    Some((names, found))
}

fn location(world: &World, document: &Document, occurrence: &Occurrence) -> Location {
    let range = document.lines.range(&document.text, occurrence.range, world.client.encoding);
    Location { uri: document.uri.clone(), range }
}
