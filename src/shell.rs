//! Shell: the script of a `RUN` as the simple commands it may execute, each with its place in the source.
//!
//! A simple command is a program with its words: `npm ci --omit=dev`. Lists, pipelines, subshells, loops and conditions
//! are walked into; [`Guard`] says under which of them a command stands. What cannot be read is an [`Unreadable`], which a
//! reader of the script must take as able to read and write everything.

mod script;

pub use script::{
    Assignment, Directory, Guard, Part, Redirect, RedirectKind, Script, ShellWord, SimpleCommand, Unreadable,
};
