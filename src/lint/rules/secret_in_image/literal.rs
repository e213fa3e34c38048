//! Secrets that are written into the Dockerfile: tokens of known formats, passwords in URLs, values of options.

use super::{FOR_A_STEP, SecretInImage};
use crate::ecosystem::secrets::{is_placeholder, is_secret_option, may_give_secret, password_in_url, token_in};
use crate::lint::{Reporter, Subject};
use crate::shell::{self, SimpleCommand};
use crate::syntax::{Body, Command, Instruction, Source};
use crate::text::TextRange;

/// Reports them; gives the indices of the instructions that hold one.
pub(super) fn report(subject: &Subject<'_>, report: &mut Reporter) -> Vec<usize> {
    let mut found = Vec::new();
    for (index, instruction) in subject.file.instructions().iter().enumerate() {
        let inner = match &instruction.body {
            Body::Onbuild(inner) => inner,
            _ => instruction,
        };
        let Some((range, message)) = literal(subject, inner) else { continue };
        let diagnostic = report.add(SecretInImage::META, range, message);
        diagnostic.help = Some(format!("withdraw it, since whoever has this file has it; then {FOR_A_STEP}"));
        found.push(index);
    }
    found
}

/// The first secret of an instruction, without showing it, and where it stands.
fn literal(subject: &Subject<'_>, instruction: &Instruction) -> Option<(TextRange, String)> {
    if !can_keep(instruction) {
        return None;
    }
    let source = subject.file.source();
    let text = instruction.range.of(source);
    let at = |secret: &str| {
        let start = instruction.range.start + text.find(secret).unwrap_or_default();
        TextRange::new(start, start + secret.lines().next().unwrap_or_default().len())
    };
    if let Some((what, secret)) = token_in(text) {
        return Some((at(secret), format!("{what} is written into the file")));
    }
    if let Some(secret) = password_in_url(text) {
        return Some((at(secret), "a URL with a password is written into the file".to_owned()));
    }
    let script = instruction.script(source).filter(|script| may_give_secret(script.as_str()))?;
    let commands = shell::read(&script).commands;
    let (option, range) = commands.iter().find_map(option_value)?;
    Some((range, format!("the value of `{option}` is written into the file")))
}

/// Whether an instruction does more than name things.
fn can_keep(instruction: &Instruction) -> bool {
    match &instruction.body {
        Body::Run(Command::Shell(_) | Command::Exec(_))
        | Body::Env(_)
        | Body::Arg(_)
        | Body::Label(_)
        | Body::Cmd(_)
        | Body::Entrypoint(_) => true,
        Body::Copy(transfer) | Body::Add(transfer) => {
            instruction.range.len() < 100_000
                && transfer.sources.iter().any(|source| match source {
                    Source::Path(word) => word.text.contains("://"),
                    Source::Heredoc(_) => true,
                })
        }
        _ => false,
    }
}

/// A secret that a command's option gives: `--token=…` or `--token …`.
fn option_value(command: &SimpleCommand) -> Option<(String, TextRange)> {
    command.words.iter().enumerate().skip(1).find_map(|(index, word)| {
        let text = word.literal()?;
        let (name, value, range) = if let Some((name, value)) = text.split_once('=') {
            (name, value, word.range)
        } else {
            let next = command.words.get(index + 1)?;
            (text, next.literal()?, next.range)
        };
        let secret = is_secret_option(name) && !value.starts_with('-') && !is_placeholder(value);
        secret.then(|| (name.to_owned(), range))
    })
}
