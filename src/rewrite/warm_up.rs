//! Adding a step that downloads dependencies before the sources are there.
//!
//! The later command stays as it is and finds its downloads in a cache. The step runs no code of the project.

use super::{
    carried::{Bring, Carried, overlaps},
    crossing::{Needed, Obstacle, PATTERN_LETTERS, cross_run, may_write},
    early_install::EarlyInstall,
    emit::{insert_above, manifest_lines, move_above},
    moves::{Move, MoveKind, Refused, listed},
    restate::is_settled,
    sink::Sink,
};
use crate::{
    diagnostic::Safety,
    ecosystem::{Effect, Line, WarmUp, WriteKind},
    model::{Action, Base, Build, KnownCommand, Run, Shell, StagePath, StepId},
    syntax::{Instruction, MountKind},
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
        kept_by: None,
    };
    if build.is_warm(obstacle.id, &command.known) || step.lock_only || fills_mount(run, step) {
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
    if let Some(path) = covered_output(&carried, command, step) {
        let reason = format!("`{path}` of the build context would be copied over what `{line}` writes");
        return Some(Err(refuse(&reason, &path)));
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

/// Whether the downloads go to a cache mount, which the later command finds as full without a step of their own.
fn fills_mount(run: &Run, step: &WarmUp) -> bool {
    let fills = |place: &StagePath| step.fills.iter().any(|path| StagePath::root().join(path).may_overlap(place));
    let mut caches = run.mounts.iter().filter(|mount| mount.mount.kind == MountKind::Cache);
    step.completes.is_none() && caches.any(|mount| mount.target.as_ref().is_none_or(fills))
}

/// What the download fills within the project and the copy would bring too.
fn covered_output(carried: &Carried<'_>, command: &KnownCommand, step: &WarmUp) -> Option<String> {
    let fills = |kind| matches!(kind, WriteKind::Output | WriteKind::CleanOutput);
    let outputs = step.closure.writes.iter().filter(|write| fills(write.kind));
    let covered = |path: &str| command.place_of(path).is_none_or(|place| carried.brings(&place) != Bring::Nothing);
    outputs.map(|write| write.path.clone()).find(|path| covered(path))
}

/// What must stand before the download.
struct Ahead {
    /// What is copied.
    copied: Vec<Needed>,
    /// Files that need only be there: they are made empty, and the later copy writes over them.
    empty: Vec<Needed>,
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
fn needed(carried: &Carried<'_>, command: &KnownCommand, step: &WarmUp) -> Option<Ahead> {
    let mut ahead = Ahead { copied: Vec::new(), empty: Vec::new() };
    let mut brought = false;
    let may_make = may_make_files(carried, command);
    for read in &step.closure.reads {
        let place = command.place_of(&read.path)?;
        match carried.brings(&place) {
            Bring::Nothing => {}
            Bring::File(path) | Bring::Directory(path) if path == read.path && !carried.transfer.varies => {
                if carried.stands_behind_link(&path) || path.contains(PATTERN_LETTERS) {
                    return None;
                }
                brought = true;
                if carried.is_there_already(&path, &place) {
                    continue;
                }
                let list =
                    if may_make && read.presence && is_plain(&path) { &mut ahead.empty } else { &mut ahead.copied };
                list.push(Needed { path, directory: read.directory, place });
            }
            _ => return None,
        }
    }
    ahead.copied.sort();
    ahead.empty.sort();
    // A copy of just these files is such a step already.
    let copied = |path: &str| ahead.copied.iter().any(|needed| needed.path == path);
    let more = carried.placement()?.1.roots.iter().any(|root| root.directory || !copied(&root.context));
    (brought && more).then_some(ahead)
}

/// Whether the step can make empty files as the copy would make them: it runs as the owner that the copy gives its files
/// to, in a shell that has `mkdir` and `touch`.
fn may_make_files(carried: &Carried<'_>, command: &KnownCommand) -> bool {
    let state = &carried.build.step(carried.id).before;
    let is_posix = matches!(state.shell, Shell::Posix { .. });
    let owned = ["chown", "chmod"].iter().any(|flag| carried.instruction.flag(flag).is_some());
    let beside = |place: &StagePath| command.directory.as_ref().is_some_and(|start| place.below(start).is_some());
    state.runs_as_root()
        && is_posix
        && !owned
        && command.place_of("").is_some_and(|place| !place.is_floating() || beside(&place))
}

/// Whether a shell takes the path as it stands.
fn is_plain(path: &str) -> bool {
    !path.starts_with('-') && path.chars().all(|letter| letter.is_alphanumeric() || "/._-+@".contains(letter))
}

fn describe(
    build: &Build<'_>,
    id: StepId,
    carried: &Carried<'_>,
    command: &KnownCommand,
    (step, line): (&WarmUp, &str),
    ahead: &Ahead,
) -> Option<Move> {
    let mut lines = manifest_lines(carried, build.inputs.catalog, &ahead.copied, &build.step(carried.id).before)?;
    let instruction = build.instruction(id);
    lines.push(run_line(build, instruction, command, (step, line), &made(command, &ahead.empty)?));
    let shipped = shipping_stage(build, id.stage, step);
    let title = format!("Download dependencies with `{line}` before the sources are copied");
    let fills = listed(step.fills.iter().map(String::as_str));
    let (safety, argument) = match (shipped, step.differs.first()) {
        (None, None) => (Safety::Safe, argument(command, (step, line), ahead, &fills)),
        (Some(reason), _) => (Safety::Unsafe, format!("{reason}, with whatever `{line}` adds to {fills}")),
        (None, Some(doubt)) => (Safety::Unsafe, doubt.reason.clone()),
    };
    Some(Move {
        kind: MoveKind::AddDownloadStep,
        safety,
        title,
        argument,
        lines: vec![carried.instruction.lines.0, instruction.lines.0],
        edit: place(build, carried, id, command, (step, &lines))?,
        ignore: Vec::new(),
        needs_history: false,
    })
}

/// Why the image stays the same.
fn argument(command: &KnownCommand, (step, line): (&WarmUp, &str), ahead: &Ahead, fills: &str) -> String {
    let is_made = |path: &str| ahead.empty.iter().any(|empty| empty.path == path);
    let read = step.closure.reads.iter().map(|read| read.path.as_str()).filter(|path| !is_made(path));
    let reads = listed(read);
    let empty = if ahead.empty.is_empty() {
        String::new()
    } else {
        let made = listed(ahead.empty.iter().map(|needed| needed.path.as_str()));
        format!("; of {made} it asks only that they are there, and the copy writes over them")
    };
    let title = &command.known.title;
    format!("`{line}` reads only {reads} and fills only {fills}, which no image keeps; `{title}` stays as it is{empty}")
}

/// Puts the lines in front of the copy. Where the step below finds another directory, user, shell, variable or file than
/// the copy does, or what a `RUN` between them has prepared, all of it moves in front of that step.
fn place(
    build: &Build<'_>,
    carried: &Carried<'_>,
    id: StepId,
    command: &KnownCommand,
    (step, lines): (&WarmUp, &[String]),
) -> Option<TextEdit> {
    let file = build.inputs.file;
    let is_ready = step.closure.reads.iter().all(|read| {
        command.place_of(&read.path).is_some_and(|place| !is_touched_between(build, carried.id, id, &place))
    });
    let between = (carried.id.step + 1..id.step).map(|step| StepId { step, ..id });
    let runs: Vec<(StepId, &Run)> = between.filter_map(|id| Some((id, build.step(id).run()?))).collect();
    if is_ready && runs.is_empty() && build.step(carried.id).before == build.step(id).before {
        return Some(insert_above(file, carried.instruction, lines));
    }
    // The directory that a `WORKDIR` between them creates would not get the copy's owner.
    let moves = carried.instruction.flag("chown").is_none() && is_settled(carried, &build.step(id).before);
    if !moves || !runs.iter().all(|(id, run)| is_free(carried, *id, run)) {
        return None;
    }
    move_above(file, carried.instruction, build.instruction(id), lines)
}

/// Whether a step between the two may bring or change what stands at a place: a program made executable, a lock file.
fn is_touched_between(build: &Build<'_>, from: StepId, to: StepId, place: &StagePath) -> bool {
    (from.step + 1..to.step).any(|step| match &build.step(StepId { step, ..to }).action {
        Action::Run(run) => may_write(run, place),
        Action::Transfer(transfer) => {
            transfer.destination.as_ref().is_none_or(|destination| overlaps(destination, place))
        }
        Action::Malformed => true,
        _ => false,
    })
}

/// Whether the copy may move below a `RUN` without anything copied ahead.
fn is_free(carried: &Carried<'_>, id: StepId, run: &Run) -> bool {
    let crossed = cross_run(carried, id, run, &[]);
    crossed.is_ok_and(|crossing| crossing.manifests.is_empty() && crossing.caveats.is_empty())
}

/// The shell's words that make empty files, in front of the command that needs them.
fn made(command: &KnownCommand, empty: &[Needed]) -> Option<String> {
    if empty.is_empty() {
        return Some(String::new());
    }
    let start = command.directory.as_ref()?;
    let text = |place: &StagePath| place.below(start).unwrap_or_else(|| place.as_str()).to_owned();
    let mut directories: Vec<String> =
        empty.iter().map(|needed| text(&needed.place.parent())).filter(|directory| !directory.is_empty()).collect();
    directories.sort();
    directories.dedup();
    let files: Vec<String> = empty.iter().map(|needed| text(&needed.place)).collect();
    let made = if directories.is_empty() { String::new() } else { format!("mkdir -p {} && ", directories.join(" ")) };
    Some(format!("{made}touch {} && ", files.join(" ")))
}

/// The download as a `RUN` with the flags of the later step and the assignments that it needs.
fn run_line(
    build: &Build<'_>,
    instruction: &Instruction,
    command: &KnownCommand,
    (step, line): (&WarmUp, &str),
    made: &str,
) -> String {
    let source = build.inputs.file.source();
    let flags = instruction.flags.iter().fold(String::new(), |text, flag| text + flag.range.of(source) + " ");
    let carried = command.command.assignments.iter().filter(|given| step.carries(&given.name));
    let assignments = carried.fold(String::new(), |text, given| text + &given.name + "=" + &given.value.raw + " ");
    format!("RUN {flags}{made}{assignments}{line}")
}

/// Why the filled directories reach an image, if they may: the stage is shipped whole, or they are copied from it.
fn shipping_stage(build: &Build<'_>, stage: usize, step: &WarmUp) -> Option<String> {
    let fills: Vec<StagePath> = step.fills.iter().map(|path| StagePath::root().join(path)).collect();
    if build.may_be_shipped(stage) {
        return Some("the image keeps the files of this stage".to_owned());
    }
    let inherits = build.stages.iter().any(|other| other.base == Base::Stage(stage));
    (inherits || build.takes_from(stage, &fills)).then(|| "another stage takes files of this one".to_owned())
}
