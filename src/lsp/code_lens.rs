//! Code lenses: the cache's verdict above each instruction, for editors without inlay hints.

use ls_types::{CodeLens, CodeLensParams, Command, Position, Range};

use super::request::Failure;
use super::verdict;
use super::world::World;

/// `textDocument/codeLens`.
pub(super) fn list(world: &World, params: &CodeLensParams) -> Result<Vec<CodeLens>, Failure> {
    let document = world.document(&params.text_document.uri)?;
    if !document.is_dockerfile || !world.settings.code_lens {
        return Ok(Vec::new());
    }
    let report = world.cache_report(document);
    let Some(report) = &*report else { return Ok(Vec::new()) };
    let lenses = verdict::steps(report).filter_map(|step| {
        let start = Position { line: step.line.saturating_sub(1) as u32, character: 0 };
        // A command without a name is text that nobody can click.
        let command = Command { title: verdict::short(step)?, ..Command::default() };
        Some(CodeLens { range: Range { start, end: start }, command: Some(command), data: None })
    });
    Ok(lenses.collect())
}
