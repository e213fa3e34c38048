//! Mounted secrets that a `RUN` of the image writes to a file.

use super::SecretInImage;
use crate::lint::{Reporter, Subject};
use crate::model::{Run, State};
use crate::shell;
use crate::shell::{RedirectKind, ShellWord, SimpleCommand};
use crate::syntax::MountKind;

/// Where a secret is mounted if nothing else is said (<https://docs.docker.com/reference/dockerfile/#run---mounttypesecret>).
const DIRECTORY: &str = "/run/secrets/";

/// Reports them.
pub(super) fn report(subject: &Subject<'_>, report: &mut Reporter) {
    for (id, step) in subject.build.steps() {
        let Some(run) = step.run().filter(|_| subject.build.is_shipped(id.stage)) else { continue };
        let secrets = Secrets::of(run);
        let script = subject.build.instruction(id).script(subject.file.source());
        let Some(script) = script.filter(|_| !secrets.is_empty()) else { continue };
        let commands = shell::read(&script).commands;
        for (index, command) in commands.iter().enumerate() {
            let Some(target) = secrets.written_by(command) else { continue };
            let later = commands.get(index + 1..).unwrap_or_default();
            if removes(later, target) || is_elsewhere(run, &step.before, target) {
                continue;
            }
            let message = format!("a secret is written to `{}`, which stays in the layer", target.raw);
            let diagnostic = report.add(SecretInImage::META, command.range, message);
            diagnostic.help =
                Some("mount the secret where its file is read, as with `--mount=type=secret,id=…,target=…`".to_owned());
        }
    }
}

/// The secrets that a `RUN` mounts.
struct Secrets {
    variables: Vec<String>,
    files: Vec<String>,
}

impl Secrets {
    fn of(run: &Run) -> Self {
        let mounts = || run.mounts.iter().map(|mount| &mount.mount).filter(|mount| mount.kind == MountKind::Secret);
        let file = |mount: &crate::syntax::Mount| match (&mount.target, &mount.id, &mount.source) {
            (Some(target), _, _) => Some(target.clone()),
            (None, Some(id), _) | (None, None, Some(id)) => Some(format!("{DIRECTORY}{id}")),
            _ => None,
        };
        Self {
            variables: mounts().filter_map(|mount| mount.env.clone()).collect(),
            files: mounts().filter_map(file).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.files.is_empty()
    }

    /// The file that a command writes a secret to, if it is plain that it does.
    fn written_by<'c>(&self, command: &'c SimpleCommand) -> Option<&'c ShellWord> {
        let words = command.words.get(1..)?;
        match command.program()? {
            "echo" | "printf" | "cat" => {
                let holds = words.iter().any(|word| self.is_in(&word.raw));
                let mut written = command.redirects.iter().filter(|redirect| redirect.kind == RedirectKind::Write);
                written.next().filter(|_| holds).map(|redirect| &redirect.target)
            }
            "cp" | "install" => {
                let (target, sources) = words.split_last()?;
                sources.iter().any(|word| self.is_file(&word.raw)).then_some(target)
            }
            _ => None,
        }
    }

    /// Whether a word holds a secret's value: by its variable, or by reading its file.
    fn is_in(&self, word: &str) -> bool {
        let variable = |name: &String| word.contains(&format!("${{{name}}}")) || ends_word(word, &format!("${name}"));
        self.variables.iter().any(variable) || self.files.iter().any(|file| ends_word(word, file))
    }

    fn is_file(&self, word: &str) -> bool {
        self.files.iter().any(|file| word.trim_matches(['"', '\'']) == file)
    }
}

/// Whether the name stands in the text and ends there.
fn ends_word(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let next = text[at + name.len()..].chars().next();
        !next.is_some_and(|next| next.is_alphanumeric() || matches!(next, '_' | '.' | '-' | '/'))
    })
}

/// Whether a later command of the script takes the file away again.
fn removes(later: &[SimpleCommand], target: &ShellWord) -> bool {
    let name = target.raw.trim_matches(['"', '\'']).rsplit('/').next().unwrap_or_default();
    let removing = later.iter().filter(|command| matches!(command.program(), Some("rm" | "shred" | "unlink" | "mv")));
    removing
        .into_iter()
        .any(|command| command.words.iter().any(|word| word.raw.contains(name) || word.raw.contains('*')))
}

/// Whether the file is no part of the layer: a device, or something that is mounted.
fn is_elsewhere(run: &Run, before: &State, target: &ShellWord) -> bool {
    let Some(text) = target.literal() else { return false };
    let place = before.directory.join(text);
    text.starts_with("/dev/")
        || run.mounts.iter().filter_map(|mount| mount.target.as_ref()).any(|mounted| place.below(mounted).is_some())
}
