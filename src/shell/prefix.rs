//! Prefixes: programs that run the command given as their arguments, such as `sudo` and `env`.
//!
//! A prefix is taken off only where every one of its options is known here; otherwise it stays, and the command is that
//! of the prefix program.

use super::script::{Assignment, Part, ShellWord};

/// What stands before the command that a prefix runs.
struct Prefix {
    name: &'static str,
    /// Options without a value; a single letter each for short ones.
    flags: &'static [&'static str],
    /// Options with a value.
    valued: &'static [&'static str],
    /// Options whose value is the user to switch to, among `valued`.
    user_options: &'static [&'static str],
    /// What the words between the options and the command are.
    operand: Operand,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    Nothing,
    /// `NAME=value`, any number of them.
    Assignments,
    /// A user, with or without `:group`.
    User,
    /// One word without meaning here, such as a duration.
    Word,
}

const fn plain(name: &'static str, flags: &'static [&'static str], valued: &'static [&'static str]) -> Prefix {
    Prefix { name, flags, valued, user_options: &[], operand: Operand::Nothing }
}

/// Sources: the manual page of each program, and the GNU coreutils and bash manuals.
const PREFIXES: &[Prefix] = &[
    // https://www.sudo.ws/docs/man/sudo.man/ (-i and -D change the directory and are left out)
    Prefix {
        name: "sudo",
        flags: &["E", "H", "n", "P", "S", "A", "b", "k", "preserve-env", "set-home", "non-interactive", "stdin"],
        valued: &["u", "g", "p", "C", "T", "user", "group", "prompt"],
        user_options: &["u", "user"],
        operand: Operand::Assignments,
    },
    // https://man.openbsd.org/doas
    Prefix { name: "doas", flags: &["n"], valued: &["u"], user_options: &["u"], operand: Operand::Nothing },
    // https://github.com/tianon/gosu, https://github.com/ncopa/su-exec
    Prefix { name: "gosu", flags: &[], valued: &[], user_options: &[], operand: Operand::User },
    Prefix { name: "su-exec", flags: &[], valued: &[], user_options: &[], operand: Operand::User },
    // https://man7.org/linux/man-pages/man1/runuser.1.html: only `runuser -u USER [--] COMMAND` runs a command directly
    Prefix {
        name: "runuser",
        flags: &[],
        valued: &["u", "g", "user", "group"],
        user_options: &["u", "user"],
        operand: Operand::Nothing,
    },
    // https://www.gnu.org/software/coreutils/manual/html_node/env-invocation.html (-C and -S are left out)
    Prefix {
        name: "env",
        flags: &["i", "0", "v", "ignore-environment", "null", "debug"],
        valued: &["u", "unset"],
        user_options: &[],
        operand: Operand::Assignments,
    },
    plain("time", &["p", "v", "a", "portability", "verbose", "append"], &["f", "o", "format", "output"]),
    // https://www.gnu.org/software/bash/manual/html_node/Bourne-Shell-Builtins.html
    plain("exec", &["c", "l"], &["a"]),
    // `command -v` and `-V` run nothing and are left out.
    plain("command", &["p"], &[]),
    plain("builtin", &[], &[]),
    plain("nice", &[], &["n", "adjustment"]),
    plain("ionice", &["t"], &["c", "n"]),
    plain("nohup", &[], &[]),
    plain("busybox", &[], &[]),
    plain("stdbuf", &[], &["i", "o", "e", "input", "output", "error"]),
    plain("catchsegv", &[], &[]),
    plain("eatmydata", &[], &[]),
    // https://github.com/krallin/tini, https://github.com/Yelp/dumb-init
    plain("tini", &["s", "v", "w", "g"], &["p", "e"]),
    plain("dumb-init", &["c", "v", "single-child", "verbose"], &["r", "rewrite"]),
    // https://www.gnu.org/software/coreutils/manual/html_node/timeout-invocation.html
    Prefix {
        name: "timeout",
        flags: &["f", "p", "v", "foreground", "preserve-status", "verbose"],
        valued: &["k", "s", "kill-after", "signal"],
        user_options: &[],
        operand: Operand::Word,
    },
];

/// What was taken off a command.
#[derive(Default)]
pub(super) struct Stripped {
    /// The index of the word that names the command.
    pub(super) command: usize,
    /// Names of the prefix programs, outermost first.
    pub(super) prefixes: Vec<String>,
    /// The user that the innermost switching prefix names.
    pub(super) user: Option<String>,
    /// What `env` and `sudo` set.
    pub(super) assignments: Vec<Assignment>,
}

/// Takes the prefixes off.
pub(super) fn strip(words: &[ShellWord]) -> Stripped {
    let mut stripped = Stripped::default();
    while let Some(prefix) = words.get(stripped.command).and_then(prefix_of) {
        if !take(prefix, words, &mut stripped) {
            break;
        }
    }
    stripped
}

fn prefix_of(word: &ShellWord) -> Option<&'static Prefix> {
    let name = word.literal()?;
    let name = name.rsplit('/').next().unwrap_or(name);
    PREFIXES.iter().find(|prefix| prefix.name == name)
}

/// Takes one prefix off; `false` where it cannot be.
fn take(prefix: &Prefix, words: &[ShellWord], stripped: &mut Stripped) -> bool {
    let mut at = stripped.command + 1;
    let mut user = None;
    while let Some(option) = words.get(at).and_then(option_text) {
        at += 1;
        if option == "--" {
            break;
        }
        match option_kind(prefix, option) {
            OptionKind::Flag => {}
            OptionKind::Valued { is_user, value } => {
                let value = value.map(str::to_owned).or_else(|| {
                    at += 1;
                    words.get(at - 1).and_then(ShellWord::literal).map(str::to_owned)
                });
                if is_user {
                    user = value;
                }
            }
            OptionKind::Foreign => return false,
        }
    }
    let mut assignments = Vec::new();
    match prefix.operand {
        Operand::Nothing => {}
        Operand::Assignments => {
            while let Some(assignment) = words.get(at).and_then(assignment_of) {
                assignments.push(assignment);
                at += 1;
            }
        }
        Operand::User => {
            user = words.get(at).map(|word| word.raw.split(':').next().unwrap_or_default().to_owned());
            at += 1;
        }
        Operand::Word => at += 1,
    }
    if at >= words.len() || (prefix.name == "runuser" && user.is_none()) {
        return false;
    }
    stripped.prefixes.push(prefix.name.to_owned());
    stripped.assignments.extend(assignments);
    stripped.command = at;
    if user.is_some() {
        stripped.user = user;
    }
    true
}

/// The text of a word that starts with `-` and is more than that.
fn option_text(word: &ShellWord) -> Option<&str> {
    match word.parts.first() {
        Some(Part::Literal(text)) if text.len() > 1 && text.starts_with('-') => Some(text),
        _ => None,
    }
}

enum OptionKind<'a> {
    Flag,
    Valued { is_user: bool, value: Option<&'a str> },
    Foreign,
}

fn option_kind<'a>(prefix: &Prefix, option: &'a str) -> OptionKind<'a> {
    if let Some(long) = option.strip_prefix("--") {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        if prefix.flags.contains(&name) {
            return OptionKind::Flag;
        }
        if prefix.valued.contains(&name) {
            return OptionKind::Valued { is_user: prefix.user_options.contains(&name), value };
        }
        return OptionKind::Foreign;
    }
    // `nice -10` and the like.
    if prefix.name == "nice" && option[1..].bytes().all(|byte| byte.is_ascii_digit()) {
        return OptionKind::Flag;
    }
    for (index, letter) in option.char_indices().skip(1) {
        let end = index + letter.len_utf8();
        let letter = &option[index..end];
        if prefix.valued.contains(&letter) {
            let value = Some(&option[end..]).filter(|value| !value.is_empty());
            return OptionKind::Valued { is_user: prefix.user_options.contains(&letter), value };
        }
        if !prefix.flags.contains(&letter) {
            return OptionKind::Foreign;
        }
    }
    OptionKind::Flag
}

/// A word of the form `NAME=value`.
pub(super) fn assignment_of(word: &ShellWord) -> Option<Assignment> {
    let Some(Part::Literal(first)) = word.parts.first() else { return None };
    let (name, value) = first.split_once('=')?;
    let is_name = !name.is_empty()
        && !name.starts_with(|character: char| character.is_ascii_digit())
        && name.bytes().all(super::extent::is_name_byte);
    if !is_name {
        return None;
    }
    let mut parts = Vec::with_capacity(word.parts.len());
    if !value.is_empty() {
        parts.push(Part::Literal(value.to_owned()));
    }
    parts.extend(word.parts.iter().skip(1).cloned());
    let raw = word.raw.split_once('=').map_or_else(String::new, |(_, raw)| raw.to_owned());
    Some(Assignment { name: name.to_owned(), value: ShellWord { raw, parts, range: word.range } })
}
