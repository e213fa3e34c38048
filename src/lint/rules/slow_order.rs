//! `slow-order`: another order of the steps costs less.

use crate::diagnostic::{Safety, Severity};
use crate::lint::meta::declare_rule;
use crate::lint::sinking;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{StepId, Transfer};
use crate::rewrite::{Reordering, sink_declaration, sink_move};

/// Share of the expected rebuild cost that another order must save.
const LEAST_SHARE: f64 = 0.05;

/// Seconds per change that it must save as well: the guesses at what steps take are off by more than a few, and nobody
/// changes a file for them.
const LEAST_SECONDS: f64 = 3.0;

declare_rule! {
    /// ## What it does
    /// Finds stages whose steps would cost less in another order: of all orders that keep what each step finds, the best
    /// one saves 5% of the expected rebuild cost or more, and at least 3 seconds per change.
    ///
    /// ## Why is this bad?
    /// A change runs the first step that it touches again, and all steps below it. Steps that change seldom and take long
    /// belong above those that change often.
    ///
    /// ## Example
    /// ```json package.json
    /// { "name": "app", "version": "1.0.0" }
    /// ```
    /// ```json package-lock.json
    /// { "name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {} }
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY package.json package-lock.json ./
    /// RUN npm ci
    /// RUN apt-get update && apt-get install -y fonts-liberation
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// RUN apt-get update && apt-get install -y fonts-liberation
    /// COPY package.json package-lock.json ./
    /// RUN npm ci
    /// ```
    ///
    /// ## Fix safety
    /// Safe where it is proven that all steps that change places commute: none reads or writes what another one writes,
    /// and none runs code of packages that could find what another one installs. Otherwise the finding is information,
    /// says what may differ, and the fix is unsafe.
    ///
    /// ## Known problems
    /// What steps take is a prior by the programs that they run. Steps whose commands are not known stay where they are.
    ///
    /// ## References
    /// - <https://docs.docker.com/build/cache/optimize/#order-your-layers>
    SlowOrder {
        name: "slow-order",
        aliases: [],
        since: "0.2.0",
        severity: Warning,
        fix: Always,
    }
}

impl Rule for SlowOrder {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        if subject.context().is_none() {
            return;
        }
        let mut told = Vec::new();
        for wanted in [Safety::Safe, Safety::Unsafe] {
            for found in subject.numbers.reorder(wanted) {
                let stage = found.moved.stage;
                if !told.contains(&stage) && pays(&found) && !is_told_otherwise(subject, stage) {
                    told.push(stage);
                    tell(subject, found, report);
                }
            }
        }
    }
}

fn pays(found: &Reordering) -> bool {
    found.before.mean - found.after.mean >= LEAST_SECONDS.max(found.before.mean * LEAST_SHARE)
}

/// Whether a move that another rule proposes for this stage comes first.
fn is_told_otherwise(subject: &Subject<'_>, stage: usize) -> bool {
    let build = subject.build;
    let volatile = build.volatile_arguments();
    let mut ids = (0..build.stages[stage].steps.len()).map(|step| StepId { stage, step });
    ids.any(|id| {
        let sinks = || {
            subject.numbers.sink(id).filter(|found| !found.crossed.is_empty()).and_then(|found| sink_move(build, found))
        };
        let told = |transfer: &Transfer| {
            transfer.stage().is_some() || transfer.is_from_context() && transfer.holds_directory()
        };
        sink_declaration(build, id, &volatile).is_some()
            || build.step(id).transfer().is_some_and(told) && sinks().is_some()
    })
}

fn tell(subject: &Subject<'_>, found: Reordering, report: &mut Reporter) {
    let instruction = subject.build.instruction(found.moved);
    let message = format!(
        "this order of steps costs {:.1} s per change, the {} one {:.1} s",
        found.before.mean,
        if found.exact { "best" } else { "better" },
        found.after.mean,
    );
    let diagnostic = report.add(SlowOrder::META, instruction.range, message);
    if found.change.safety == Safety::Unsafe {
        diagnostic.severity = Severity::Info;
    } else {
        diagnostic.help = Some(found.change.argument.clone());
    }
    diagnostic.cost = Some(subject.numbers.cost(subject.build.step(found.moved).instruction));
    diagnostic.fix = Some(sinking::fix_of(subject, found.change));
}
