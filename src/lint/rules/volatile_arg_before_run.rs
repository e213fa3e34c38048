//! `volatile-arg-before-run`: an argument that every build gives anew is declared above steps that do not read it.

use crate::diagnostic::Label;
use crate::lint::meta::declare_rule;
use crate::lint::sinking;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Action, StepId};
use crate::rewrite::{listed, sink_declaration};

declare_rule! {
    /// ## What it does
    /// Finds an `ARG` whose name says that its value is another at every build, such as the commit's id or the date, above
    /// `RUN` steps that do not read it.
    ///
    /// ## Why is this bad?
    /// Every `RUN` below an `ARG` has its value in its cache key, used or not. A new value runs all of them again.
    ///
    /// ## Example
    /// ```dockerfile
    /// FROM debian:12
    /// ARG COMMIT_SHA
    /// RUN apt-get update && apt-get install -y curl
    /// LABEL org.opencontainers.image.revision=$COMMIT_SHA
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM debian:12
    /// RUN apt-get update && apt-get install -y curl
    /// ARG COMMIT_SHA
    /// LABEL org.opencontainers.image.revision=$COMMIT_SHA
    /// ```
    ///
    /// ## Fix safety
    /// Safe: the declaration moves only below steps all of whose commands are known, do not mention the variable and do
    /// not read it from the environment.
    ///
    /// ## Known problems
    /// Which names are volatile is a list (`rules/arguments.toml`). An argument with a fixed default is not reported.
    ///
    /// ## References
    /// - <https://docs.docker.com/build/cache/invalidation/>
    VolatileArgBeforeRun {
        name: "volatile-arg-before-run",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Always,
    }
}

impl Rule for VolatileArgBeforeRun {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let volatile = subject.build.volatile_arguments();
        for (id, step) in subject.build.steps() {
            let Action::Argument(names) = &step.action else { continue };
            let Some(change) = sink_declaration(subject.build, id, &volatile) else { continue };
            let Some((run, seconds)) = first_crossed(subject, id, change.lines.last().copied()) else { continue };
            let names = listed(names.iter().map(String::as_str));
            let message = format!("{names} has another value at every build, so the steps below it always run again");
            let diagnostic = report.add(Self::META, subject.build.instruction(id).range, message);
            diagnostic.related.push(Label {
                range: subject.build.instruction(run).range,
                message: format!("does not read it, and takes about {seconds:.0} s"),
            });
            diagnostic.cost = Some(subject.numbers.cost(subject.build.step(run).instruction));
            diagnostic.fix = Some(sinking::fix_of(subject, change));
        }
    }
}

/// The first `RUN` between a declaration and the line below which it moves that takes time, with what it takes in seconds.
fn first_crossed(subject: &Subject<'_>, id: StepId, last_line: Option<usize>) -> Option<(StepId, f64)> {
    let steps = subject.build.stages[id.stage].steps.iter().enumerate().skip(id.step + 1);
    let runs = steps.filter(|(_, step)| step.run().is_some()).map(|(step, _)| StepId { step, ..id });
    let mut crossed = runs.filter(|run| Some(subject.build.instruction(*run).lines.0) <= last_line);
    crossed.find_map(|run| {
        let seconds = subject.numbers.cost(subject.build.step(run).instruction).seconds;
        (seconds >= 1.0).then_some((run, seconds))
    })
}
