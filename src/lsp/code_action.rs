//! Code actions: mend a finding, silence it, mend all that is safe, reorder the file.

use ls_types::{CodeAction, CodeActionKind, CodeActionParams, CodeActionTriggerKind, Position, Range, WorkspaceEdit};

use super::diagnostics;
use super::documents::Document;
use super::request::Failure;
use super::suppress;
use super::workspace_edit::{EditBuilder, Notice};
use super::world::{Checked, World};
use crate::analysis::Planned;
use crate::diagnostic::{Diagnostic, FileEdit, Fix, Safety};
use crate::syntax::Dockerfile;
use crate::text::TextRange;

/// The kind of the action that applies all safe fixes.
pub(super) const FIX_ALL: &str = "source.fixAll.layerwise";

/// `textDocument/codeAction`.
pub(super) fn list(world: &World, params: &CodeActionParams) -> Result<Vec<CodeAction>, Failure> {
    let document = world.document(&params.text_document.uri)?;
    if !document.is_dockerfile || !world.client.action_literals {
        return Ok(Vec::new());
    }
    let wants = |kind: &str| {
        let within = |only: &CodeActionKind| kind == only.as_str() || kind.starts_with(&format!("{}.", only.as_str()));
        params.context.only.as_ref().is_none_or(|only| only.iter().any(within))
    };
    let mut actions = Vec::new();
    if wants(CodeActionKind::QUICKFIX.as_str()) {
        // By whole lines: the cursor need not stand on the very words.
        let (start, end) =
            (Position { character: 0, ..params.range.start }, Position { character: u32::MAX, ..params.range.end });
        let range = document.lines.bytes(&document.text, Range { start, end }, world.client.encoding);
        if let Ok(checked) = &*world.checked(document) {
            actions.extend(quick_fixes(world, document, checked, range));
        }
    }
    // What concerns the whole file takes its time: none of it where an editor only wants to know whether to show a light
    // bulb.
    let asked = params.context.only.is_some() || params.context.trigger_kind != Some(CodeActionTriggerKind::AUTOMATIC);
    if asked && wants(FIX_ALL) {
        actions.extend(fix_all(world, document)?);
    }
    if asked && wants(CodeActionKind::REFACTOR_REWRITE.as_str()) {
        actions.extend(reorder(world, document)?);
    }
    Ok(actions)
}

fn quick_fixes(world: &World, document: &Document, checked: &Checked, range: TextRange) -> Vec<CodeAction> {
    let touches = |other: TextRange| other.start <= range.end && range.start <= other.end;
    // A fix is at hand in the places that explain the finding too.
    let explains = |found: &Diagnostic| found.related.iter().any(|label| touches(label.range));
    let found = checked.diagnostics.iter().filter(|found| touches(found.range) || explains(found));
    let found: Vec<&Diagnostic> = found.collect();
    let file = Dockerfile::parse(&document.text);
    let fixes = found.iter().filter_map(|diagnostic| {
        let fix = diagnostic.fix.as_ref().filter(|fix| fix.safety > Safety::Manual)?;
        let edit = edit_of(world, document, checked, fix)?;
        Some(quick_fix(world, document, diagnostic, title_of(fix), edit, fix.safety == Safety::Safe))
    });
    let silences = found.iter().filter(|found| touches(found.range)).filter_map(|diagnostic| {
        let mut builder = EditBuilder::new(world, None);
        builder.document(document, &suppress::edit(&file, diagnostic)?);
        let title = format!("Ignore `{}` here, with a reason", diagnostic.rule);
        Some(quick_fix(world, document, diagnostic, title, builder.finish()?, false))
    });
    fixes.chain(silences).collect()
}

fn quick_fix(
    world: &World,
    document: &Document,
    diagnostic: &Diagnostic,
    title: String,
    edit: WorkspaceEdit,
    preferred: bool,
) -> CodeAction {
    CodeAction {
        title,
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![diagnostics::shown(world, document, diagnostic)]),
        edit: Some(edit),
        is_preferred: Some(preferred),
        ..CodeAction::default()
    }
}

fn title_of(fix: &Fix) -> String {
    match fix.safety {
        Safety::Safe => fix.title.clone(),
        Safety::Unsafe | Safety::Manual => format!("{} (unsafe: may change the image)", fix.title),
    }
}

fn edit_of(world: &World, document: &Document, checked: &Checked, fix: &Fix) -> Option<WorkspaceEdit> {
    let notice = Notice { label: title_of(fix), description: fix.argument.clone(), asks: fix.safety != Safety::Safe };
    let mut builder = EditBuilder::new(world, Some(notice));
    builder.document(document, &fix.edit);
    builder.files(checked.context.as_deref(), &fix.files)?;
    builder.finish()
}

fn fix_all(world: &World, document: &Document) -> Result<Option<CodeAction>, Failure> {
    let fixed = world.fixed(document);
    let fixed = (*fixed).as_ref().map_err(|reason| Failure::refused(reason))?;
    if !fixed.outcome.changes() {
        return Ok(None);
    }
    let titles: Vec<&str> = fixed.outcome.applied.iter().map(|applied| applied.title.as_str()).collect();
    let title = "Apply all safe fixes of layerwise".to_owned();
    let notice = Notice { label: title.clone(), description: titles.join("; "), asks: false };
    let mut builder = EditBuilder::new(world, Some(notice));
    builder.rewrite(document, &fixed.outcome.text);
    let whole = builder.files(fixed.context.as_deref(), &fixed.outcome.files);
    let edit = whole.and_then(|()| builder.finish());
    Ok(edit.map(|edit| CodeAction {
        title,
        kind: Some(CodeActionKind::from(FIX_ALL)),
        edit: Some(edit),
        ..CodeAction::default()
    }))
}

fn reorder(world: &World, document: &Document) -> Result<Option<CodeAction>, Failure> {
    let planned = world.plan(document)?;
    Ok((*planned).as_ref().and_then(|planned| reordering(world, document, planned)))
}

/// A plan as one edit of all files that it changes.
fn reordering(world: &World, document: &Document, planned: &Planned) -> Option<CodeAction> {
    let Planned { plan, .. } = planned;
    if !plan.changes() {
        return None;
    }
    let opened = world.open(document)?;
    let before = opened.project.ignore.as_ref();
    let ignore = plan.draft.ignore.as_ref().filter(|text| before != Some(*text));
    let files = ignore.map(|text| FileEdit { path: plan.draft.ignore_path.clone(), text: text.clone() });
    let title = format!(
        "Reorder for the build cache ({:.0} s → {:.0} s per change, as expected)",
        plan.before.mean, plan.after.mean
    );
    let moves: Vec<String> =
        plan.applied.iter().map(|applied| format!("{}, because {}", applied.title, applied.argument)).collect();
    let notice = Notice { label: "Reorder for the build cache".to_owned(), description: moves.join("; "), asks: true };
    let mut builder = EditBuilder::new(world, Some(notice));
    builder.rewrite(document, &plan.draft.dockerfile);
    builder.files(Some(opened.project.disk.root()), files.as_slice())?;
    Some(CodeAction {
        title,
        kind: Some(CodeActionKind::REFACTOR_REWRITE),
        edit: Some(builder.finish()?),
        ..CodeAction::default()
    })
}
