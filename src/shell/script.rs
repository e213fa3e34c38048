//! The script as data.

use crate::text::TextRange;

/// All that a script may execute, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Simple commands in the order of the text. The list of a `for` stands among them, as a command of that name, where
    /// the shell looks for files to fill it.
    pub commands: Vec<SimpleCommand>,
    /// What could not be read: each may execute anything.
    pub unreadable: Vec<Unreadable>,
    /// Whether a failing command of a list `a; b` ends the script: `set -e` (or `set -o errexit`) stands before.
    pub errexit: bool,
}

/// A piece of a script that is opaque to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where, in the source.
    pub range: TextRange,
    /// Why, as a phrase: ``syntax error``, ``function `build` is called``, ``the command's name is a variable``.
    pub reason: String,
}

/// A program and its words, prefixes such as `sudo` and `env` taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleCommand {
    /// The command with its assignments, prefixes and redirections, in the source.
    pub range: TextRange,
    /// `NAME=value` before the command, and those given to an `env` prefix.
    pub assignments: Vec<Assignment>,
    /// The program and its arguments; never empty.
    pub words: Vec<ShellWord>,
    /// Prefix programs that were taken off, outermost first: `sudo`, `time`.
    pub prefixes: Vec<String>,
    /// The user that a `sudo -u` or `gosu` prefix switches to.
    pub user: Option<String>,
    /// Redirections of files (descriptor duplications left out).
    pub redirects: Vec<Redirect>,
    /// Where the command runs; for a `cd`, where it goes to.
    pub directory: Directory,
    /// Under which conditions it runs.
    pub guard: Guard,
}

impl SimpleCommand {
    /// The program's name without its directories, where it is literal: `pip` for `$HOME/bin/pip`.
    pub fn program(&self) -> Option<&str> {
        self.words.first()?.file_name()
    }
}

/// `NAME=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// Its value.
    pub value: ShellWord,
}

/// One word, quotes resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellWord {
    /// As written, continuations removed.
    pub raw: String,
    /// What it is made of, adjacent literals joined.
    pub parts: Vec<Part>,
    /// Where it stands in the source.
    pub range: TextRange,
}

impl ShellWord {
    /// What follows the last `/` of the word, where it is literal; what stands before may be anything.
    pub fn file_name(&self) -> Option<&str> {
        let name = match self.parts.as_slice() {
            [Part::Literal(text)] => text.rsplit('/').next()?,
            [.., Part::Literal(text)] => text.rsplit_once('/')?.1,
            _ => return None,
        };
        (!name.is_empty()).then_some(name)
    }

    /// Whether the shell puts names of files in its place: it has an unquoted `*`, `?` or `[…]`.
    pub fn lists_files(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Pattern(text) if matches_files(text)))
    }

    /// The word's value where it has no variable, pattern or unknown part.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The word's value with variables looked up; `None` where one is not known or a part is no plain text.
    pub fn expand(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let mut value = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => value.push_str(text),
                Part::Variable { name, default } => {
                    value.push_str(&lookup(name).filter(|found| !found.is_empty()).or_else(|| default.clone())?);
                }
                Part::Pattern(_) | Part::Unknown => return None,
            }
        }
        Some(value)
    }
}

/// Whether a [`Part::Pattern`] stands for names of files; `~name` and `{a,b}` do not. `uvicorn[standard]` is a pattern that no
/// file matches, so that it stays as it is.
pub fn matches_files(pattern: &str) -> bool {
    pattern.contains(['*', '?']) || pattern.starts_with('[') && pattern.len() <= "[ab]".len()
}

/// A part of a [`ShellWord`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Plain text, quotes and escapes resolved.
    Literal(String),
    /// `$NAME`, `${NAME}` or `${NAME:-default}` with a literal default.
    Variable {
        /// The variable.
        name: String,
        /// What stands in for an unset or empty one.
        default: Option<String>,
    },
    /// An unquoted pattern character run or brace expansion, as written: `*`, `?`, `[ab]`, `{a,b}`, `~name`.
    Pattern(String),
    /// A command substitution, an arithmetic expansion, or any other expansion.
    Unknown,
}

/// A redirection of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Which way.
    pub kind: RedirectKind,
    /// The file.
    pub target: ShellWord,
}

/// Kinds of [`Redirect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectKind {
    /// `<`: the command reads the file.
    Read,
    /// `>`, `>>`, `&>`, `<>`: the command writes the file.
    Write,
}

/// The directory a command runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Directory {
    /// Where the script started.
    Start,
    /// After a `cd` to that path, relative to where the script started unless absolute. Variables stand as `$NAME`.
    Path(String),
    /// After a `cd` that could not be followed.
    Unknown,
}

/// How a command's run and failure depend on the script around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// It may not run at all: it stands in an `if`, `case`, loop, function, or after `||`; a plain `&&` does not count,
    /// because what stands before it must have succeeded for the step to succeed.
    pub conditional: bool,
    /// Its failure does not fail the step: `|| …` follows, it is not the last of a pipeline, it runs in the background,
    /// it is negated or a condition, or `;` follows without `set -e`.
    pub masked: bool,
    /// It is masked for no other reason than that a `;` or another round of a loop follows without `set -e`.
    pub by_order: bool,
}
