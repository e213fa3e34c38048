//! Document symbols: stages and what stands in them.

use ls_types::{
    DocumentSymbol, DocumentSymbolParams, DocumentSymbolResponse, Location, Range, SymbolInformation, SymbolKind,
};

use super::documents::Document;
use super::request::Failure;
use super::world::World;
use crate::syntax::{Body, Dockerfile, Instruction};
use crate::text::TextRange;

/// Characters of an instruction's text that are shown.
const WIDTH: usize = 80;

/// `textDocument/documentSymbol`.
pub(super) fn list(world: &World, params: &DocumentSymbolParams) -> Result<DocumentSymbolResponse, Failure> {
    let document = world.document(&params.text_document.uri)?;
    let outline = if document.is_dockerfile { outline(world, document) } else { Vec::new() };
    Ok(if world.client.nested_symbols {
        DocumentSymbolResponse::Nested(outline)
    } else {
        let mut flat = Vec::new();
        flatten(document, None, outline, &mut flat);
        DocumentSymbolResponse::Flat(flat)
    })
}

fn outline(world: &World, document: &Document) -> Vec<DocumentSymbol> {
    let file = Dockerfile::parse(&document.text);
    let range = |bytes: TextRange| document.lines.range(&document.text, bytes, world.client.encoding);
    let mut top: Vec<(DocumentSymbol, TextRange)> = Vec::new();
    for instruction in file.instructions() {
        let symbol = symbol(&file, instruction, &range);
        match (&instruction.body, top.last_mut()) {
            (Body::From(_), _) | (_, None) => top.push((symbol, instruction.range)),
            (_, Some((stage, bytes))) => {
                match &mut stage.children {
                    Some(children) => {
                        children.push(symbol);
                        *bytes = bytes.cover(instruction.range);
                        stage.range = range(*bytes);
                    }
                    // What stands before the first stage belongs to the file.
                    None => top.push((symbol, instruction.range)),
                }
            }
        }
    }
    top.into_iter().map(|(symbol, _)| symbol).collect()
}

#[allow(deprecated, reason = "a field of the protocol's type that has to be set")]
fn symbol(file: &Dockerfile, instruction: &Instruction, range: &dyn Fn(TextRange) -> Range) -> DocumentSymbol {
    let text = instruction.one_line(file.source(), WIDTH);
    let (name, detail, kind, selection, children) = match &instruction.body {
        Body::From(from) => match &from.alias {
            Some(alias) => {
                (alias.text.clone(), Some(from.image.text.clone()), SymbolKind::CLASS, alias.range, Some(Vec::new()))
            }
            None => (from.image.text.clone(), None, SymbolKind::CLASS, from.image.range, Some(Vec::new())),
        },
        Body::Arg(_) | Body::Env(_) => (text, None, SymbolKind::VARIABLE, instruction.keyword_range, None),
        _ => (text, None, SymbolKind::FUNCTION, instruction.keyword_range, None),
    };
    // Editors refuse symbols without a name.
    let name = if name.trim().is_empty() { "FROM".to_owned() } else { name };
    DocumentSymbol {
        name,
        detail,
        kind,
        tags: None,
        deprecated: None,
        range: range(instruction.range.cover(selection)),
        selection_range: range(selection),
        children,
    }
}

#[allow(deprecated, reason = "a field of the protocol's type that has to be set")]
fn flatten(
    document: &Document,
    container: Option<&str>,
    symbols: Vec<DocumentSymbol>,
    flat: &mut Vec<SymbolInformation>,
) {
    for symbol in symbols {
        flat.push(SymbolInformation {
            name: symbol.name.clone(),
            kind: symbol.kind,
            tags: None,
            deprecated: None,
            location: Location { uri: document.uri.clone(), range: symbol.range },
            container_name: container.map(str::to_owned),
        });
        flatten(document, Some(&symbol.name), symbol.children.unwrap_or_default(), flat);
    }
}
