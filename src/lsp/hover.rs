//! Hover: the manual page of a rule on its finding, the cache's verdict on an instruction.

use std::fmt::Write;

use ls_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind};

use super::documents::Document;
use super::request::Failure;
use super::verdict;
use super::world::World;
use crate::analysis::touched_files;
use crate::diagnostic::Diagnostic;
use crate::lint;
use crate::syntax::Dockerfile;
use crate::text::TextRange;

/// How many files are named.
const MOST_FILES: usize = 5;

/// `textDocument/hover`.
pub(super) fn hover(world: &World, params: &HoverParams) -> Result<Option<Hover>, Failure> {
    let place = &params.text_document_position_params;
    let document = world.document(&place.text_document.uri)?;
    if !document.is_dockerfile {
        return Ok(None);
    }
    let offset = document.lines.offset(&document.text, place.position, world.client.encoding);
    let mut parts = Vec::new();
    let mut range = None;
    if let Some((text, bytes)) = on_instruction(world, document, offset) {
        range = Some(bytes);
        parts.push(text);
    }
    if let Ok(checked) = &*world.checked(document) {
        let here =
            checked.diagnostics.iter().filter(|found| found.range.contains(offset) || found.range.start == offset);
        for diagnostic in here {
            range = Some(range.map_or(diagnostic.range, |range: TextRange| narrower(range, diagnostic.range)));
            parts.push(manual(diagnostic));
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    let kind = if world.client.markdown { MarkupKind::Markdown } else { MarkupKind::PlainText };
    Ok(Some(Hover {
        contents: HoverContents::Markup(MarkupContent { kind, value: parts.join("\n\n---\n\n") }),
        range: range.map(|bytes| document.lines.range(&document.text, bytes, world.client.encoding)),
    }))
}

fn narrower(one: TextRange, other: TextRange) -> TextRange {
    if other.len() < one.len() { other } else { one }
}

/// The verdict on the instruction whose name stands at `offset`.
fn on_instruction(world: &World, document: &Document, offset: usize) -> Option<(String, TextRange)> {
    let file = Dockerfile::parse(&document.text);
    let instructions = file.instructions();
    let found = instructions.iter().find(|instruction| instruction.keyword_range.contains(offset))?;
    let report = world.cache_report(document);
    let report = (*report).as_ref()?;
    let step = verdict::steps(report).find(|step| step.line == found.lines.0)?;
    let mut text = verdict::sentence(step, report)?;
    for reason in &step.reasons {
        let _ = write!(text, "\n- {reason}");
    }
    let opened = world.open(document)?;
    let touches = world.with_question(&opened, |question| {
        Some(touched_files(&opened.project, &document.text, question, found.lines.0))
    });
    let touches = touches.unwrap_or_default();
    if !touches.is_empty() {
        text.push_str("\n\nFiles that change most often:\n");
        for touch in touches.iter().take(MOST_FILES) {
            let commits = if touch.commits == 1 { "commit" } else { "commits" };
            let _ = writeln!(text, "- `{}` ({} {commits})", touch.path, touch.commits);
        }
        if touches.len() > MOST_FILES {
            let _ = writeln!(text, "- and {} more", touches.len() - MOST_FILES);
        }
    }
    Some((text, found.keyword_range))
}

/// The manual page of the rule, headed by the finding.
fn manual(diagnostic: &Diagnostic) -> String {
    let mut text = format!("**{}**: {}", diagnostic.rule, diagnostic.message);
    if let Some(fix) = &diagnostic.fix {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n\n{} ({}): {}", fix.title, fix.safety.name(), fix.argument);
    }
    if let Some(meta) = lint::find(diagnostic.rule) {
        text.push_str("\n\n");
        text.push_str(&meta.manual());
    }
    text
}
