//! Open documents: texts as the editor has them, saved or not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ls_types::{TextDocumentContentChangeEvent, TextDocumentItem, Uri};

use super::encoding::{Encoding, Lines};
use crate::config::{is_about_dockerfiles, is_dockerfile_name};

/// A text that is open in the editor.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// Its name in the protocol.
    pub(super) uri: Uri,
    /// Where it stands on disk; `None` for one that was never saved.
    pub(super) path: Option<PathBuf>,
    /// The editor's number of this text.
    pub(super) version: i32,
    /// The text.
    pub(super) text: String,
    /// Its lines.
    pub(super) lines: Lines,
    /// Whether it is a Dockerfile; others are only inputs of the checks of those.
    pub(super) is_dockerfile: bool,
}

impl Document {
    /// A document that was just opened.
    pub(super) fn new(item: TextDocumentItem) -> Self {
        let path = path_of(&item.uri);
        let is_dockerfile = is_dockerfile(&item.language_id, path.as_deref());
        let lines = Lines::new(&item.text);
        Self { uri: item.uri, path, version: item.version, text: item.text, lines, is_dockerfile }
    }

    /// The document after the editor's changes, each of which goes by the text that the one before it left.
    pub(super) fn changed(
        &self,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Self {
        let mut next = Self { version, ..self.clone() };
        for change in changes {
            match change.range {
                None => next.text = change.text,
                Some(range) => {
                    let bytes = next.lines.bytes(&next.text, range, encoding);
                    next.text.replace_range(bytes.start..bytes.end, &change.text);
                }
            }
            next.lines = Lines::new(&next.text);
        }
        next
    }
}

/// Open documents by their name.
pub(super) type Documents = BTreeMap<String, Arc<Document>>;

/// The path of a `file:` name.
pub(super) fn path_of(uri: &Uri) -> Option<PathBuf> {
    let is_file = uri.scheme().as_str().eq_ignore_ascii_case("file");
    let path = is_file.then(|| uri.to_file_path()).flatten()?.into_owned();
    path.is_absolute().then_some(path)
}

/// Whether the editor calls it a Dockerfile, or its name does. Editors go by beginnings of names, so that they also call
/// templates and documents so.
fn is_dockerfile(language: &str, path: Option<&Path>) -> bool {
    let name = path.and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let is_called = ["dockerfile", "docker", "containerfile"].iter().any(|word| language.eq_ignore_ascii_case(word));
    is_dockerfile_name(&name) || is_called && !is_about_dockerfiles(&name)
}
