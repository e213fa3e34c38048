//! What the shell's own commands do to its state: `cd`, `set`, `export`, `exit` and their kin.

use super::extent::is_name_byte;
use super::prefix::assignment_of;
use super::script::{Directory, Part, ShellWord};
use super::state::State;

/// The longest path that is followed; Linux takes no longer one.
const LONGEST_PATH: usize = 4096;

/// Whether a command of this name goes to the directory that it names, and fails where there is none.
pub(super) fn enters(name: &str) -> bool {
    matches!(name, "cd" | "pushd")
}

/// Applies a command to the state.
pub(super) fn apply(name: &str, command: &[ShellWord], state: &mut State) {
    let arguments = command.get(1..).unwrap_or_default();
    match name {
        _ if enters(name) => state.directory = moved(&state.directory, arguments),
        "popd" => state.directory = Directory::Unknown,
        "set" => set(arguments, state),
        "export" | "declare" | "typeset" | "local" | "readonly" => {
            for assignment in arguments.iter().filter_map(assignment_of) {
                state.assign(&assignment.name, assignment.value.literal().map(str::to_owned));
            }
        }
        "unset" | "read" | "mapfile" | "readarray" | "getopts" | "let" | "printf" => {
            for name in arguments.iter().filter_map(ShellWord::literal).filter(|name| is_name(name)) {
                state.assign(name, None);
            }
        }
        "exit" | "return" => {
            let status = arguments.first().and_then(ShellWord::literal).and_then(|text| text.parse::<u8>().ok());
            // A failing exit fails the step: what follows it need not be asked.
            state.may_have_left |= status.is_none_or(|status| status == 0);
        }
        _ => {}
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && super::extent::name_end(text.as_bytes(), 0) == text.len()
}

/// `set -eux -o pipefail +e`.
fn set(arguments: &[ShellWord], state: &mut State) {
    let mut arguments = arguments.iter().map(|word| word.literal().unwrap_or_default());
    while let Some(argument) = arguments.next() {
        let (on, letters) = match (argument.strip_prefix('-'), argument.strip_prefix('+')) {
            (Some(letters), _) => (true, letters),
            (_, Some(letters)) => (false, letters),
            _ => return,
        };
        if letters.starts_with('-') {
            return;
        }
        for letter in letters.chars() {
            match letter {
                'e' => state.errexit = on,
                'o' => option(arguments.next().unwrap_or_default(), on, state),
                _ => {}
            }
        }
    }
}

/// Whether these are options of `set` that concern how a script runs and how it fails, and nothing else.
pub(super) fn option_letters<'a>(mut words: impl Iterator<Item = &'a str>) -> bool {
    let mut any = false;
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix(['-', '+']).filter(|letters| !letters.is_empty()) else { return false };
        for letter in letters.chars() {
            let known = match letter {
                'e' | 'u' | 'v' | 'x' => true,
                'o' => matches!(words.next(), Some("errexit" | "nounset" | "pipefail" | "verbose" | "xtrace")),
                _ => false,
            };
            if !known {
                return false;
            }
        }
        any = true;
    }
    any
}

/// An option of `set -o`.
pub(super) fn option(name: &str, on: bool, state: &mut State) {
    match name {
        "errexit" => state.errexit = on,
        "pipefail" => state.pipefail = on,
        _ => {}
    }
}

/// The directory after `cd` with these arguments.
fn moved(from: &Directory, arguments: &[ShellWord]) -> Directory {
    let is_option = |word: &&ShellWord| matches!(word.literal(), Some("-P" | "-L" | "-e" | "-@" | "--"));
    let mut arguments = arguments.iter().skip_while(is_option);
    let (Some(target), None) = (arguments.next(), arguments.next()) else { return Directory::Unknown };
    let Some(target) = path(target) else { return Directory::Unknown };
    // `cd -` and `pushd +1` go back to somewhere.
    if target.is_empty() || target == "-" || target.starts_with('+') {
        return Directory::Unknown;
    }
    match from {
        _ if target.starts_with('/') => joined("", &target),
        Directory::Start => joined("", &target),
        _ if target == "$HOME" || target.starts_with("$HOME/") => joined("", &target),
        // What the variable holds may be absolute.
        Directory::Path(_) | Directory::Unknown if target.starts_with('$') => Directory::Unknown,
        Directory::Path(base) => joined(base, &target),
        Directory::Unknown => Directory::Unknown,
    }
}

/// A path as written, variables as `$NAME`.
fn path(word: &ShellWord) -> Option<String> {
    let mut path = String::new();
    let mut after_name = false;
    for part in &word.parts {
        match part {
            // `$A` and a letter after it would read as one name.
            Part::Literal(text) if after_name && text.as_bytes().first().is_some_and(|byte| is_name_byte(*byte)) => {
                return None;
            }
            Part::Literal(text) => path.push_str(text),
            Part::Variable { name, default: None } => {
                path.push('$');
                path.push_str(name);
            }
            _ => return None,
        }
        after_name = matches!(part, Part::Variable { .. });
    }
    Some(path)
}

/// The path without `.` and, as the shell does it, without `NAME/..`.
fn joined(base: &str, target: &str) -> Directory {
    if base.len() + target.len() > LONGEST_PATH {
        return Directory::Unknown;
    }
    let whole = if base.is_empty() { target.to_owned() } else { format!("{base}/{target}") };
    let root = if whole.starts_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(last) if last.contains('$') => return Directory::Unknown,
                Some(last) if *last != ".." => drop(parts.pop()),
                None if !root.is_empty() => {}
                _ => parts.push(".."),
            },
            _ => parts.push(part),
        }
    }
    if parts.is_empty() && root.is_empty() {
        return Directory::Start;
    }
    Directory::Path(format!("{root}{}", parts.join("/")))
}
