//! `unlocked-install`: an install that may install other versions than the lock file says.

mod locked_words;

use crate::diagnostic::{Fix, Label, Safety};
use crate::ecosystem::{Effect, Locking};
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{KnownCommand, Presence, StepId};
use crate::rewrite::{self, Needed};
use crate::text::TextEdit;

declare_rule! {
    /// ## What it does
    /// Finds installs of a project with a lock file that do not keep to it: the command may install other versions, and
    /// write the lock file anew in the image only.
    ///
    /// ## Why is this bad?
    /// The image then holds versions that nobody has tested, and two builds of one commit differ. Where the lock file is out
    /// of step with its manifest, nobody hears of it.
    ///
    /// ## Example
    /// ```json package.json
    /// { "name": "app", "version": "1.0.0", "dependencies": { "left-pad": "^1.3.0" } }
    /// ```
    /// ```files
    /// package-lock.json
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY package.json package-lock.json ./
    /// RUN npm install --omit=dev
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY package.json package-lock.json ./
    /// RUN npm ci --omit=dev
    /// ```
    ///
    /// ## Fix safety
    /// Unsafe: the image may get other versions than before, those of the lock file, and the build fails where the lock
    /// file is out of step with its manifest. There is no fix where an option of the command contradicts it.
    ///
    /// ## Known problems
    /// A project without a lock file is not reported, nor is a lock file that version control leaves out, nor a command
    /// that is told to leave the lock file alone.
    ///
    /// ## References
    /// - <https://docs.docker.com/build/building/best-practices/#pin-base-image-versions>
    UnlockedInstall {
        name: "unlocked-install",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for UnlockedInstall {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        for (id, step) in subject.build.steps() {
            for command in step.run().iter().flat_map(|run| run.installs()).filter(|command| is_sure(command)) {
                let locking = command.locking.as_ref().filter(|locking| !locking.exact);
                if let Some(locking) = locking.filter(|locking| !is_private(subject, &locking.file)) {
                    report_unlocked(subject, id, command, locking, report);
                }
            }
        }
    }
}

/// Whether the command runs in any case and could install from the lock file. One that runs under a condition may be what
/// is left to do where there is no lock file.
fn is_sure(command: &KnownCommand) -> bool {
    command.effect() == Effect::Install
        && !command.command.guard.conditional
        && command.known.unknown.is_empty()
        && command.known.locked_instead().is_some()
}

/// Whether only this machine has the lock file: no clean checkout does.
fn is_private(subject: &Subject<'_>, file: &str) -> bool {
    subject.context().is_some_and(|context| context.unfiltered().is_untracked_by_rule(file))
}

fn report_unlocked(
    subject: &Subject<'_>,
    id: StepId,
    command: &KnownCommand,
    locking: &Locking,
    report: &mut Reporter,
) {
    let title = &command.known.title;
    let file = &locking.file;
    match subject.build.presence(id, command, file) {
        Presence::Unknown => {}
        Presence::Absent => report_unseen(subject, id, command, file, report),
        // A manifest that an earlier step has made may have nothing to do with the lock file.
        Presence::Copied(_) | Presence::Mounted if !has_manifest(subject, id, command, file) => {}
        presence @ (Presence::Copied(_) | Presence::Mounted) => {
            let file = &copied_from(subject, command, &presence, file);
            let message = format!("`{title}` may install other versions than `{file}` says");
            let diagnostic = report.add(UnlockedInstall::META, command.command.range, message);
            match locked_words::locked(subject.build, id, command) {
                Some(locked) => diagnostic.fix = Some(fix(format!("Use `{}`", locked.text), file, locked.edit)),
                None => diagnostic.help = command.known.locked_instead().map(|instead| format!("use `{instead}`")),
            }
        }
    }
}

/// The file of the context that stands where the command looks for its lock file.
fn copied_from(subject: &Subject<'_>, command: &KnownCommand, presence: &Presence, file: &str) -> String {
    let Presence::Copied(copy) = presence else { return file.to_owned() };
    let placement = subject.build.step(*copy).transfer().and_then(|transfer| transfer.placement.as_ref());
    let origin = placement.zip(command.place_of(file)).and_then(|(placement, place)| placement.origins(&place).next());
    origin.unwrap_or_else(|| file.to_owned())
}

/// The lock file is in the build context, and not where the command looks for it.
fn report_unseen(subject: &Subject<'_>, id: StepId, command: &KnownCommand, file: &str, report: &mut Reporter) {
    let title = &command.known.title;
    let message = format!("`{title}` does not see `{file}`, which is not copied before it");
    let diagnostic = report.add(UnlockedInstall::META, command.command.range, message);
    diagnostic.help =
        command.known.locked_instead().map(|instead| format!("copy `{file}` before it and use `{instead}`"));
    let Some(copy) = copy_of_manifest(subject, id, command, file) else { return };
    let message = format!("copies the manifest without `{file}`");
    diagnostic.related.push(Label { range: subject.build.instruction(copy).range, message });
    let locked = locked_words::locked(subject.build, id, command);
    let Some((locked, bring)) = locked.zip(bring_lock(subject, copy, command, file)) else { return };
    if let Ok(edit) = bring.union(&locked.edit) {
        diagnostic.fix = Some(fix(format!("Copy `{file}` and use `{}`", locked.text), file, edit));
        diagnostic.help = None;
    }
}

fn fix(title: String, file: &str, edit: TextEdit) -> Fix {
    Fix {
        title,
        safety: Safety::Unsafe,
        argument: format!(
            "it installs the versions of `{file}`, and fails where that is out of step with its manifest"
        ),
        edit,
        files: Vec::new(),
    }
}

/// Manifests beside the lock file, with what is known of each.
fn manifests(subject: &Subject<'_>, id: StepId, command: &KnownCommand, lock: &str) -> Vec<Presence> {
    let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let names = &command.known.pack.manifests;
    let is_manifest = |path: &str| {
        folder(path) == folder(lock) && names.iter().any(|name| path.rsplit('/').next() == Some(name.as_str()))
    };
    let reads = command.closure.iter().flat_map(|closure| &closure.reads).filter(|read| is_manifest(&read.path));
    reads.map(|read| subject.build.presence(id, command, &read.path)).collect()
}

fn has_manifest(subject: &Subject<'_>, id: StepId, command: &KnownCommand, lock: &str) -> bool {
    manifests(subject, id, command, lock).iter().any(|presence| presence.is_there())
}

/// The step that copies a manifest from beside the lock file.
fn copy_of_manifest(subject: &Subject<'_>, id: StepId, command: &KnownCommand, lock: &str) -> Option<StepId> {
    manifests(subject, id, command, lock).into_iter().find_map(|presence| match presence {
        Presence::Copied(copy) => Some(copy),
        _ => None,
    })
}

fn bring_lock(subject: &Subject<'_>, copy: StepId, command: &KnownCommand, file: &str) -> Option<TextEdit> {
    let place = command.place_of(file)?;
    rewrite::bring(subject.build, copy, &[Needed { path: file.to_owned(), directory: false, place }])
}
