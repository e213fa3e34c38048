//! Context: the build context as the builder sees it.
//!
//! Nothing here touches a disk: files, their digests' ingredients and the history enter through [`Context`], which the
//! command line serves from a folder and git, an editor from its buffers, a test from memory. Paths are relative to the
//! root of the context, parts joined by `/`, the root itself the empty string.

mod copy;
mod digest;
mod filtered;
mod glob;
mod go_match;
mod ignore;
mod interface;
mod memory;
pub mod path;

pub use copy::{Destination, Kinds, Root, Selected, Selector};
pub use digest::{Digest, digest};
pub use filtered::{Filtered, Walk};
pub use go_match::BadPattern;
pub use ignore::{IgnoreError, IgnoreFile, IgnorePattern};
pub use interface::{Commit, Context, Entry, EntryKind, History, ReadError};
pub use memory::MemoryContext;
