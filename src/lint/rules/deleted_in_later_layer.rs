//! `deleted-in-later-layer`: a file is removed after the layer that brought it.

use crate::context::{EntryKind, Filtered, path};
use crate::diagnostic::{Fix, Label, Safety};
use crate::ecosystem::secrets::is_secret_file;
use crate::ecosystem::{Access, Effect};
use crate::lint::leftover::{left_in, removes_at, shipped, shipped_runs};
use crate::lint::meta::declare_rule;
use crate::lint::phrase::quoted;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Build, KnownCommand, PathAccess, StagePath, StepId};
use crate::rewrite::join;

/// Bytes from which a copied file is worth a word.
const LEAST_BYTES: u64 = 100_000;

/// Entries of a directory that are weighed.
const MOST_ENTRIES: usize = 10_000;

declare_rule! {
    /// ## What it does
    /// Finds a `RUN` that removes files which an earlier step brought into the image: copied files, downloads, and what
    /// package managers left.
    ///
    /// ## Why is this bad?
    /// The layer of the earlier step keeps them. The container does not see them, but the image is as large as before,
    /// and whoever has the image can read them: a secret that is deleted this way is published.
    ///
    /// ## Example
    /// ```dockerfile
    /// FROM debian:12-slim
    /// ADD https://example.com/tool.tar.gz /tmp/tool.tar.gz
    /// RUN tar -xzf /tmp/tool.tar.gz -C /opt
    /// RUN rm /tmp/tool.tar.gz
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM debian:12-slim
    /// RUN --mount=type=bind,from=download,target=/tmp/download tar -xzf /tmp/download/tool.tar.gz -C /opt
    /// ```
    ///
    /// ## Fix safety
    /// Safe: where the removal is the next instruction and both are plain lists of commands, they become one step, which
    /// runs the same commands in the same order.
    ///
    /// ## Known problems
    /// Only what ships is looked at: the last stage and those it starts from. A copied file of less than 100 kB is not
    /// worth a word, unless its name is that of a secret. What the base image brought is not known. Who squashes the
    /// image afterwards can turn the rule off.
    ///
    /// ## References
    /// - [Docker: multi-stage builds](https://docs.docker.com/build/building/multi-stage/)
    /// - [OCI: whiteouts](https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts)
    DeletedInLaterLayer {
        name: "deleted-in-later-layer",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for DeletedInLaterLayer {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let build = subject.build;
        let is_meant = |command: &KnownCommand, access: &PathAccess| {
            !command.command.guard.conditional && is_plain(command, access)
        };
        for step in shipped_runs(build, &shipped(build)) {
            if let Some((command, _, from, what)) =
                step.first_of(is_meant, |from, access| brought(subject, from, access))
            {
                report_removal(subject, step.id, command, from, &what, report);
            }
        }
    }
}

/// Whether what is removed is told exactly: a path, or all that stands in a directory.
fn is_plain(command: &KnownCommand, access: &PathAccess) -> bool {
    let patterns = command.command.words.iter().filter(|word| word.raw.contains(['*', '?', '[', '{']));
    access.access == Access::Remove && (!access.pattern || patterns.into_iter().all(|word| word.raw.ends_with("/*")))
}

fn report_removal(
    subject: &Subject<'_>,
    id: StepId,
    command: &KnownCommand,
    from: StepId,
    what: &str,
    report: &mut Reporter,
) {
    let build = subject.build;
    let message = format!("{what} stays in the image: this removes it in a later layer only");
    let diagnostic = report.add(DeletedInLaterLayer::META, command.command.range, message);
    let step = build.instruction(from);
    diagnostic.related.push(Label { range: step.range, message: "brings it into the image".to_owned() });
    let next = id == StepId { step: from.step + 1, ..from };
    let from_run = build.step(from).run().is_some();
    diagnostic.fix = (next && from_run).then(|| join(build, from)).flatten().map(|edit| Fix {
        title: "Remove it in the step that brings it".to_owned(),
        safety: Safety::Safe,
        argument: "the same commands run in the same order, with nothing between them".to_owned(),
        edit,
        files: Vec::new(),
    });
    if diagnostic.fix.is_none() {
        let remedy = if from_run {
            "remove it in the same `RUN` that brings it, or bring it in a stage that does not ship"
        } else {
            "leave it out of the copy, mount it with `RUN --mount`, or copy it in a stage that does not ship"
        };
        diagnostic.help = Some(remedy.to_owned());
    }
}

/// What a step brings to the places that are removed, as a phrase.
fn brought(subject: &Subject<'_>, id: StepId, removed: &PathAccess) -> Option<String> {
    let build = subject.build;
    let step = build.step(id);
    if let Some(run) = step.run() {
        let left = left_in(build, id);
        let kept = left
            .iter()
            .find(|left| left.places.iter().any(|place| covers(removed, place) || is_within(removed, place)));
        if let Some(left) = kept {
            return Some(format!("what `{}` leaves", left.commands[0].known.title));
        }
        return run.commands.iter().find_map(|command| downloaded(build, id, command, removed));
    }
    let transfer = step.transfer()?;
    if transfer.is_remote() {
        let place = transfer.destination.as_ref().filter(|_| !transfer.into_directory)?;
        return covers(removed, place).then(|| quoted(place.as_str()));
    }
    let context = subject.context().filter(|_| transfer.is_from_context())?;
    for root in &transfer.placement.as_ref()?.roots {
        let named = if covers(removed, &root.landing) {
            root.context.clone()
        } else if let (true, false) = (root.directory, removed.pattern) {
            path::join(&root.context, removed.path.below(&root.landing).filter(|rest| !rest.is_empty())?)
        } else {
            continue;
        };
        if named.is_empty() && weight(context, "") >= LEAST_BYTES {
            return Some("the build context".to_owned());
        }
        let brings = !named.is_empty() && transfer.selects(&named) && context.entry(&named).is_some();
        let is_secret = || is_secret_file(&named) || is_secret_file(removed.path.as_str());
        if brings && (is_secret() || weight(context, &named) >= LEAST_BYTES) {
            return Some(quoted(&named));
        }
    }
    None
}

/// The bytes at or below a path of the context.
fn weight(context: &Filtered<'_>, named: &str) -> u64 {
    match context.entry(named) {
        Some(entry) if entry.kind != EntryKind::Directory => entry.size,
        _ => context.walk(named, MOST_ENTRIES).found.iter().map(|(_, entry)| entry.size).sum(),
    }
}

/// A file that a command downloads to a place that is removed, and that nothing in the same step removes.
fn downloaded(build: &Build<'_>, id: StepId, command: &KnownCommand, removed: &PathAccess) -> Option<String> {
    let run = build.step(id).run()?;
    if command.effect() != Effect::ContextFree || command.command.guard.conditional || !run.is_known() {
        return None;
    }
    let written = command.accesses.iter().filter(|access| access.access == Access::Write && !access.pattern);
    let place = written.map(|access| &access.path).find(|place| covers(removed, place))?;
    let gone = run.commands.iter().any(|other| {
        let takes = |access: &PathAccess| matches!(access.access, Access::Remove | Access::Modify);
        other.accesses.iter().any(|access| takes(access) && removes_at(&access.path, access.pattern, place))
    });
    let own_layer =
        !run.mounts.iter().any(|mount| mount.target.as_ref().is_none_or(|target| target.may_overlap(place)));
    (!gone && own_layer).then(|| quoted(place.as_str()))
}

/// Whether all of a place is removed.
fn covers(removed: &PathAccess, place: &StagePath) -> bool {
    if removed.path.is_floating() || place.is_floating() {
        return removed.path == *place && !removed.pattern;
    }
    match place.below(&removed.path) {
        Some("") => !removed.pattern,
        Some(_) => removed.recursive || removed.pattern,
        None => {
            removed.pattern
                && place.as_str().starts_with(removed.path.as_str())
                && place.parent() == removed.path.parent()
        }
    }
}

/// Whether what is removed stands in a place.
fn is_within(removed: &PathAccess, place: &StagePath) -> bool {
    !removed.path.is_floating() && removed.path.below(place).is_some()
}
