//! `ENV` and `ARG` that are named like a secret.

use super::secret_mount::secret_mount;
use super::{FOR_A_CONTAINER, FOR_A_STEP, SecretInImage};
use crate::diagnostic::{Label, Severity};
use crate::ecosystem::secrets::{is_placeholder, is_secret_name};
use crate::lint::{Reporter, Subject};
use crate::model::{Action, Origin, State, StepId};
use crate::syntax::{ArgDeclaration, Body, Pair, expand, variables};

/// Reports them, but for the instructions that are `told` of already.
pub(super) fn report(subject: &Subject<'_>, told: &[usize], report: &mut Reporter) {
    for (id, step) in subject.build.steps() {
        if told.contains(&step.instruction) {
            continue;
        }
        match &subject.build.instruction(id).body {
            Body::Env(pairs) if subject.build.is_shipped(id.stage) => {
                for pair in pairs.iter().filter(|pair| is_secret_name(&pair.key.text)) {
                    report_environment(subject, pair, &step.before, report);
                }
            }
            Body::Arg(declarations) => {
                for declared in declarations.iter().filter(|declared| is_secret_name(&declared.name.text)) {
                    report_argument(subject, id, declared, report);
                }
            }
            _ => {}
        }
    }
}

fn report_environment(subject: &Subject<'_>, pair: &Pair, before: &State, report: &mut Reporter) {
    let escape = subject.file.escape();
    let name = &pair.key.text;
    let range = pair.key.range;
    let expanded = expand(&pair.value.text, escape, &|name| before.partial(name)).map(|found| found.text);
    let value = expanded.unwrap_or_default();
    let fed: Vec<String> = variables(&pair.value.text, escape)
        .into_iter()
        .filter(|name| before.variable(name).is_some_and(|variable| variable.origin == Origin::Argument))
        .collect();
    let message = match fed.first() {
        // A default that is no secret says that none is meant.
        Some(argument) if value.is_empty() || !is_placeholder(&value) => {
            format!("`{name}` keeps the value of the build argument `{argument}` in the image")
        }
        None if !is_placeholder(&value) => format!("`{name}` puts a secret into the image"),
        _ => return,
    };
    let diagnostic = report.add(SecretInImage::META, range, message);
    diagnostic.help = Some(FOR_A_CONTAINER.to_owned());
}

fn report_argument(subject: &Subject<'_>, id: StepId, declared: &ArgDeclaration, report: &mut Reporter) {
    let name = &declared.name.text;
    let stage = &subject.build.stages[id.stage];
    let after = stage.steps.get(id.step + 1).map_or(&stage.end, |step| &step.before);
    let default = after.variable(name).filter(|variable| variable.origin == Origin::Argument);
    let Some(default) = default else { return };
    if !default.partial.is_empty() && is_placeholder(&default.partial) || goes_into_environment(subject, id, name) {
        return;
    }
    let Some(run) = first_run(subject, id, name) else { return };
    let shipped = subject.build.is_shipped(id.stage);
    let message = if shipped {
        format!("the value of the build argument `{name}` stays in the image's history")
    } else {
        format!("the value of the build argument `{name}` stays in caches and in the provenance of the build")
    };
    let diagnostic = report.add(SecretInImage::META, declared.name.range, message);
    if !shipped {
        diagnostic.severity = Severity::Info;
    }
    diagnostic.related.push(Label { range: subject.build.instruction(run).range, message: "runs with it".to_owned() });
    diagnostic.help = Some(FOR_A_STEP.to_owned());
    diagnostic.fix = secret_mount(subject, id, declared);
}

/// Whether an `ENV` of the stage takes up the argument: that is reported there, if at all.
fn goes_into_environment(subject: &Subject<'_>, id: StepId, name: &String) -> bool {
    let steps = subject.build.stages[id.stage].steps.iter().skip(id.step + 1);
    let shipped = subject.build.is_shipped(id.stage);
    let escape = subject.file.escape();
    steps.filter_map(|step| subject.file.instructions().get(step.instruction)).any(|instruction| {
        let Body::Env(pairs) = &instruction.body else { return false };
        let taken = |pair: &Pair| is_secret_name(&pair.key.text) && variables(&pair.value.text, escape).contains(name);
        shipped && pairs.iter().any(taken)
    })
}

/// The first `RUN` below that mentions it, else the first at all: each has it in its environment and in its history.
fn first_run(subject: &Subject<'_>, id: StepId, name: &String) -> Option<StepId> {
    let steps = subject.build.stages[id.stage].steps.iter().enumerate().skip(id.step + 1);
    let runs: Vec<(usize, bool)> = steps
        .filter_map(|(index, step)| match &step.action {
            Action::Run(run) => Some((index, run.mentions.contains(name))),
            _ => None,
        })
        .collect();
    let chosen = runs.iter().find(|(_, mentions)| *mentions).or(runs.first())?;
    Some(StepId { step: chosen.0, ..id })
}
