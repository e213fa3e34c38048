//! Where a command runs: what the closure of a command depends on beyond its words.

use super::ProjectFiles;

/// The surroundings of one command.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    /// The directory of the context that the command's working directory was filled from; `None` where there is none.
    pub directory: Option<&'a str>,
    /// The files of the context.
    pub files: &'a dyn ProjectFiles,
    /// Values of variables where the command runs.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The path in the context that a path in the command's words was filled from; `None` where there is none.
    pub resolve: &'a dyn Fn(&str) -> Option<String>,
}
