//! Where a `COPY` or `ADD` puts things.

use crate::context::path;

/// The last word of a `COPY` or `ADD`, made absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Absolute and clean.
    pub path: String,
    /// Whether it is a directory before anything is copied, so that a file lands in it and not at it.
    pub is_directory: bool,
}

impl Destination {
    /// The destination that `word`, its variables expanded, means in a stage whose working directory is
    /// `working_directory`. It is a directory where it is written as one, and where the working directory shows it.
    pub fn new(word: &str, working_directory: &str) -> Self {
        let current = path::clean(working_directory);
        let path = if word.starts_with('/') { path::clean(word) } else { path::clean(&format!("{current}/{word}")) };
        let written = matches!(word, "" | ".") || word.ends_with('/') || word.ends_with("/.");
        let is_directory = written || path::below(&current, &path).is_some();
        Self { path: format!("/{path}"), is_directory }
    }

    /// The same place, known to be a directory in the stage.
    #[must_use]
    pub fn into_directory(mut self) -> Self {
        self.is_directory = true;
        self
    }

    /// The place of `rest` in it.
    pub(super) fn below(&self, rest: &str) -> String {
        format!("{}/{rest}", self.path.trim_end_matches('/'))
    }
}
