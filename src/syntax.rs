//! Syntax: a Dockerfile as a lossless tree that keeps every byte and never fails.
//!
//! [`Dockerfile::parse`] follows the rules of `BuildKit`'s parser. What that parser rejects becomes a
//! [`SyntaxError`] beside the instructions that could be read, so the rest of a broken file is still useful.
//! Concatenating [`Dockerfile::tokens`] gives the source back byte for byte.

mod ast;

pub use ast::{
    ArgDeclaration, Body, Command, Comment, Directive, Dockerfile, Flag, From, Healthcheck, Heredoc, Instruction,
    Keyword, Pair, Source, SyntaxError, Token, TokenKind, Transfer, Word,
};
