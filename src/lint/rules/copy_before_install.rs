//! `copy-before-install`: sources are copied before dependencies are installed.

use crate::context::path;
use crate::diagnostic::Label;
use crate::ecosystem::Effect;
use crate::lint::meta::declare_rule;
use crate::lint::sinking::{self, Sunk};
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Placement, Run, StepId, Transfer};
use crate::rewrite::{Crossed, Sink, listed};

declare_rule! {
    /// ## What it does
    /// Finds a `COPY` or `ADD` that brings more than an install below it reads.
    ///
    /// ## Why is this bad?
    /// A step runs again when anything copied before it changes. An install reads a few files, its manifests. With the
    /// sources copied before it, each edited line installs all dependencies anew.
    ///
    /// ## Example
    /// ```json package.json
    /// { "name": "app", "version": "1.0.0" }
    /// ```
    /// ```files
    /// index.js
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY . .
    /// RUN npm install
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY package.json ./
    /// RUN npm install
    /// COPY . .
    /// ```
    ///
    /// ## Fix safety
    /// Safe where the install is proven to read nothing else of what is copied, and to write nothing that the later copy
    /// would hide. The fix is unsafe where the install may write its lock file anew, or where the build context holds a
    /// directory that the install fills. Where the install runs scripts of the project that may read the sources, there
    /// is no fix, and the finding, as information, names the script. An install that stands in one step with what needs the
    /// sources gets a step of its own where nothing but files passes from one to the other.
    ///
    /// ## Known problems
    /// What an install reads is known for the package managers that layerwise has packs for.
    ///
    /// ## References
    /// - <https://docs.docker.com/build/cache/optimize/#order-your-layers>
    CopyBeforeInstall {
        name: "copy-before-install",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for CopyBeforeInstall {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        for (id, step) in subject.build.steps() {
            let Some(transfer) =
                step.transfer().filter(|transfer| transfer.is_from_context() && transfer.holds_directory())
            else {
                continue;
            };
            if subject.context().is_none() {
                if transfer.selects("any/file/at/all") {
                    report_without_context(subject, id, report);
                }
                continue;
            }
            let Some(found) = subject.numbers.sink(id) else { continue };
            let install = found.crossed.iter().find(|crossed| installs(subject, crossed.id));
            match (install, &found.stopped_by) {
                (Some(install), _) => {
                    if let Some(sunk) = sinking::below(subject, found, install.id) {
                        report_sunk(subject, &sunk, install, report);
                    }
                }
                (None, Some(obstacle))
                    if is_first_install(subject, obstacle.id)
                        && report_split(subject, found, obstacle.id, report).is_some() => {}
                (None, Some(obstacle))
                    if !obstacle.inherent
                        && is_first_install(subject, obstacle.id)
                        && brings_project(subject, transfer, obstacle.id) =>
                {
                    report_stopped(subject, id, obstacle.id, &obstacle.reason, &obstacle.evidence, report);
                }
                _ => {}
            }
        }
    }
}

fn installs(subject: &Subject<'_>, id: StepId) -> bool {
    subject.build.step(id).run().is_some_and(|run| install_title(run).is_some())
}

/// Whether a step installs what no step before it has installed: after an install of the dependencies alone, one of the
/// project itself stands where it belongs.
fn is_first_install(subject: &Subject<'_>, id: StepId) -> bool {
    let warm = |run: &Run| run.commands.iter().any(|command| subject.build.is_warm(id, &command.known));
    installs(subject, id) && !subject.build.step(id).run().is_some_and(warm)
}

/// Whether a copy brings the project that a step installs for: its manifests, or the whole context. A directory that is
/// copied by its own name above an install is there because the install needs it, as far as anybody can tell.
fn brings_project(subject: &Subject<'_>, transfer: &Transfer, id: StepId) -> bool {
    let commands = subject.build.step(id).run().into_iter().flat_map(|run| &run.commands);
    let reads = commands.filter_map(|command| command.closure.as_ref()).flat_map(|closure| &closure.reads);
    let is_manifest = |path: &str| subject.build.inputs.catalog.is_manifest(path::base(path));
    transfer.placement.as_ref().is_some_and(Placement::takes_whole_context)
        || reads.into_iter().any(|read| is_manifest(&read.path) && transfer.selects(&read.path))
}

/// The first command that installs or downloads dependencies, as its pack spells it.
fn install_title(run: &Run) -> Option<&str> {
    let installs = |effect| matches!(effect, Effect::Install | Effect::Download);
    run.commands.iter().find(|command| installs(command.effect())).map(|command| command.known.title.as_str())
}

fn title_at<'a>(subject: &Subject<'a>, id: StepId) -> &'a str {
    subject.build.step(id).run().and_then(install_title).unwrap_or("the install")
}

fn report_sunk(subject: &Subject<'_>, sunk: &Sunk, install: &Crossed, report: &mut Reporter) {
    let cost = subject.numbers.cost(subject.build.step(install.id).instruction);
    let after = sunk.rate_after(subject, install.id);
    if after.is_some_and(|after| cost.rate - after < sinking::LEAST_DIFFERENCE) {
        return;
    }
    let title = title_at(subject, install.id);
    let reads = match install.crossing.manifests.as_slice() {
        [] => "nothing of it".to_owned(),
        manifests => format!("only {} of it", listed(manifests.iter().map(|needed| needed.path.as_str()))),
    };
    let copy = subject.build.instruction(sunk.carried);
    let message = format!(
        "`{}` before `{title}`, which reads {reads}, makes it run again on {} instead of {}",
        sinking::one_line(subject, copy),
        sinking::share(&cost),
        sinking::percent(after.unwrap_or(0.0)),
    );
    let diagnostic = report.add(CopyBeforeInstall::META, copy.range, message);
    diagnostic.related.push(Label {
        range: subject.build.instruction(install.id).range,
        message: format!("`{title}` runs again after every change of what is copied above"),
    });
    diagnostic.cost = Some(cost);
    diagnostic.fix.clone_from(&sunk.fix);
}

/// The install stands in one step with what needs the sources, and can be had on its own; `None` where not.
fn report_split(subject: &Subject<'_>, found: &Sink, install: StepId, report: &mut Reporter) -> Option<()> {
    let title = title_at(subject, install);
    let (fix, after) = sinking::after_split(subject, found, |run| install_title(run) == Some(title))?;
    let cost = subject.numbers.cost(subject.build.step(install).instruction);
    if cost.rate - after < sinking::LEAST_DIFFERENCE {
        return None;
    }
    let copy = subject.build.instruction(found.carried);
    let message = format!(
        "`{}` before `{title}`, which stands in one step with what needs the sources, makes it run again on {} instead of {}",
        sinking::one_line(subject, copy),
        sinking::share(&cost),
        sinking::percent(after),
    );
    let diagnostic = report.add(CopyBeforeInstall::META, copy.range, message);
    diagnostic.related.push(Label {
        range: subject.build.instruction(install).range,
        message: format!("`{title}` runs again after every change of what is copied above"),
    });
    diagnostic.cost = Some(cost);
    diagnostic.fix = Some(fix);
    Some(())
}

fn report_stopped(
    subject: &Subject<'_>,
    carried: StepId,
    install: StepId,
    reason: &str,
    evidence: &str,
    report: &mut Reporter,
) {
    let copy = subject.build.instruction(carried);
    let title = title_at(subject, install);
    let cost = subject.numbers.cost(subject.build.step(install).instruction);
    let message = format!(
        "`{}` before `{title}` makes it run again on {}",
        sinking::one_line(subject, copy),
        sinking::share(&cost)
    );
    let diagnostic = report.add(CopyBeforeInstall::META, copy.range, message);
    diagnostic.severity = crate::diagnostic::Severity::Info;
    diagnostic.related.push(Label {
        range: subject.build.instruction(install).range,
        message: format!("`{title}` runs again after every change of what is copied above"),
    });
    diagnostic.help = Some(format!("it is not moved, because {reason} ({evidence})"));
    diagnostic.cost = Some(cost);
}

/// Without the build context there is no telling what the install reads; that it does not read everything is enough.
fn report_without_context(subject: &Subject<'_>, carried: StepId, report: &mut Reporter) {
    let steps = &subject.build.stages[carried.stage].steps;
    for (step, found) in steps.iter().enumerate().skip(carried.step + 1) {
        let Some(run) = found.run() else { continue };
        if !run.is_known() {
            return;
        }
        let Some(title) = install_title(run) else { continue };
        let copy = subject.build.instruction(carried);
        let text = sinking::one_line(subject, copy);
        let message = format!("`{text}` before `{title}` makes it run again after every change of the sources");
        let diagnostic = report.add(CopyBeforeInstall::META, copy.range, message);
        let install = subject.build.instruction(StepId { step, ..carried });
        diagnostic.related.push(Label { range: install.range, message: format!("`{title}` stands here") });
        diagnostic.help = Some(format!("copy what `{title}` reads first, and the rest after it"));
        return;
    }
}
