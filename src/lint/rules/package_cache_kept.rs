//! `package-cache-kept`: an install leaves in its layer what only the next install would need.

use crate::diagnostic::{Fix, Safety, Severity};
use crate::lint::leftover::{Left, left_in, shipped, shipped_runs};
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Build, KnownCommand, Run, StepId};
use crate::syntax::{Body, Command};
use crate::text::TextEdit;

declare_rule! {
    /// ## What it does
    /// Finds package managers that leave in a layer of the image what only they need: downloads, package lists, metadata
    /// of repositories.
    ///
    /// ## Why is this bad?
    /// It ships with the image, is pushed and pulled each time, and nothing in the container ever reads it.
    ///
    /// ## Example
    /// ```dockerfile
    /// FROM python:3.13-slim
    /// RUN pip install flask==3.1.0
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM python:3.13-slim
    /// RUN pip install --no-cache-dir flask==3.1.0
    /// ```
    ///
    /// Where downloads should be there at the next build, a cache mount keeps them out of the image too:
    /// ```dockerfile
    /// FROM python:3.13-slim
    /// RUN --mount=type=cache,target=/root/.cache/pip pip install flask==3.1.0
    /// ```
    ///
    /// ## Fix safety
    /// Unsafe: the image loses the files, and whoever runs the package manager in the container downloads them again.
    ///
    /// ## Known problems
    /// Only the stages that the last one is made of are looked at, because others do not ship. A step in which something
    /// follows that layerwise does not know is left alone: it may clean up. Settings of the base image are not known.
    /// Package lists that a later step installs from are in use, so they are not reported; where a later step
    /// removes them, `deleted-in-later-layer` says so.
    ///
    /// ## References
    /// - [Docker: best practices for `apt-get`](https://docs.docker.com/build/building/best-practices/#apt-get)
    /// - [pip: disabling caching](https://pip.pypa.io/en/stable/topics/caching/#disabling-caching)
    PackageCacheKept {
        name: "package-cache-kept",
        aliases: ["DL3009", "DL3019", "DL3032", "DL3036", "DL3040", "DL3042", "DL3060"],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for PackageCacheKept {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let build = subject.build;
        for step in shipped_runs(build, &shipped(build)) {
            let left = left_in(build, step.id).into_iter();
            for left in left.filter(|left| !step.after.iter().any(|later| settles(build, *later, left))) {
                report_left(subject, step.id, &left, report);
            }
        }
    }
}

/// Whether a later step makes use of what is left, removes it or may: then this is not the place to do so.
fn settles(build: &Build<'_>, id: StepId, left: &Left<'_>) -> bool {
    let Some(run) = build.step(id).run() else { return false };
    let pack = &left.commands[0].known.pack;
    let uses = |run: &Run| {
        let Some(index) = &pack.index else { return false };
        let own = run.commands.iter().filter(|command| command.known.pack.name == pack.name);
        let first = own
            .into_iter()
            .find(|command| command.known.is_any_of(&index.refreshed_by) || command.known.is_any_of(&index.read_by));
        let fresh = |command: &KnownCommand| index.fresh_with.iter().any(|name| command.known.has_option(name));
        first.is_some_and(|command| command.known.is_any_of(&index.read_by) && !fresh(command))
    };
    let removes = run.commands.iter().any(|command| {
        command.known.is_any_of(&left.leftover.removed_by) && command.known.pack.name == pack.name
            || left.is_removed_by(command)
    });
    removes || uses(run)
}

fn report_left(subject: &Subject<'_>, id: StepId, left: &Left<'_>, report: &mut Reporter) {
    let command = left.commands[0];
    let (title, what) = (&command.known.title, &left.leftover.what);
    let message = format!("`{title}` leaves {what} in the image");
    let diagnostic = report.add(PackageCacheKept::META, command.command.range, message);
    if left.leftover.small {
        diagnostic.severity = Severity::Info;
    }
    let remove = left.leftover.remove_with.replace("{program}", program(title));
    let edit =
        with_option(subject.build, id, left).map(|(option, edit)| (format!("Add `{option}`"), edit)).or_else(|| {
            let edit = with_removal(subject.build, id, left, &remove)?;
            Some((format!("Add `{remove}`"), edit))
        });
    diagnostic.help = match (&edit, &left.leftover.option) {
        (Some(_), _) => None,
        (None, Some(option)) => Some(format!("add `{option}`, or `{remove}` at the end of the same `RUN`")),
        (None, None) => Some(format!("add `{remove}` at the end of the same `RUN`")),
    };
    diagnostic.fix = edit.map(|(title, edit)| Fix {
        title,
        safety: Safety::Unsafe,
        argument: format!("the image loses {what}, which only an install in the container would read"),
        edit,
        files: Vec::new(),
    });
}

fn program(title: &str) -> &str {
    title.split(' ').next().unwrap_or(title)
}

/// Gives each command the option with which it leaves nothing: after its last word by which it is known, where that
/// can be told.
fn with_option(build: &Build<'_>, id: StepId, left: &Left<'_>) -> Option<(String, TextEdit)> {
    let Body::Run(Command::Shell(_)) = &build.instruction(id).body else { return None };
    let option = left.leftover.option.as_ref()?;
    let mut edit = TextEdit::default();
    for command in &left.commands {
        let known = &command.known;
        let takes = known.spec().options.iter().filter_map(|name| known.pack.options.get(name.get_ref()));
        let accepted = takes.flat_map(|set| &set.flags).any(|flag| flag == option);
        let name = left.leftover.left_by.iter().find(|name| known.is_any_of(std::slice::from_ref(name)))?;
        let subcommand = name.rsplit(' ').next()?;
        let word = command.command.words.iter().skip(1).find(|word| word.literal() == Some(subcommand))?;
        let added = accepted && !known.pack.index.as_ref().is_some_and(|index| known.is_any_of(&index.refreshed_by));
        edit = edit.union(&TextEdit::insert(added.then_some(word.range.end)?, format!(" {option}"))).ok()?;
    }
    Some((option.clone(), edit))
}

/// Adds a command to the end of a step.
fn with_removal(build: &Build<'_>, id: StepId, left: &Left<'_>, command: &str) -> Option<TextEdit> {
    let instruction = build.instruction(id);
    let Body::Run(Command::Shell(text)) = &instruction.body else { return None };
    let file = build.inputs.file;
    let source = instruction.range.of(file.source());
    let is_plain = instruction.heredocs.is_empty() && !source.contains('#') && !text.as_str().ends_with(['&', ';']);
    let root = build.step(id).before.may_run_as_root();
    let unguarded = left.commands.iter().all(|command| command.command.prefixes.is_empty());
    if !is_plain || !root || !unguarded {
        return None;
    }
    let (escape, newline) = (file.escape(), file.newline());
    let before = if source.contains('\n') { format!(" {escape}{newline}    ") } else { " ".to_owned() };
    Some(TextEdit::insert(instruction.range.end, format!("{before}&& {command}")))
}
