//! Shell: the script of a `RUN` as the simple commands it may execute, each with its place in the source.
//!
//! A simple command is a program with its words: `npm ci --omit=dev`. Lists, pipelines, subshells, loops and conditions
//! are walked into; [`Guard`] says under which of them a command stands. What cannot be read is an [`Unreadable`], which a
//! reader of the script must take as able to read and write everything.
//!
//! A script goes through `lexer` (tokens), `grammar` (a syntax tree, by `brush-parser`), `walk` (control flow) and
//! `simple` (words, prefixes, inner scripts).

mod builtin;
mod compound;
mod conditional;
mod expansion;
mod extent;
mod flow;
mod grammar;
mod inner;
mod lexer;
mod nested;
mod prefix;
mod script;
mod sequence;
mod simple;
mod state;
mod walk;
mod word;

pub use flow::asks_the_shell;
pub use script::{
    Assignment, Directory, Guard, Part, Redirect, RedirectKind, Script, ShellWord, SimpleCommand, Unreadable,
    matches_files,
};
pub use sequence::{Element, Form, Join, sequence};

use crate::text::{LogicalText, TextRange};

/// The longest script that is read, in bytes.
const LONGEST_SCRIPT: usize = 1 << 20;

/// Options that the shell is started with, as `SHELL ["/bin/bash", "-eo", "pipefail", "-c"]` does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShellOptions {
    /// `-e`: a failing command ends the script.
    pub errexit: bool,
    /// `-o pipefail`: a pipeline fails with any of its commands.
    pub pipefail: bool,
}

/// Reads a script that a POSIX shell or bash runs without options. All ranges are ranges of the source.
pub fn read(text: &LogicalText) -> Script {
    read_with(text, ShellOptions::default())
}

/// Reads a script that a POSIX shell or bash runs with options. All ranges are ranges of the source.
pub fn read_with(text: &LogicalText, options: ShellOptions) -> Script {
    read_among(text, options, &|_, _| None)
}

/// What the shell puts in the place of a word with a pattern, where the files are known: the word, and the directory in
/// which it is looked for. `None` where they are not.
pub type Listing<'a> = dyn Fn(&ShellWord, &Directory) -> Option<Vec<String>> + 'a;

/// As [`read_with`], where it is known which files loops go through.
pub fn read_among(text: &LogicalText, options: ShellOptions, listing: &Listing<'_>) -> Script {
    let whole = TextRange::new(0, text.as_str().len());
    let mut walker = walk::Walker::new(listing);
    let mut state = state::State::new(options.errexit, options.pipefail);
    if whole.len() > LONGEST_SCRIPT {
        walker.unreadable(text, whole, "the script is too long to read");
        return walker.script;
    }
    walker.run(text, whole, state::Place::TOP, &mut state);
    let mut script = walker.script;
    script.commands.sort_by_key(|command| command.range.start);
    script.unreadable.sort_by_key(|unreadable| unreadable.range.start);
    script.errexit = state.errexit;
    script
}
