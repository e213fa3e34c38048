//! Ecosystems: what package managers and other known programs read and write, as data.
//!
//! A *pack* is one TOML file of `rules/ecosystems/`: the commands it knows, the files such a command reads (its read
//! closure), what it writes, which flags make it reproducible, and what makes a claim about it impossible. [`Catalog`]
//! recognizes a command; the closure is computed from the real project through [`ProjectFiles`]. No code here knows the
//! name of a package manager.

mod interface;

pub use interface::{Closure, Effect, Missing, PathKind, ProjectFiles, Read, Refusal, Write, WriteKind};
