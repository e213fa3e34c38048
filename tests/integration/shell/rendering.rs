//! A script's commands as short lines, for tables of cases.

use std::fmt::Write;

use layerwise::shell::{Directory, Part, RedirectKind, Script, ShellWord, SimpleCommand};

/// One line for each command and each unreadable piece.
///
/// A word is written as its text; `$NAME` is a variable, `<*>` a pattern, `<?>` something unknown. After ` # ` stand, where
/// they apply: `in DIRECTORY`, `as USER`, `by PREFIX`, `with NAME=value`, `< FILE`, `> FILE`, `conditional`, `masked`.
pub(super) fn lines(script: &Script, source: &str) -> Vec<String> {
    let commands = script.commands.iter().map(line);
    let unreadable =
        script.unreadable.iter().map(|piece| format!("UNREADABLE {}: {}", piece.reason, piece.range.of(source)));
    commands.chain(unreadable).collect()
}

fn line(command: &SimpleCommand) -> String {
    let mut line = command.words.iter().map(word).collect::<Vec<_>>().join(" ");
    let mut notes = Vec::new();
    match &command.directory {
        Directory::Start => {}
        Directory::Path(path) => notes.push(format!("in {path}")),
        Directory::Unknown => notes.push("in ?".to_owned()),
    }
    notes.extend(command.user.iter().map(|user| format!("as {user}")));
    if !command.prefixes.is_empty() {
        notes.push(format!("by {}", command.prefixes.join(" ")));
    }
    notes.extend(command.assignments.iter().map(|set| format!("with {}={}", set.name, word(&set.value))));
    notes.extend(command.redirects.iter().map(|redirect| {
        let sign = match redirect.kind {
            RedirectKind::Read => "<",
            RedirectKind::Write => ">",
        };
        format!("{sign} {}", word(&redirect.target))
    }));
    notes.extend(command.guard.conditional.then(|| "conditional".to_owned()));
    notes.extend(command.guard.masked.then(|| "masked".to_owned()));
    if !notes.is_empty() {
        let _ = write!(line, " # {}", notes.join(", "));
    }
    line
}

fn word(word: &ShellWord) -> String {
    if word.parts.is_empty() {
        return "''".to_owned();
    }
    let mut text = String::new();
    for part in &word.parts {
        match part {
            Part::Literal(literal) if literal.contains([' ', '\n', '\t']) => {
                let _ = write!(text, "{literal:?}");
            }
            Part::Literal(literal) => text.push_str(literal),
            Part::Variable { name, default: None } => {
                let _ = write!(text, "${name}");
            }
            Part::Variable { name, default: Some(default) } => {
                let _ = write!(text, "${{{name}:-{default}}}");
            }
            Part::Pattern(pattern) => {
                let _ = write!(text, "<{pattern}>");
            }
            Part::Unknown => text.push_str("<?>"),
        }
    }
    text
}
