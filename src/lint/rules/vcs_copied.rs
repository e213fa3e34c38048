//! `vcs-copied`: the repository's own data are copied by name.

use crate::diagnostic::{Label, Severity};
use crate::ecosystem::Effect;
use crate::lint::leftover::shipped;
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Build, KnownCommand, StepId, Transfer};

/// Folders in which version control keeps a repository.
const REPOSITORIES: [&str; 4] = [".git", ".hg", ".svn", ".bzr"];

declare_rule! {
    /// ## What it does
    /// Finds a `COPY` or `ADD` that names `.git` or another repository, or something in it.
    ///
    /// ## Why is this bad?
    /// `.git` changes with every commit, whatever the commit is about: the copy and all steps after it run again each
    /// time. Where the copy is part of the image, the whole history of the project ships with it.
    ///
    /// ## Example
    /// ```files
    /// .git/HEAD
    /// main.go
    /// ```
    /// ```dockerfile
    /// FROM golang:1.23 AS build
    /// WORKDIR /src
    /// COPY .git .git
    /// RUN apt-get update && apt-get install -y protobuf-compiler
    /// COPY main.go .
    /// RUN go build -ldflags "-X main.version=$(git describe --always)" -o /app main.go
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM golang:1.23 AS build
    /// WORKDIR /src
    /// RUN apt-get update && apt-get install -y protobuf-compiler
    /// COPY main.go .
    /// ARG VERSION
    /// RUN go build -ldflags "-X main.version=$VERSION" -o /app main.go
    /// ```
    ///
    /// ## Known problems
    /// What rides along with a copy of the whole context is the affair of `missing-dockerignore` and
    /// `incomplete-dockerignore`. Nothing is reported where the image does not have the copy and no step that takes
    /// time stands between it and the first that asks `git`, or may: then the repository is copied where it is needed.
    ///
    /// ## References
    /// - [Docker: optimize cache usage](https://docs.docker.com/build/cache/optimize/)
    VcsCopied {
        name: "vcs-copied",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: None,
    }
}

impl Rule for VcsCopied {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let build = subject.build;
        let shipped = shipped(build);
        for (id, step) in build.steps() {
            let Some(named) = step.transfer().and_then(repository).filter(|named| is_there(subject, named)) else {
                continue;
            };
            let needless = needless(build, id);
            if shipped.contains(&id) && !is_removed(build, id, &named) {
                let message = format!(
                    "`{named}` ships with the image, and every commit makes this copy and what follows run again"
                );
                report.add(Self::META, build.instruction(id).range, message).help = Some(remedy(&named));
            } else if let Some(dear) = needless {
                let message =
                    format!("`{named}` changes with every commit, and what follows the copy runs again each time");
                let diagnostic = report.add(Self::META, build.instruction(id).range, message);
                diagnostic.severity = Severity::Info;
                let message = "runs again, and does not ask the repository".to_owned();
                diagnostic.related.push(Label { range: build.instruction(dear).range, message });
                diagnostic.help = Some(remedy(&named));
            }
        }
    }
}

/// Whether the ignore file lets it through.
fn is_there(subject: &Subject<'_>, named: &str) -> bool {
    subject.context().is_none_or(|context| !context.excludes(named.trim_start_matches("./")))
}

fn remedy(named: &str) -> String {
    format!(
        "copy it below the steps that do not need it, or take the version from a build argument; \
         `RUN --mount=type=bind,source={named},target={named}` shows it to one step alone"
    )
}

/// The repository that a copy names.
fn repository(transfer: &Transfer) -> Option<String> {
    let selector = transfer.selector.as_ref().filter(|_| transfer.is_from_context())?;
    let named = selector.sources().find(|source| {
        source.split('/').any(|part| REPOSITORIES.contains(&part)) && transfer.selects(source.trim_end_matches('/'))
    })?;
    Some(named.trim_end_matches('/').to_owned())
}

/// The first step after a copy that takes time and needs nothing of the repository, before one that does or may.
fn needless(build: &Build<'_>, copy: StepId) -> Option<StepId> {
    let source = build.inputs.file.source();
    let below = (copy.step + 1..build.stages[copy.stage].steps.len()).map(|step| StepId { step, ..copy });
    let mut runs = below.filter_map(|id| Some((id, build.step(id).run()?)));
    let (id, run) = runs.find(|(_, run)| run.cost.high >= 5.0 || !run.is_known())?;
    let asks = build.instruction(id).range.of(source).contains("git");
    (run.is_known() && !asks && run.cost.high >= 5.0 && run.commands.iter().all(is_indifferent)).then_some(id)
}

/// Whether a command cannot ask the repository around it: it installs, and builds nothing of the project.
fn is_indifferent(command: &KnownCommand) -> bool {
    match command.effect() {
        Effect::ContextFree | Effect::Inert | Effect::Paths | Effect::Download => true,
        Effect::Install => command.closure.as_ref().is_some_and(|closure| closure.refusals.is_empty()),
        Effect::Generate | Effect::Build => false,
    }
}

/// Whether a later step takes the repository away, so that whoever looks at the image does not find it at its place.
fn is_removed(build: &Build<'_>, copy: StepId, named: &str) -> bool {
    let source = build.inputs.file.source();
    let name = named.rsplit('/').next().unwrap_or(named);
    let steps = build.stages[copy.stage].steps.len();
    (copy.step + 1..steps).map(|step| StepId { step, ..copy }).any(|id| {
        let text = build.instruction(id).range.of(source);
        build.step(id).run().is_some() && text.contains("rm ") && text.contains(name)
    })
}
