//! Builds that cannot be asked about: what `docker build` would refuse before its first step.

use crate::cache::{self, Builder};
use crate::context::IgnoreFile;
use crate::model::Build;
use crate::text::LineIndex;

/// Why there is no build to simulate or to plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The Dockerfile is broken.
    #[error("line {line}: {message}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// The first error, as a phrase.
        message: String,
    },
    /// The ignore file is broken.
    #[error("line {line} of `{path}`: {message}")]
    IgnoreFile {
        /// The file, relative to the root of the context.
        path: String,
        /// Line, from 1.
        line: usize,
        /// The first error, as a phrase.
        message: String,
    },
    /// The Dockerfile uses what the builder does not have.
    #[error("line {line}: {message}")]
    Unsupported {
        /// Line, from 1.
        line: usize,
        /// The first such thing, as a phrase.
        message: String,
    },
    /// There is no stage of that name.
    #[error("the file has no stage `{0}`")]
    NoTarget(String),
}

/// The index of the stage that is built: `target`, or the last.
///
/// # Errors
/// [`BuildError`] where the builder would refuse the file, the ignore file or the target.
pub(super) fn target(
    build: &Build<'_>,
    ignore: Option<&IgnoreFile>,
    target: Option<&str>,
    builder: Builder,
) -> Result<usize, BuildError> {
    let file = build.inputs.file;
    if let Some(error) = file.errors().first() {
        let line = LineIndex::new(file.source()).position(file.source(), error.range.start).line;
        return Err(BuildError::Syntax { line, message: error.message.clone() });
    }
    if let Some((file, error)) = ignore.and_then(|file| Some((file, file.errors.first()?))) {
        let path = file.path.clone();
        return Err(BuildError::IgnoreFile { path, line: error.line, message: error.message.clone() });
    }
    if let Some(found) = cache::unsupported(file, builder).first() {
        let line = file.instructions().get(found.instruction).map_or(0, |instruction| instruction.lines.0);
        return Err(BuildError::Unsupported { line, message: found.phrase(builder) });
    }
    build.target(target).ok_or_else(|| BuildError::NoTarget(target.unwrap_or_default().to_owned()))
}
