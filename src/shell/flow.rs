//! What flows from one command of a shell to those after it: directory, options, variables, and what the shell itself keeps.
//!
//! Everything here is decided on the text alone and on the safe side: what is not plainly harmless is taken as flowing.

use super::builtin::option_letters;
use super::extent::{is_name_byte, name_end};
use super::sequence::{Element, Form};

/// Commands that change the shell that runs them, or end it.
const STATEFUL: &[&str] = &[
    ".",
    ":",
    "alias",
    "bg",
    "break",
    "builtin",
    "cd",
    "command",
    "continue",
    "declare",
    "disown",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "fg",
    "getopts",
    "hash",
    "jobs",
    "let",
    "local",
    "mapfile",
    "popd",
    "pushd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "trap",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// Variables that the shell itself keeps, and commands that ask for what it keeps.
const KEPT: &[&str] = &[
    "BASHPID",
    "BASH_COMMAND",
    "DIRSTACK",
    "LINENO",
    "OLDPWD",
    "PIPESTATUS",
    "PPID",
    "RANDOM",
    "SECONDS",
    "fc",
    "hash",
    "history",
    "jobs",
    "times",
    "wait",
];

impl Element {
    /// Whether it only sets up the shell for what follows, in a way that can be repeated in another shell: `cd`, `set`,
    /// `export` and assignments, of plain words.
    pub fn is_setup(&self) -> bool {
        if self.form != Form::Simple || !is_plain(&self.text) {
            return false;
        }
        let mut words = self.text.split_whitespace();
        match words.next() {
            Some("cd") => {
                let target = words.next().filter(|target| !target.starts_with('-') && !target.contains('"'));
                target.is_some() && words.next().is_none()
            }
            Some("set") => option_letters(words),
            Some("export") => {
                self.text["export".len()..].trim_start().split_once('=').is_some_and(|(name, _)| is_name(name))
            }
            _ => is_assignment(&self.text),
        }
    }

    /// Whether it leaves nothing behind in the shell that runs it: no directory, option or variable, no process.
    pub fn is_self_contained(&self) -> bool {
        let text = self.text.as_str();
        let nested = self.form == Form::Apart || text.contains("$(") || text.contains('`');
        if nested && may_run_in_background(text) || text.contains("<(") || text.contains(">(") {
            return false;
        }
        match self.form {
            Form::Compound => false,
            Form::Apart => !text.split(|character: char| !is_word(character)).any(|word| word == "read"),
            Form::Simple => {
                let mut words = text.split_whitespace().skip_while(|word| is_plain(word) && is_assignment(word));
                let Some(program) = words.next() else { return false };
                let is_plain_name =
                    program.chars().all(|letter| is_word(letter) || matches!(letter, '.' | '/' | '+' | '-'));
                // `sudo -b` goes on in the background.
                let goes_on = program == "sudo" && words.any(|word| word == "-b");
                is_plain_name && !goes_on && !STATEFUL.contains(&program) && !assigns_in_expansion(text)
            }
        }
    }
}

/// Whether a script asks for what only the shell that ran the commands before it knows: the last exit code, the last
/// process, the directory before.
pub fn asks_the_shell(text: &str) -> bool {
    let bytes = text.as_bytes();
    let parameter = text.match_indices('$').any(|(at, _)| {
        let at = if bytes.get(at + 1) == Some(&b'{') { at + 2 } else { at + 1 };
        match bytes.get(at) {
            Some(b'?' | b'$' | b'!') => true,
            Some(b'_') => !bytes.get(at + 1).copied().is_some_and(is_name_byte),
            _ => false,
        }
    });
    let words = || text.split(|character: char| !is_word(character));
    parameter || text.contains("cd -") || text.contains("~-") || words().any(|word| KEPT.contains(&word))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && name_end(text.as_bytes(), 0) == text.len()
}

/// Only plain characters, variables and double quotes.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = |character: char| character.is_alphanumeric() || "_./:,=@%+-${}\" \t".contains(character);
    let variables = text.match_indices('$').all(|(at, _)| {
        let start = if bytes.get(at + 1) == Some(&b'{') { at + 2 } else { at + 1 };
        name_end(bytes, start) > start
    });
    let quotes = text.bytes().filter(|byte| *byte == b'"').count();
    text.chars().all(plain) && variables && quotes % 2 == 0
}

/// `NAME=value` and nothing after it.
fn is_assignment(text: &str) -> bool {
    let Some((name, value)) = text.split_once('=') else { return false };
    let unquoted = value.split('"').step_by(2);
    is_name(name) && unquoted.into_iter().all(|piece| !piece.contains([' ', '\t']))
}

/// `${NAME:=value}`, `${NAME=value}` and `$((NAME = 1))` set a variable.
fn assigns_in_expansion(text: &str) -> bool {
    let in_braces = text.split("${").skip(1).any(|rest| {
        let operator = &rest[name_end(rest.as_bytes(), 0)..];
        operator.starts_with('=') || operator.starts_with(":=")
    });
    in_braces || text.contains("$((") || text.contains("$[")
}

/// Whether a single `&` stands in it.
fn may_run_in_background(text: &str) -> bool {
    let without = text.replace("&&", "").replace(">&", "").replace("&>", "").replace("<&", "").replace("|&", "");
    without.contains('&')
}
