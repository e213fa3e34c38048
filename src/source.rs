//! Source: build contexts on disk, their git history, and files written whole.
//!
//! The layers before this one touch neither disk nor process; `tests/architecture.rs` holds them to it.
//! [`DiskContext`] serves a folder as a build context; its history comes from the `git` program, which is asked never to
//! fetch, to lock, or to run anything a repository brings along (but the filters of a commit that is checked out). [`atomic`] replaces files whole or not at all,
//! a [`TemporaryFolder`] is gone with its process.

pub mod atomic;
mod disk;
mod git;
mod temporary;

pub use disk::{DiskContext, ReadHistories};
pub use git::{Branch, GitError, NoHistory};
pub use temporary::TemporaryFolder;
