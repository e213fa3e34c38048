//! Inlay hints: the cache's verdict after the first line of each instruction.

use ls_types::{InlayHint, InlayHintLabel, InlayHintParams, InlayHintTooltip, Position};

use super::request::Failure;
use super::verdict;
use super::world::World;

/// `textDocument/inlayHint`.
pub(super) fn list(world: &World, params: &InlayHintParams) -> Result<Vec<InlayHint>, Failure> {
    let document = world.document(&params.text_document.uri)?;
    if !document.is_dockerfile || !world.settings.inlay_hints {
        return Ok(Vec::new());
    }
    let report = world.cache_report(document);
    let Some(report) = &*report else { return Ok(Vec::new()) };
    let (first, last) = (params.range.start.line as usize, params.range.end.line as usize);
    let steps = verdict::steps(report).filter(|step| (first..=last).contains(&step.line.saturating_sub(1)));
    let hints = steps.filter_map(|step| {
        let end = Position { line: step.line.saturating_sub(1) as u32, character: u32::MAX };
        let end = document.lines.offset(&document.text, end, world.client.encoding);
        Some(InlayHint {
            position: document.lines.position(&document.text, end, world.client.encoding),
            label: InlayHintLabel::String(verdict::short(step)?),
            kind: None,
            text_edits: None,
            tooltip: verdict::sentence(step, report).map(InlayHintTooltip::String),
            padding_left: Some(true),
            padding_right: None,
            data: None,
        })
    });
    Ok(hints.collect())
}
