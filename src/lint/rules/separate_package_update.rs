//! `separate-package-update`: package lists are fetched in one layer and used in another.

use crate::diagnostic::{Fix, Label, Safety};
use crate::ecosystem::pack::Index;
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Base, Build, KnownCommand, Run, StepId};
use crate::rewrite::join;

declare_rule! {
    /// ## What it does
    /// Finds a `RUN` that fetches the lists of packages, such as `apt-get update`, and installs nothing, where a later
    /// `RUN` installs from these lists.
    ///
    /// ## Why is this bad?
    /// The layer with the lists is taken from the cache for as long as nothing above it changes. When the install changes
    /// a month later, it runs with lists that are a month old: it installs versions with known faults, or fails because
    /// the server has these files no more.
    ///
    /// ## Example
    /// ```dockerfile
    /// FROM debian:12-slim
    /// RUN apt-get update
    /// RUN apt-get install -y curl
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM debian:12-slim
    /// RUN apt-get update \
    ///     && apt-get install -y curl
    /// ```
    ///
    /// ## Fix safety
    /// Safe: the same commands run in the same order, with nothing between them. There is a fix where the install is the
    /// next instruction and both are plain lists of commands.
    ///
    /// ## Known problems
    /// A step with mounts is left alone, because its lists may be kept elsewhere, and so is one that also runs something
    /// that layerwise does not know.
    ///
    /// ## References
    /// - [Docker: best practices for `apt-get`](https://docs.docker.com/build/building/best-practices/#apt-get)
    SeparatePackageUpdate {
        name: "separate-package-update",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for SeparatePackageUpdate {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let build = subject.build;
        for (id, step) in build.steps() {
            let Some((update, index)) = step.run().and_then(lone_update) else { continue };
            let Some((user, install)) = first_use(build, id, index) else { continue };
            let (update_title, install_title) = (&update.known.title, &install.known.title);
            let message =
                format!("`{install_title}` in a later layer uses the lists of this `{update_title}`, however old");
            let diagnostic = report.add(Self::META, update.command.range, message);
            diagnostic.related.push(Label { range: install.command.range, message: "installs from them".to_owned() });
            let next = user == StepId { step: id.step + 1, ..id };
            diagnostic.fix = next.then(|| join(build, id)).flatten().map(|edit| Fix {
                title: format!("Run `{update_title}` and `{install_title}` in one step"),
                safety: Safety::Safe,
                argument: "the same commands run in the same order, with nothing between them".to_owned(),
                edit,
                files: Vec::new(),
            });
            if diagnostic.fix.is_none() {
                diagnostic.help = Some(format!("run `{update_title}` in the same `RUN` as `{install_title}`"));
            }
        }
    }
}

/// The command of a step that fetches an index from which the step installs nothing.
fn lone_update(run: &Run) -> Option<(&KnownCommand, &Index)> {
    if !run.is_known() || !run.mounts.is_empty() {
        return None;
    }
    let (update, index) = run.commands.iter().find_map(|command| {
        let index = command.known.pack.index.as_ref()?;
        let refreshes = command.known.is_any_of(&index.refreshed_by) && !command.command.guard.conditional;
        refreshes.then_some((command, index))
    })?;
    let installs = run.commands.iter().any(|command| command.known.is_any_of(&index.read_by));
    (!installs).then_some((update, index))
}

/// The first command after a step that installs from the index as the step left it.
fn first_use<'a>(build: &'a Build<'_>, update: StepId, index: &Index) -> Option<(StepId, &'a KnownCommand)> {
    for (id, step) in build.steps().filter(|(id, _)| follows(build, *id, update)) {
        let Some(run) = step.run() else { continue };
        for command in run.commands.iter().filter(|command| command.known.pack.index.as_ref() == Some(index)) {
            if command.known.is_any_of(&index.refreshed_by) {
                return None;
            }
            let fresh = index.fresh_with.iter().any(|name| command.known.has_option(name));
            if command.known.is_any_of(&index.read_by) && !fresh {
                return run.mounts.is_empty().then_some((id, command));
            }
        }
    }
    None
}

/// Whether a step finds what another left: it stands below in the same stage, or in one that starts from it.
fn follows(build: &Build<'_>, id: StepId, earlier: StepId) -> bool {
    let mut stage = id.stage;
    while stage != earlier.stage {
        match build.stages.get(stage).map(|stage| &stage.base) {
            Some(Base::Stage(parent)) if *parent < stage => stage = *parent,
            _ => return false,
        }
    }
    id.stage != earlier.stage || id.step > earlier.step
}
