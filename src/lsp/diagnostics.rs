//! Findings, sent unasked or on request.

use ls_types::{
    CodeDescription, Diagnostic as Shown, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag,
    DocumentDiagnosticParams, DocumentDiagnosticReport, FullDocumentDiagnosticReport, Location, NumberOrString,
    PublishDiagnosticsParams, RelatedFullDocumentDiagnosticReport, Uri,
};
use serde_json::json;

use super::documents::Document;
use super::request::Failure;
use super::world::World;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::{self, builtin};

/// The source that editors show beside a finding.
pub(super) const SOURCE: &str = "layerwise";

/// The findings of a document, as the protocol has them. A document that cannot be checked has none.
pub(super) fn of(world: &World, document: &Document) -> Vec<Shown> {
    if !world.settings.enable || !document.is_dockerfile {
        return Vec::new();
    }
    match &*world.checked(document) {
        Ok(checked) => checked.diagnostics.iter().map(|diagnostic| shown(world, document, diagnostic)).collect(),
        Err(_) => Vec::new(),
    }
}

/// What is sent unasked.
pub(super) fn published(world: &World, document: &Document) -> PublishDiagnosticsParams {
    PublishDiagnosticsParams {
        uri: document.uri.clone(),
        diagnostics: of(world, document),
        version: Some(document.version),
    }
}

/// `textDocument/diagnostic`.
pub(super) fn pull(world: &World, params: &DocumentDiagnosticParams) -> Result<DocumentDiagnosticReport, Failure> {
    let document = world.document(&params.text_document.uri)?;
    let full_document_diagnostic_report = FullDocumentDiagnosticReport { result_id: None, items: of(world, document) };
    let report = RelatedFullDocumentDiagnosticReport { related_documents: None, full_document_diagnostic_report };
    Ok(DocumentDiagnosticReport::Full(report))
}

/// One finding, with as much as the client can show.
pub(super) fn shown(world: &World, document: &Document, diagnostic: &Diagnostic) -> Shown {
    let client = &world.client;
    let range = |bytes| document.lines.range(&document.text, bytes, client.encoding);
    let mut message = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    let related = diagnostic.related.iter().map(|label| DiagnosticRelatedInformation {
        location: Location { uri: document.uri.clone(), range: range(label.range) },
        message: label.message.clone(),
    });
    let related: Vec<_> = related.collect();
    Shown {
        range: range(diagnostic.range),
        severity: Some(match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
            Severity::Info => DiagnosticSeverity::INFORMATION,
        }),
        code: Some(NumberOrString::String(diagnostic.rule.to_owned())),
        code_description: page(diagnostic.rule)
            .filter(|_| client.code_description)
            .map(|href| CodeDescription { href }),
        source: Some(SOURCE.to_owned()),
        message,
        related_information: (client.related && !related.is_empty()).then_some(related),
        tags: tags(diagnostic.rule).filter(|_| client.tags),
        data: Some(json!({
            "rule": diagnostic.rule,
            "fix": diagnostic.fix.as_ref().map(|fix| fix.safety.name()),
            "cost": diagnostic.cost.map(|cost| json!({ "rate": cost.rate, "seconds": cost.seconds })),
        })),
    }
}

/// The address of a rule's manual page, where the program knows one.
fn page(rule: &str) -> Option<Uri> {
    lint::find(rule)?.url().parse().ok()
}

/// How editors shade what a rule finds: comments that do nothing fade.
fn tags(rule: &str) -> Option<Vec<DiagnosticTag>> {
    (rule == builtin::UnknownSuppression::META.name).then(|| vec![DiagnosticTag::UNNECESSARY])
}
