//! `copied-install-output`: the build context brings a directory that an install of the image fills.

use std::collections::BTreeMap;

use crate::context::Filtered;
use crate::diagnostic::Label;
use crate::ecosystem::{Access, Effect, WriteKind};
use crate::lint::ignore_fix::add_lines;
use crate::lint::meta::declare_rule;
use crate::lint::phrase::{enumerated, quoted};
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Build, KnownCommand, Placement, StagePath, StepId};
use crate::rewrite::{self, IgnoreLine, ask_others};

declare_rule! {
    /// ## What it does
    /// Finds a `COPY` or `ADD` of a whole directory that brings a directory along which an install of the same stage fills:
    /// installed packages, a virtual environment.
    ///
    /// ## Why is this bad?
    /// What was installed on the developer's machine, for another system and at another time, is laid over what the image
    /// installs, or under it. Such a directory is large, it makes the context slow to send, and any change in it runs the
    /// copy and all steps after it again.
    ///
    /// ## Example
    /// ```json package.json
    /// { "name": "app", "version": "1.0.0", "dependencies": { "left-pad": "1.3.0" } }
    /// ```
    /// ```files
    /// node_modules/left-pad/index.js
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
    /// ```dockerignore
    /// node_modules
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY package.json ./
    /// RUN npm install
    /// COPY . .
    /// ```
    ///
    /// ## Fix safety
    /// The fix adds the directory to the ignore file. It is safe where version control is told to leave the directory out:
    /// no clean checkout has it, so images that are built from one stay the same. Otherwise it is unsafe. There is no fix
    /// where another step of the file copies or mounts the directory by its name.
    ///
    /// ## Known problems
    /// The rule looks at the directories that are there now. A build context that has none is clean, even where the ignore
    /// file does not name them.
    ///
    /// ## References
    /// - <https://docs.docker.com/build/concepts/context/#dockerignore-files>
    CopiedInstallOutput {
        name: "copied-install-output",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for CopiedInstallOutput {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let Some(context) = subject.context() else { return };
        let outputs = outputs(subject.build);
        for (copy, step) in subject.build.steps() {
            let Some(placement) = step.transfer().and_then(|transfer| transfer.placement.as_ref()) else { continue };
            let mut brought: BTreeMap<String, &Output<'_>> = BTreeMap::new();
            for output in outputs.iter().filter(|output| meet(subject.build, copy, output.install)) {
                let path = brought_along(context, placement, &output.place);
                if let Some(path) = path.filter(|path| output.is_usual() || is_untracked(context, path)) {
                    brought.entry(path).or_insert(output);
                }
            }
            if !brought.is_empty() {
                report_brought(subject, context, copy, &brought, report);
            }
        }
    }
}

/// A directory that an install fills.
struct Output<'a> {
    install: StepId,
    command: &'a KnownCommand,
    place: StagePath,
}

impl Output<'_> {
    /// Whether it has a name that nobody keeps in version control, unlike code that is generated where the project says.
    fn is_usual(&self) -> bool {
        self.command.known.pack.outputs.iter().any(|name| name == self.place.name())
    }
}

/// Whether no clean checkout has it.
fn is_untracked(context: &Filtered<'_>, path: &str) -> bool {
    context.unfiltered().is_untracked_by_rule(path)
}

fn outputs<'a>(build: &'a Build<'_>) -> Vec<Output<'a>> {
    let runs = build.steps().filter_map(|(id, step)| Some((id, step.run()?)));
    let commands = runs.flat_map(|(id, run)| run.commands.iter().map(move |command| (id, command)));
    commands
        .flat_map(|(install, command)| places(command).into_iter().map(move |place| Output { install, command, place }))
        .collect()
}

/// Where a command puts what it installs. What it reads as well, such as a cache that is kept in the repository, is meant
/// to be copied.
fn places(command: &KnownCommand) -> Vec<StagePath> {
    let closure = command.closure.iter().filter(|_| matches!(command.effect(), Effect::Install | Effect::Download));
    let written = closure.flat_map(|closure| {
        let is_read = |path: &str| closure.reads.iter().any(|read| read.path == path);
        closure.writes.iter().filter(move |write| {
            matches!(write.kind, WriteKind::Output | WriteKind::CleanOutput) && !is_read(&write.path)
        })
    });
    let environments = command.accesses.iter().filter(|access| {
        let names = &command.known.pack.outputs;
        access.access == Access::Write && access.recursive && names.iter().any(|name| name == access.path.name())
    });
    let written = written.filter_map(|write| command.place_of(&write.path));
    written.chain(environments.map(|access| access.path.clone())).collect()
}

/// Whether a copy and an install write into one image: they stand in one stage, or in one that inherits from the other.
fn meet(build: &Build<'_>, copy: StepId, install: StepId) -> bool {
    let (first, second) = if copy < install { (copy, install) } else { (install, copy) };
    build.upwards(second).any(|(id, _)| id == first)
}

/// The directory of the context that a copy of a directory above it brings to a place.
fn brought_along(context: &Filtered<'_>, placement: &Placement, place: &StagePath) -> Option<String> {
    let named = |path: &String| placement.roots.iter().any(|root| root.context == *path);
    let there =
        |path: &String| !context.list(path).is_empty() && !context.excludes(path) && placement.selector.selects(path);
    placement.origins(place).find(|path| !path.is_empty() && there(path) && !named(path))
}

fn report_brought(
    subject: &Subject<'_>,
    context: &Filtered<'_>,
    copy: StepId,
    brought: &BTreeMap<String, &Output<'_>>,
    report: &mut Reporter,
) {
    let Some(output) = brought.values().next() else { return };
    let names = enumerated(&brought.keys().map(|path| quoted(path)).collect::<Vec<_>>());
    let title = &output.command.known.title;
    let instruction = subject.build.instruction(copy);
    let keyword = instruction.keyword_range.of(subject.file.source());
    let message = if copy > output.install {
        format!("`{keyword}` lays {names} of the build context over what `{title}` installs")
    } else {
        format!("`{keyword}` brings {names} of the build context, which `{title}` fills itself")
    };
    let diagnostic = report.add(CopiedInstallOutput::META, instruction.range, message);
    let label = format!("`{title}` fills {names}");
    diagnostic.related.push(Label { range: output.command.command.range, message: label });
    let paths: Vec<String> = brought.keys().cloned().collect();
    if let Some(user) = paths.iter().find_map(|path| other_user(subject.build, copy, path)) {
        let line = subject.build.instruction(user).lines.0;
        diagnostic.help = Some(format!("line {line} uses it too; copy only what is needed here"));
        return;
    }
    let mut lines: Vec<IgnoreLine> = paths.iter().map(|path| line_for(context, path)).collect();
    ask_others(subject.build, &mut lines);
    diagnostic.fix = add_lines(subject, &lines);
    if diagnostic.fix.is_none() {
        diagnostic.help = Some(format!("leave {names} out of the build context"));
    }
}

/// Another step that copies or mounts a path by its own name, or something in it.
fn other_user(build: &Build<'_>, copy: StepId, path: &str) -> Option<StepId> {
    let is_at = |found: &str| found.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    build.steps().filter(|(id, _)| *id != copy).find_map(|(id, step)| {
        let placement = step.transfer().and_then(|transfer| transfer.placement.as_ref());
        let copied = placement.is_some_and(|placement| placement.roots.iter().any(|root| is_at(&root.context)));
        let mounts = step.run().map(|run| &run.mounts).into_iter().flatten();
        let mounted = mounts.filter_map(|mount| mount.context.as_deref()).any(is_at);
        (copied || mounted).then_some(id)
    })
}

/// A line for the ignore file that matches a directory alone.
fn line_for(context: &Filtered<'_>, path: &str) -> IgnoreLine {
    let matched = vec![path.to_owned()];
    let keeps_image = is_untracked(context, path);
    IgnoreLine { pattern: rewrite::escaped(path), evidence: matched.clone(), matched, keeps_image }
}
