//! Edits of one or more files as one change that the editor shows, applies and takes back as a whole.

use std::collections::HashMap;
use std::path::Path;

use ls_types::{
    AnnotatedTextEdit, ChangeAnnotation, CreateFile, CreateFileOptions, DocumentChangeOperation, DocumentChanges,
    OneOf, OptionalVersionedTextDocumentIdentifier, Position, ResourceOp, TextDocumentEdit, TextEdit, Uri,
    WorkspaceEdit,
};

use super::documents::Document;
use super::encoding::{Encoding, Lines};
use super::world::World;
use crate::diagnostic::FileEdit;
use crate::text::{self, TextRange};

/// The name of the one annotation of an edit.
const ANNOTATION: &str = "layerwise";

/// What the user is told about an edit before it is applied.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    /// What it does.
    pub(super) label: String,
    /// Why.
    pub(super) description: String,
    /// Whether to ask first.
    pub(super) asks: bool,
}

/// Collects the changes of one edit.
pub(super) struct EditBuilder<'w> {
    world: &'w World,
    notice: Option<Notice>,
    files: Vec<Changed>,
}

struct Changed {
    uri: Uri,
    version: Option<i32>,
    creates: bool,
    edits: Vec<TextEdit>,
}

impl<'w> EditBuilder<'w> {
    pub(super) fn new(world: &'w World, notice: Option<Notice>) -> Self {
        Self { world, notice, files: Vec::new() }
    }

    /// Changes an open document.
    pub(super) fn document(&mut self, document: &Document, edit: &text::TextEdit) {
        let encoding = self.world.client.encoding;
        let edits = edit.changes().iter().map(|change| TextEdit {
            range: document.lines.range(&document.text, change.range, encoding),
            new_text: change.replacement.clone(),
        });
        let edits: Vec<TextEdit> = edits.collect();
        if !edits.is_empty() {
            let version = Some(document.version);
            self.files.push(Changed { uri: document.uri.clone(), version, creates: false, edits });
        }
    }

    /// Gives an open document another text.
    pub(super) fn rewrite(&mut self, document: &Document, text: &str) {
        let edit = difference(&document.text, text);
        self.document(document, &edit);
    }

    /// Gives files of a build context other texts. `None` where that cannot be said in an edit.
    pub(super) fn files(&mut self, root: Option<&Path>, files: &[FileEdit]) -> Option<()> {
        for file in files {
            let path = crate::config::normalize(&root?.join(&file.path));
            if let Some(document) = self.world.open_at(&path) {
                self.rewrite(document, &file.text);
                continue;
            }
            let before = match std::fs::read(&path) {
                Ok(bytes) => Some(String::from_utf8(bytes).ok()?),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(_) => return None,
            };
            let uri = Uri::from_file_path(&path)?;
            let text = before.as_deref().unwrap_or_default();
            let edits = text_edits(text, &file.text, self.world.client.encoding);
            if !edits.is_empty() || before.is_none() {
                self.files.push(Changed { uri, version: None, creates: before.is_none(), edits });
            }
        }
        Some(())
    }

    /// The edit; `None` where it changes nothing or the client cannot apply it whole.
    pub(super) fn finish(self) -> Option<WorkspaceEdit> {
        let client = &self.world.client;
        if self.files.is_empty() || self.files.iter().any(|file| file.creates && !client.creates_files) {
            return None;
        }
        if !client.document_changes {
            if self.files.iter().any(|file| file.creates) {
                return None;
            }
            let changes: HashMap<Uri, Vec<TextEdit>> =
                self.files.into_iter().map(|file| (file.uri, file.edits)).collect();
            return Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() });
        }
        let notice = self.notice.filter(|_| client.annotations);
        // What makes the other files right comes first: the ignore file alone leaves the image as it is.
        let operations = self.files.into_iter().rev().flat_map(|file| operations(file, notice.is_some()));
        let operations: Vec<DocumentChangeOperation> = operations.collect();
        let annotation = notice.map(|notice| ChangeAnnotation {
            label: notice.label,
            needs_confirmation: Some(notice.asks),
            description: Some(notice.description),
        });
        Some(WorkspaceEdit {
            document_changes: Some(DocumentChanges::Operations(operations)),
            change_annotations: annotation.map(|annotation| HashMap::from([(ANNOTATION.to_owned(), annotation)])),
            ..WorkspaceEdit::default()
        })
    }
}

fn operations(file: Changed, annotated: bool) -> Vec<DocumentChangeOperation> {
    let mut operations = Vec::new();
    let annotation = || annotated.then(|| ANNOTATION.to_owned());
    if file.creates {
        let options = CreateFileOptions { overwrite: Some(false), ignore_if_exists: Some(false) };
        operations.push(DocumentChangeOperation::Op(ResourceOp::Create(CreateFile {
            uri: file.uri.clone(),
            options: Some(options),
            annotation_id: annotation(),
        })));
    }
    let edits = file.edits.into_iter().map(|text_edit| match annotation() {
        Some(annotation_id) => OneOf::Right(AnnotatedTextEdit { text_edit, annotation_id }),
        None => OneOf::Left(text_edit),
    });
    operations.push(DocumentChangeOperation::Edit(TextDocumentEdit {
        text_document: OptionalVersionedTextDocumentIdentifier { uri: file.uri, version: file.version },
        edits: edits.collect(),
    }));
    operations
}

fn text_edits(before: &str, after: &str, encoding: Encoding) -> Vec<TextEdit> {
    if before.is_empty() {
        let start = Position::default();
        let range = ls_types::Range { start, end: start };
        return if after.is_empty() { Vec::new() } else { vec![TextEdit { range, new_text: after.to_owned() }] };
    }
    let lines = Lines::new(before);
    let edit = difference(before, after);
    let edits = edit.changes().iter().map(|change| TextEdit {
        range: lines.range(before, change.range, encoding),
        new_text: change.replacement.clone(),
    });
    edits.collect()
}

/// The lines in which two texts differ, so that the rest keeps its marks and its cursor.
fn difference(before: &str, after: &str) -> text::TextEdit {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let starts: Vec<usize> = std::iter::once(0)
        .chain(old.iter().scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        }))
        .collect();
    let changes =
        similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new).into_iter().filter_map(|operation| {
            if operation.tag() == similar::DiffTag::Equal {
                return None;
            }
            let (lines, replacement) = (operation.old_range(), new.get(operation.new_range())?.concat());
            let range = TextRange::new(*starts.get(lines.start)?, *starts.get(lines.end)?);
            Some(text::Change { range, replacement })
        });
    // Line ranges of one difference never overlap.
    text::TextEdit::new(changes.collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_difference_leads_from_one_text_to_the_other(before in "[ab\r\n]{0,30}", after in "[ab\r\n]{0,30}") {
            proptest::prop_assert_eq!(difference(&before, &after).apply(&before), after);
        }
    }
}
