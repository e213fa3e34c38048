//! `manifest-copy-misses-file`: an install is given its manifest without a file that the manifest refers to.

mod gap;

use gap::{Gap, Lost};

use crate::diagnostic::{Diagnostic, Fix, Label, Safety};
use crate::ecosystem::{Effect, Missing};
use crate::lint::meta::declare_rule;
use crate::lint::phrase::{enumerated, quoted};
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{KnownCommand, StepId};
use crate::rewrite::{self, Needed};

declare_rule! {
    /// ## What it does
    /// Finds installs whose manifest is copied before them, without a file that the manifest refers to: the file of a
    /// lifecycle script, the manifest of a workspace, a patch, an included requirements file, a path dependency, the lock
    /// file of a command that installs from nothing else.
    ///
    /// ## Why is this bad?
    /// The install fails, or it ends well and has left something out, which shows much later. It works on the developer's
    /// machine, where all files are there.
    ///
    /// ## Example
    /// ```json package.json
    /// { "name": "app", "version": "1.0.0", "scripts": { "postinstall": "node scripts/postinstall.js" } }
    /// ```
    /// ```files
    /// scripts/postinstall.js
    /// index.js
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY package.json ./
    /// RUN npm install
    /// COPY . .
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY package.json ./
    /// COPY scripts/postinstall.js ./scripts/
    /// RUN npm install
    /// COPY . .
    /// ```
    ///
    /// ## Fix safety
    /// Unsafe: the install sees what it did not see before, so it may install more.
    ///
    /// ## Known problems
    /// What a script reads beyond the files that it names is not known. The rule is silent where an earlier step may have
    /// made the file: one that runs an unknown program in the project's directory, or a copy from another stage. A
    /// workspace without a manifest is reported only where another manifest depends on it, or where no workspace has one
    /// and a later copy brings their sources: many files leave out the workspaces that they do not build.
    ///
    /// ## References
    /// - <https://docs.docker.com/build/cache/optimize/#order-your-layers>
    ManifestCopyMissesFile {
        name: "manifest-copy-misses-file",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for ManifestCopyMissesFile {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        for (id, step) in subject.build.steps() {
            for command in step.run().iter().flat_map(|run| &run.commands).filter(|command| is_sure(command)) {
                let Some(gap) = Gap::new(subject.build, id, command) else { continue };
                report_lost(subject, id, command, &gap, report);
                report_parts(subject, id, command, &gap, report);
                for missing in gap.missing() {
                    report_missing(subject, command, missing, report);
                }
            }
        }
    }
}

/// Whether the command reads a project, runs in any case, and fails the build where it fails.
fn is_sure(command: &KnownCommand) -> bool {
    let guard = command.command.guard;
    let reads = matches!(command.effect(), Effect::Install | Effect::Download | Effect::Generate);
    reads && !guard.conditional && !guard.masked && command.known.unknown.is_empty()
}

fn report_lost(subject: &Subject<'_>, id: StepId, command: &KnownCommand, gap: &Gap<'_>, report: &mut Reporter) {
    let lost = gap.lost();
    if lost.is_empty() {
        return;
    }
    let names = names(&lost);
    let verb = if lost.len() == 1 { "is" } else { "are" };
    let title = &command.known.title;
    let message = format!("`{title}` needs {names}, which {verb} not copied before it");
    let diagnostic = report.add(ManifestCopyMissesFile::META, command.command.range, message);
    mend(subject, id, gap, &lost, diagnostic);
    for lost in lost.iter().take(SHOWN) {
        let Some(copy) = gap.copy_of(lost) else { continue };
        let message = format!("copies a file without `{}`: {}", lost.read.path, lost.read.reason);
        diagnostic.related.push(Label { range: subject.build.instruction(copy).range, message });
    }
}

fn names(lost: &[&Lost<'_>]) -> String {
    enumerated(&lost.iter().map(|lost| quoted(&lost.read.path)).collect::<Vec<_>>())
}

/// Files that are explained one by one.
const SHOWN: usize = 3;

fn report_parts(subject: &Subject<'_>, id: StepId, command: &KnownCommand, gap: &Gap<'_>, report: &mut Reporter) {
    let parts = gap.parts();
    let Some(first) = parts.first() else { return };
    let names = names(&parts);
    let verb = if parts.len() == 1 { "is" } else { "are" };
    let title = &command.known.title;
    let message = format!("`{title}` installs nothing for {names}, which {verb} copied after it");
    let diagnostic = report.add(ManifestCopyMissesFile::META, command.command.range, message);
    if let Some(copy) = gap.copy_of(first) {
        let message = format!("copies `{}`, which names them, without them", first.from);
        diagnostic.related.push(Label { range: subject.build.instruction(copy).range, message });
    }
    mend(subject, id, gap, &parts, diagnostic);
}

fn report_missing(subject: &Subject<'_>, command: &KnownCommand, missing: &Missing, report: &mut Reporter) {
    let title = &command.known.title;
    let left_out = subject.context().is_some_and(|context| context.unfiltered().entry(&missing.path).is_some());
    let why = if left_out {
        format!("which `{}` leaves out", subject.ignore_path)
    } else {
        "which the build context does not have".to_owned()
    };
    let message = format!("`{title}` needs `{}`, {why}", missing.path);
    let diagnostic = report.add(ManifestCopyMissesFile::META, command.command.range, message);
    diagnostic.help = Some(format!("`{}` is wanted as {}", missing.path, missing.reason));
}

/// Copies the files with the manifest, where all can be written.
fn mend(subject: &Subject<'_>, id: StepId, gap: &Gap<'_>, lost: &[&Lost<'_>], diagnostic: &mut Diagnostic) {
    let names = names(lost);
    let line = subject.build.instruction(id).lines.0;
    let needed: Vec<Needed> = lost.iter().filter_map(|lost| gap.needed(lost)).collect();
    let complete = needed.len() == lost.len();
    let edit = lost
        .first()
        .filter(|_| complete)
        .and_then(|first| gap.copies(first).into_iter().find_map(|copy| rewrite::bring(subject.build, copy, &needed)));
    let Some(edit) = edit else {
        diagnostic.help = Some(format!("copy {names} before line {line}"));
        return;
    };
    diagnostic.fix = Some(Fix {
        title: format!("Copy {names} before line {line}"),
        safety: Safety::Unsafe,
        argument: format!("the step on line {line} sees files that it did not see before"),
        edit,
        files: Vec::new(),
    });
}
