//! Analysis: one file in, its findings out; the one way in which every front end has a file checked.

use std::path::{Path, PathBuf};

use crate::config::FileSettings;
use crate::diagnostic::{Diagnostic, FileEdit, Safety};
use crate::fix::{self, Outcome};
use crate::lint::{self, Subject};
use crate::syntax::Dockerfile;

/// A file to look at.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Where it stands, absolute; it need not exist.
    pub path: &'a Path,
    /// Its text.
    pub source: &'a str,
    /// What holds for it.
    pub settings: &'a FileSettings,
    /// New texts of files of the build context, which are not written yet.
    pub pending: &'a [FileEdit],
}

/// What is known of a file afterwards.
#[derive(Clone, Debug)]
pub struct Report {
    /// Findings, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks one file.
pub fn check(input: &Input<'_>) -> Report {
    let file = Dockerfile::parse(input.source);
    Report { diagnostics: lint::run(&Subject { file: &file }, &input.settings.selection) }
}

/// Checks one file and applies its fixes, in memory.
pub fn check_and_fix(input: &Input<'_>, wanted: Safety) -> Outcome {
    fix::fix(input.source, wanted, &|source, pending| check(&Input { source, pending, ..*input }).diagnostics)
}

/// The root of the file's build context: the one that the configuration names, else the folder of the file.
pub fn context_root(path: &Path, settings: &FileSettings) -> PathBuf {
    settings.context.clone().unwrap_or_else(|| path.parent().unwrap_or(path).to_owned())
}
