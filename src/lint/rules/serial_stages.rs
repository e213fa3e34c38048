//! `serial-stages`: a stage waits for another one without need, or does its work again.

use crate::diagnostic::{Label, Severity};
use crate::ecosystem::Effect;
use crate::lint::meta::declare_rule;
use crate::lint::sinking;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Base, Build, KnownCommand, Run, State, StepId};

/// Seconds that a step must take for its repetition to matter.
const WORTH_SHARING: f64 = 5.0;

declare_rule! {
    /// ## What it does
    /// Finds a `COPY --from` of another stage above a `RUN` that needs nothing of it, and a step that installs the same in
    /// two stages with the same base although only what stands before it differs: packages by name, or the dependencies
    /// of one project.
    ///
    /// ## Why is this bad?
    /// Stages run in parallel until one needs files of another. A step below such a copy waits for the other stage, and
    /// runs again whenever that stage brings other files. A step that stands in two stages runs twice, unless all that
    /// stands before it is the same in both.
    ///
    /// ## Example
    /// ```files
    /// main.go
    /// ```
    /// ```dockerfile
    /// FROM golang:1.23 AS build
    /// WORKDIR /src
    /// COPY . .
    /// RUN go build -o /app ./...
    ///
    /// FROM debian:12
    /// COPY --from=build /app /opt/app
    /// RUN apt-get update && apt-get install -y ca-certificates
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM golang:1.23 AS build
    /// WORKDIR /src
    /// COPY . .
    /// RUN go build -o /app ./...
    ///
    /// FROM debian:12
    /// RUN apt-get update && apt-get install -y ca-certificates
    /// COPY --from=build /app /opt/app
    /// ```
    ///
    /// ## Fix safety
    /// Safe: the copy moves only below steps that neither read nor write what it brings. There is no fix for a step that
    /// stands in two stages, and the finding is information.
    ///
    /// ## References
    /// - [BuildKit: parallelism](https://docs.docker.com/build/buildkit/#overview)
    /// - [Docker: reusable stages](https://docs.docker.com/build/building/best-practices/#create-reusable-stages)
    SerialStages {
        name: "serial-stages",
        aliases: [],
        since: "0.2.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for SerialStages {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        for (id, step) in subject.build.steps() {
            if step.transfer().is_some_and(|transfer| transfer.stage().is_some()) {
                report_waiting(subject, id, report);
            }
        }
        report_repeated(subject, report);
    }
}

/// A copy of another stage's files above a step that needs nothing of it.
fn report_waiting(subject: &Subject<'_>, id: StepId, report: &mut Reporter) {
    let build = subject.build;
    let Some(found) = subject.numbers.sink(id) else { return };
    let seconds = |id: StepId| subject.numbers.cost(build.step(id).instruction).seconds;
    let dearest = found.crossed.iter().max_by(|one, other| seconds(one.id).total_cmp(&seconds(other.id)));
    let Some(crossed) = dearest else { return };
    let Some(sunk) = sinking::below(subject, found, crossed.id) else { return };
    let copy = build.instruction(id);
    let run = build.instruction(crossed.id);
    let text = sinking::one_line(subject, run);
    let message = format!("`{text}` needs nothing of this copy, but waits for the stage that it copies from");
    let diagnostic = report.add(SerialStages::META, copy.range, message);
    let label = "runs again whenever the other stage brings other files".to_owned();
    diagnostic.related.push(Label { range: run.range, message: label });
    diagnostic.cost = Some(subject.numbers.cost(build.step(crossed.id).instruction));
    diagnostic.fix = sunk.fix;
}

/// Steps that install the same in two stages: packages by name, or the dependencies of one project.
fn report_repeated(subject: &Subject<'_>, report: &mut Reporter) {
    let build = subject.build;
    let Some(target) = build.target(None) else { return };
    let needed = build.reachable(target);
    let mut seen: Vec<(StepId, String)> = Vec::new();
    for (id, step) in build.steps().filter(|(id, _)| needed[id.stage]) {
        let Some(run) = step.run().filter(|run| only_installs(run)) else { continue };
        let text = words(subject, id);
        let earlier = seen.iter().find(|(other, words)| {
            other.stage != id.stage
                && *words == text
                && same_start(build, *other, id)
                && same_project(build, *other, id)
                && !shares_cache(subject, *other, id)
        });
        if let Some((other, _)) = earlier
            && (run.cost.low * run.cost.high).sqrt() >= WORTH_SHARING
        {
            let first = build.instruction(*other);
            let short = sinking::one_line(subject, first);
            let message = format!("`{short}` runs here and in another stage with the same base");
            let diagnostic = report.add(SerialStages::META, build.instruction(id).range, message);
            diagnostic.severity = Severity::Info;
            diagnostic.related.push(Label { range: first.range, message: "it runs here too".to_owned() });
            diagnostic.help = Some("put it first in a stage that both start from, so that it runs once".to_owned());
        }
        seen.push((id, text));
    }
}

/// Whether a `RUN` only installs packages by name, or what a project depends on.
fn only_installs(run: &Run) -> bool {
    let installs = |effect| matches!(effect, Effect::ContextFree | Effect::Install | Effect::Download);
    let harmless = |effect| installs(effect) || matches!(effect, Effect::Inert | Effect::Paths);
    run.is_known()
        && run.commands.iter().all(|command| harmless(command.effect()))
        && run.commands.iter().any(|command| installs(command.effect()))
}

/// Whether two stages start from the same image, by name, or the same stage, and their steps run as the same user.
fn same_start(build: &Build<'_>, one: StepId, other: StepId) -> bool {
    let (first, second) = (&build.stages[one.stage].base, &build.stages[other.stage].base);
    let known = matches!(first, Base::Image(_) | Base::Stage(_));
    let (one, other) = (&build.step(one).before, &build.step(other).before);
    known && first == second && one.user == other.user && one.shell == other.shell
}

/// Whether the same files tell two steps of the same words what to install, and the same variables how. Where a step reads
/// no project, its words say all.
fn same_project(build: &Build<'_>, one: StepId, other: StepId) -> bool {
    let (Some(first), Some(second)) = (build.step(one).run(), build.step(other).run()) else { return false };
    let (before, after) = (&build.step(one).before, &build.step(other).before);
    let of_project = |command: &&KnownCommand| matches!(command.effect(), Effect::Install | Effect::Download);
    let same_variables = |command: &KnownCommand| {
        let mut declared = before.variables().chain(after.variables());
        declared.all(|(name, _)| {
            let value = |state: &State| state.variable(name).map(|variable| variable.value.clone());
            !command.reads_variable(name) || value(before) == value(after)
        })
    };
    let same = |(one, other): (&KnownCommand, &KnownCommand)| {
        let reads = |command: &KnownCommand| {
            let closure = command.closure.as_ref().filter(|closure| closure.refusals.is_empty());
            closure.map(|closure| (closure.reads.clone(), closure.missing.clone()))
        };
        reads(one).is_some() && reads(one) == reads(other) && one.directory == other.directory && same_variables(one)
    };
    first.commands.iter().filter(of_project).zip(second.commands.iter().filter(of_project)).all(same)
}

/// Whether all that stands before both steps is the same: then the builder runs them once.
fn shares_cache(subject: &Subject<'_>, one: StepId, other: StepId) -> bool {
    let above = |id: StepId| (0..id.step).map(move |step| words(subject, StepId { step, ..id }));
    let platform = |id: StepId| {
        let from = subject.file.instructions().get(subject.build.stages[id.stage].from);
        from.and_then(|from| from.flag_value("platform")).map(str::to_owned)
    };
    // Another platform is another image.
    platform(one) != platform(other) || above(one).eq(above(other))
}

fn words(subject: &Subject<'_>, id: StepId) -> String {
    subject.build.instruction(id).one_line(subject.file.source(), usize::MAX)
}
