//! `chown-in-own-layer`: files change their owner in a later layer, which holds them a second time.

use crate::diagnostic::{Fix, Label, Safety};
use crate::ecosystem::{Access, Effect};
use crate::lint::leftover::{shipped, shipped_runs};
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Build, KnownCommand, PathAccess, StagePath, StepId};
use crate::syntax::{Body, Command};
use crate::text::{TextEdit, TextRange};

/// The program whose first argument is the owner that `--chown` takes.
const CHOWN: &str = "chown";

declare_rule! {
    /// ## What it does
    /// Finds `RUN chown -R` on a directory that an earlier step copied or installed into.
    ///
    /// ## Why is this bad?
    /// A layer cannot hold an owner alone: each file whose owner changes is stored again, whole. The image carries
    /// everything twice, and the step runs again whenever one of the files changes.
    ///
    /// ## Example
    /// ```files
    /// src/main.js
    /// ```
    /// ```dockerfile
    /// FROM node:22-slim
    /// COPY src /app/src
    /// RUN chown -R node:node /app/src
    /// USER node
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM node:22-slim
    /// COPY --chown=node:node src /app/src
    /// USER node
    /// ```
    ///
    /// ## Fix safety
    /// Unsafe: `--chown` gives the owner to what is copied, and not to a directory that was there before. There is a fix
    /// where the `chown` is all that its step does and follows the copy.
    ///
    /// ## Known problems
    /// Only what ships is looked at. A `chown` in the step that makes the files costs nothing and is not reported, nor is
    /// one after copies of single files or after a copy that gives an owner itself.
    ///
    /// ## References
    /// - [Dockerfile reference: `COPY --chown`](https://docs.docker.com/reference/dockerfile/#copy---chown---chmod)
    ChownInOwnLayer {
        name: "chown-in-own-layer",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for ChownInOwnLayer {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let build = subject.build;
        let is_meant = |command: &KnownCommand, access: &PathAccess| {
            command.command.program() == Some(CHOWN) && is_whole_change(access)
        };
        for step in shipped_runs(build, &shipped(build)) {
            let filled = |from: StepId, access: &PathAccess| fills(build, from, &access.path).then_some(());
            if let Some((command, access, from, ())) = step.first_of(is_meant, filled) {
                report_change(subject, step.id, command, from, access, report);
            }
        }
    }
}

fn is_whole_change(access: &PathAccess) -> bool {
    access.access == Access::Modify && access.recursive && !access.pattern
}

/// Whether a step puts directories of files below a place.
fn fills(build: &Build<'_>, id: StepId, place: &StagePath) -> bool {
    let step = build.step(id);
    if let Some(transfer) = step.transfer() {
        let lands = transfer.destination.as_ref().is_some_and(|destination| {
            !destination.is_floating() && !place.is_floating() && destination.below(place).is_some()
                || destination == place
        });
        let owned = build.instruction(id).flag("chown").is_some();
        return lands && !owned && (transfer.holds_directory() || transfer.stage().is_some());
    }
    let installs = step.run().into_iter().flat_map(|run| &run.commands);
    installs.filter(|command| command.effect() == Effect::Install).any(|command| {
        let writes = command.closure.iter().flat_map(|closure| &closure.writes);
        let mut outputs = writes.filter_map(|write| command.place_of(&write.path));
        outputs.any(|written| written.below(place).is_some_and(|rest| !rest.is_empty()))
    })
}

fn report_change(
    subject: &Subject<'_>,
    id: StepId,
    command: &KnownCommand,
    from: StepId,
    access: &PathAccess,
    report: &mut Reporter,
) {
    let build = subject.build;
    let message = format!("this layer holds all of `{}` a second time, for another owner", access.path);
    let diagnostic = report.add(ChownInOwnLayer::META, command.command.range, message);
    let message = "brings the files into an earlier layer".to_owned();
    diagnostic.related.push(Label { range: build.instruction(from).range, message });
    diagnostic.fix = owner_in_copy(build, id, command, from, access);
    if diagnostic.fix.is_none() {
        diagnostic.help = Some(if build.step(from).transfer().is_some() {
            "give the owner with `COPY --chown`".to_owned()
        } else {
            "change the owner in the step that makes the files, or make them as the user that owns them".to_owned()
        });
    }
}

/// The fix: the copy right above gives the owner, and the step goes.
fn owner_in_copy(
    build: &Build<'_>,
    id: StepId,
    command: &KnownCommand,
    from: StepId,
    access: &PathAccess,
) -> Option<Fix> {
    let (step, copy) = (build.instruction(id), build.instruction(from));
    let transfer = build.step(from).transfer()?;
    let Body::Run(Command::Shell(text)) = &step.body else { return None };
    let alone = build.step(id).run()?.commands.len() == 1 && build.step(id).run()?.is_known();
    let plain = alone && command.known.arguments.len() == 2 && !text.as_str().contains(['&', '|', ';', '>', '#']);
    let next =
        id == StepId { step: from.step + 1, ..from } && step.flags.is_empty() && step.attached_comments.is_none();
    let whole = transfer.destination.as_ref() == Some(&access.path);
    let owner = command.known.arguments.first().and_then(|argument| argument.value.as_deref())?;
    let named = !owner.is_empty()
        && owner.chars().all(|character| character.is_ascii_alphanumeric() || ":_-.".contains(character));
    // `chown user:` means the user's own group, `--chown=user` that of its id.
    let exact = named && owner.contains(':') && !owner.ends_with(':') && !owner.starts_with(':');
    if !(plain && next && whole && exact && copy.flag("chown").is_none()) {
        return None;
    }
    let removed = step.block(build.inputs.file.source());
    let added = TextEdit::insert(copy.keyword_range.end, format!(" --chown={owner}"));
    let edit = added.union(&TextEdit::replace(TextRange::new(removed.start, removed.end), "")).ok()?;
    Some(Fix {
        title: format!("Give `{owner}` the files with `--chown`, and leave out the step"),
        safety: Safety::Unsafe,
        argument: format!("what else stands in `{}` keeps its owner, and so may that directory itself", access.path),
        edit,
        files: Vec::new(),
    })
}
