//! Syntax: a Dockerfile as a lossless tree that keeps every byte and never fails.
//!
//! [`Dockerfile::parse`] follows the rules of `BuildKit`'s parser. What that parser rejects becomes a
//! [`SyntaxError`] beside the instructions that could be read, so the rest of a broken file is still useful.
//! Concatenating [`Dockerfile::tokens`] gives the source back byte for byte.

mod ast;
mod body;
mod command_line;
mod directives;
mod error;
mod expand;
mod flags;
mod head;
mod heredocs;
mod image;
mod instruction;
mod json;
mod lexer;
mod lines;
mod mount;
mod pattern;
mod reader;
mod script;
mod suggestion;
mod tokens;
mod words;

pub use ast::{
    ArgDeclaration, Body, Command, Comment, Directive, Dockerfile, Flag, From, Healthcheck, Heredoc, Instruction,
    Keyword, Pair, Source, Transfer, Word,
};
pub use error::{SyntaxError, SyntaxErrorKind};
pub use expand::{ExpandError, Expansion, expand, expand_heredoc, expand_words, variables};
pub use flags::{duration_in_nanoseconds, flag_names};
pub use image::ImageReference;
pub use mount::{Mount, MountKind, Sharing};
pub use tokens::{Token, TokenKind};
