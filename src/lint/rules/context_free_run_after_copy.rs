//! `context-free-run-after-copy`: a step that needs no project file stands below a copy of project files.

use std::cell::LazyCell;

use crate::diagnostic::Label;
use crate::ecosystem::Effect;
use crate::lint::meta::declare_rule;
use crate::lint::sinking;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::Run;

declare_rule! {
    /// ## What it does
    /// Finds a `RUN` that reads nothing of the project, such as an installation of system packages, below a `COPY` of
    /// files that change often.
    ///
    /// ## Why is this bad?
    /// The step does the same whatever the project holds, yet it runs again whenever one of the copied files changes.
    ///
    /// ## Example
    /// ```files
    /// src/main.c
    /// ```
    /// ```dockerfile
    /// FROM debian:12
    /// WORKDIR /app
    /// COPY . .
    /// RUN apt-get update && apt-get install -y gcc
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM debian:12
    /// WORKDIR /app
    /// RUN apt-get update && apt-get install -y gcc
    /// COPY . .
    /// ```
    ///
    /// ## Fix safety
    /// Safe: the step and the copy read and write different files. What the network gives may be older, because the step
    /// stays cached for longer.
    ///
    /// ## References
    /// - <https://docs.docker.com/build/cache/optimize/#order-your-layers>
    ContextFreeRunAfterCopy {
        name: "context-free-run-after-copy",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for ContextFreeRunAfterCopy {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let mut reported = Vec::new();
        for (id, step) in subject.build.steps() {
            let moves =
                step.transfer().is_some_and(|transfer| transfer.is_from_context() && transfer.holds_directory());
            let Some(found) = moves.then(|| subject.numbers.sink(id)).flatten() else { continue };
            // What the file would be is worked out for the first step that may be worth it.
            let whole = LazyCell::new(|| sinking::of(subject, found));
            let part = found.safe_part(subject.build);
            let safe = LazyCell::new(|| part.as_ref().and_then(|part| sinking::of(subject, part)));
            for crossed in found.crossed.iter().filter(|crossed| crossed.crossing.manifests.is_empty()) {
                let Some(title) = subject.build.step(crossed.id).run().and_then(context_free_title) else { continue };
                let cost = subject.numbers.cost(subject.build.step(crossed.id).instruction);
                if reported.contains(&crossed.id) || cost.rate < sinking::LEAST_DIFFERENCE {
                    continue;
                }
                let by_part = part.as_ref().is_some_and(|part| part.crosses(crossed.id));
                let sunk = if by_part { &*safe } else { &*whole };
                let Some(sunk) = sunk else { break };
                let after = sunk.rate_after(subject, crossed.id).unwrap_or(0.0);
                if cost.rate - after < sinking::LEAST_DIFFERENCE {
                    continue;
                }
                reported.push(crossed.id);
                let copy = subject.build.instruction(id);
                let text = sinking::one_line(subject, copy);
                let message =
                    format!("`{title}` needs nothing of the project, but runs again on {}", sinking::share(&cost));
                let diagnostic = report.add(Self::META, subject.build.instruction(crossed.id).range, message);
                diagnostic.related.push(Label { range: copy.range, message: format!("`{text}` stands above it") });
                diagnostic.cost = Some(cost);
                diagnostic.fix.clone_from(&sunk.fix);
            }
        }
    }
}

/// The first command that takes time and needs nothing of the project, in a step that needs nothing of it either.
fn context_free_title(run: &Run) -> Option<&str> {
    let free = |effect| matches!(effect, Effect::ContextFree | Effect::Inert | Effect::Paths);
    let all_free = run.is_known() && run.commands.iter().all(|command| free(command.effect()));
    let first = run.commands.iter().find(|command| command.effect() == Effect::ContextFree)?;
    all_free.then_some(first.known.title.as_str())
}
