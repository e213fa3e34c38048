//! Adding a step that downloads dependencies before the sources are there.
//!
//! The later command stays as it is and finds its downloads in a cache. The step runs no code of the project.

use super::{
    carried::{Bring, Carried},
    crossing::{Needed, Obstacle},
    early_install::EarlyInstall,
    emit::{insert_above, manifest_lines, move_above},
    moves::{Move, MoveKind, Refused, listed},
    sink::Sink,
};
use crate::{
    diagnostic::Safety,
    ecosystem::{Effect, Line, WarmUp},
    model::{Base, Build, KnownCommand, Run, StagePath, StepId, Supply},
    syntax::{Body, Instruction, Source},
    text::TextEdit,
};

/// The download step for the command that stopped a copy, if its pack knows one: the move, or why it is refused.
pub(super) fn warm_up(build: &Build<'_>, sunk: &Sink, obstacle: &Obstacle) -> Option<Result<Move, Refused>> {
    let carried = Carried::new(build, sunk.carried)?;
    carried.placement()?;
    let run = build.step(obstacle.id).run()?;
    let (command, step) = run.commands.iter().find_map(|command| Some((command, command.warm_up.as_ref()?)))?;
    let refuse = |reason: &str, evidence: &str| Refused {
        step: obstacle.id,
        carried: sunk.carried,
        reason: reason.to_owned(),
        evidence: evidence.to_owned(),
        inherent: false,
    };
    if build.is_warm(obstacle.id, &command.known) || step.lock_only {
        return None;
    }
    if step.completes.is_some() {
        let early = EarlyInstall { build, carried: &carried, id: obstacle.id, command, step };
        return match early.offer() {
            Ok(found) => found.map(Ok),
            Err(obstacle) => Some(Err(refuse(&obstacle.reason, &obstacle.evidence))),
        };
    }
    let Line::Fixed(line) = &step.line else { return None };
    if let Some(refusal) = step.closure.refusals.first() {
        return Some(Err(refuse(&refusal.reason, &refusal.evidence)));
    }
    if let Some(reason) = surroundings_refusal(build, obstacle.id, run, command, &carried) {
        return Some(Err(refuse(&reason, &command.known.title)));
    }
    let needed = needed(&carried, command, step)?;
    Some(Ok(describe(build, obstacle.id, &carried, command, (step, line), &needed)?))
}

/// The step that reads only the lock file, where the copy brings just what the install below it needs.
pub(super) fn lock_step(build: &Build<'_>, sunk: &Sink) -> Option<Move> {
    let carried = Carried::new(build, sunk.carried)?;
    carried.placement()?;
    sunk.crossed.iter().find_map(|crossed| {
        let run = build.step(crossed.id).run()?;
        let steps = run.commands.iter().filter_map(|command| Some((command, command.warm_up.as_ref()?)));
        let (command, step) = steps.into_iter().find(|(_, step)| step.lock_only && step.completes.is_some())?;
        if build.is_warm(crossed.id, &command.known) {
            return None;
        }
        EarlyInstall { build, carried: &carried, id: crossed.id, command, step }.offer().ok()?
    })
}

/// What else stands in the way: the download must run as the later command does.
fn surroundings_refusal(
    build: &Build<'_>,
    id: StepId,
    run: &Run,
    command: &KnownCommand,
    carried: &Carried<'_>,
) -> Option<String> {
    let before: Vec<&KnownCommand> = run.commands.iter().take_while(|other| !std::ptr::eq(*other, command)).collect();
    let prepared = before.iter().any(|other| other.effect() != Effect::Inert);
    let opaque_before = run.opaque.iter().any(|opaque| opaque.range.start < command.command.range.start);
    if prepared || opaque_before {
        return Some("commands in front of it may prepare the download".to_owned());
    }
    if command.directory.as_ref() != Some(&build.step(id).before.directory) {
        return Some("it runs in another directory than the step starts in".to_owned());
    }
    if !command.command.prefixes.is_empty() || command.command.guard.conditional {
        return Some("it does not always run, or runs as another user".to_owned());
    }
    if let Some(reason) = carried.reaches_into_system() {
        return Some(reason);
    }
    let hidden = run.mounts.iter().find(|mount| {
        mount.target.as_ref().is_some_and(|target| mount.context.is_some() || carried.brings(target) != Bring::Nothing)
    });
    hidden.map(|_| "a mount stands where the sources are".to_owned())
}

/// The files that the download reads, where the copy brings them.
fn needed(carried: &Carried<'_>, command: &KnownCommand, step: &WarmUp) -> Option<Vec<Needed>> {
    let mut needed = Vec::new();
    for read in &step.closure.reads {
        let place = command.place_of(&read.path)?;
        match carried.brings(&place) {
            Bring::Nothing => {}
            Bring::File(path) | Bring::Directory(path) if path == read.path && !carried.transfer.varies => {
                needed.push(Needed { path, directory: read.directory, place });
            }
            _ => return None,
        }
    }
    needed.sort();
    (!needed.is_empty()).then_some(needed)
}

fn describe(
    build: &Build<'_>,
    id: StepId,
    carried: &Carried<'_>,
    command: &KnownCommand,
    (step, line): (&WarmUp, &str),
    needed: &[Needed],
) -> Option<Move> {
    let mut lines = manifest_lines(carried, build.inputs.catalog, needed)?;
    let instruction = build.instruction(id);
    lines.push(run_line(build, instruction, command, (step, line)));
    let shipped = shipping_stage(build, id.stage, step);
    let title = format!("Download dependencies with `{line}` before the sources are copied");
    let fills = listed(step.fills.iter().map(String::as_str));
    let (safety, argument) = match shipped {
        None => (
            Safety::Safe,
            format!(
                "`{line}` reads only {} and fills only {fills}, which no image keeps; `{}` stays as it is",
                listed(needed.iter().map(|needed| needed.path.as_str())),
                command.known.title
            ),
        ),
        Some(reason) => (Safety::Unsafe, format!("{reason}, with whatever `{line}` adds to {fills}")),
    };
    Some(Move {
        kind: MoveKind::AddDownloadStep,
        safety,
        title,
        argument,
        lines: vec![carried.instruction.lines.0, instruction.lines.0],
        edit: place(build, carried, id, &lines)?,
        ignore: Vec::new(),
        needs_history: false,
    })
}

/// Puts the lines in front of the copy. Where the step below finds another directory, user, shell or variable than the
/// copy does, all of it moves in front of that step.
fn place(build: &Build<'_>, carried: &Carried<'_>, id: StepId, lines: &[String]) -> Option<TextEdit> {
    let file = build.inputs.file;
    if build.step(carried.id).before == build.step(id).before {
        return Some(insert_above(file, carried.instruction, lines));
    }
    // The directory that a `WORKDIR` between them creates would not get the copy's owner.
    if carried.instruction.flag("chown").is_some() {
        return None;
    }
    move_above(file, carried.instruction, build.instruction(id), lines)
}

/// The download as a `RUN` with the flags of the later step and the assignments that it needs.
fn run_line(
    build: &Build<'_>,
    instruction: &Instruction,
    command: &KnownCommand,
    (step, line): (&WarmUp, &str),
) -> String {
    let source = build.inputs.file.source();
    let flags = instruction.flags.iter().fold(String::new(), |text, flag| text + flag.range.of(source) + " ");
    let carried = command.command.assignments.iter().filter(|given| step.carries(&given.name));
    let assignments = carried.fold(String::new(), |text, given| text + &given.name + "=" + &given.value.raw + " ");
    format!("RUN {flags}{assignments}{line}")
}

/// Why the filled directories reach the final image, if they may: the stage is shipped whole, or they are copied from it.
fn shipping_stage(build: &Build<'_>, stage: usize, step: &WarmUp) -> Option<String> {
    let fills: Vec<StagePath> = step.fills.iter().map(|path| StagePath::root().join(path)).collect();
    let last = build.stages.len().checked_sub(1)?;
    let mut shipped = vec![last];
    while let Some(index) = shipped.pop() {
        if index == stage {
            return Some("the image keeps the files of this stage".to_owned());
        }
        if let Base::Stage(parent) = build.stages[index].base {
            shipped.push(parent);
        }
    }
    let copies = build.steps().filter(|(id, step)| id.stage != stage && copies_from(step, stage));
    let taken = copies.into_iter().any(|(id, _)| {
        let (Body::Copy(arguments) | Body::Add(arguments)) = &build.instruction(id).body else { return true };
        arguments.sources.iter().any(|source| {
            let Source::Path(word) = source else { return false };
            // Of a pattern or a variable, only what stands before it is known.
            let known = word.text.split(['*', '?', '[', '$']).next().unwrap_or_default();
            let place = StagePath::root().join(known);
            fills.iter().any(|filled| filled.may_overlap(&place))
        })
    });
    let inherits = build.stages.iter().any(|other| other.base == Base::Stage(stage));
    (taken || inherits).then(|| "another stage takes files of this one".to_owned())
}

fn copies_from(step: &crate::model::Step, stage: usize) -> bool {
    step.transfer().is_some_and(|transfer| transfer.supply == Supply::Stage(stage))
}
