//! Copy: what `COPY` and `ADD` put into a layer.
//!
//! A *source tree* is the build context or what a stage or image holds. A *selection* is what a source word takes of it:
//! *roots*, and the items below each. The *target* is a new layer on top of others: looked up through all of them, written
//! to the new one only, so no mount is needed and nothing outside can be reached, whatever links say. After `BuildKit`'s
//! `solver/llbsolver/file/backend.go` and fsutil's `copy.go`.

pub(crate) mod archive;
mod attributes;
mod place;
mod selection;
mod target;
mod upper;

pub use attributes::{BadMode, ModeChange};
pub use place::{Placement, Placer};
pub use selection::{Item, Selection};
pub use target::{Found, Target};

pub(crate) use selection::add;

use std::io;

/// Why something cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A source that takes nothing.
    #[error("`{path}` does not exist in {place}")]
    Missing {
        /// As written.
        path: String,
        /// The build context, a stage or an image.
        place: String,
    },
    /// A file or link where a directory must be.
    #[error("cannot copy a directory to `/{0}`, which is none")]
    NoDirectory(String),
    /// A directory where a file would go.
    #[error("cannot put a file in the place of the directory `/{0}`")]
    Directory(String),
    /// A file that was written to while it was copied.
    #[error("`{0}` changed while it was copied; build again once nothing writes to it")]
    Changed(String),
    /// What the system refuses.
    #[error("{action} `{path}`: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// An error of the system with what was tried.
fn failed(action: &'static str, path: &str) -> impl FnOnce(rustix::io::Errno) -> CopyError {
    let path = path.to_owned();
    move |errno| CopyError::Io { action, path, source: errno.into() }
}

fn io_failed(action: &'static str, path: &str) -> impl FnOnce(io::Error) -> CopyError {
    let path = path.to_owned();
    move |source| CopyError::Io { action, path, source }
}

/// A folder of ours as a source.
pub(crate) fn opened(folder: &std::path::Path) -> Result<super::tree::Tree, CopyError> {
    super::tree::Tree::plain(folder).map_err(io_failed("cannot open", &folder.display().to_string()))
}

#[cfg(test)]
mod tests;
