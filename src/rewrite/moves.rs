//! All moves that a file offers, and all that were refused.

use super::{
    crossing::{Caveat, Needed, Obstacle},
    declaration::sink_declaration,
    emit::sink_edit,
    observed::observation,
    sink::{Sink, is_from_context, sink},
    split_run::split_run,
    warm_up::{lock_step, warm_up},
};
use crate::{
    context::{EntryKind, path},
    diagnostic::Safety,
    ecosystem::Effect,
    model::{Build, Run, StepId},
    text::TextEdit,
};

/// What a move does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MoveKind {
    /// Copies the manifests, installs, and copies the rest after.
    CopyManifestsFirst,
    /// Copies what a traced step was seen to read, runs it, and copies the rest after.
    CopySeenFirst,
    /// Moves a copy below steps that do not need it.
    SinkCopy,
    /// Moves the declaration of a volatile argument below steps that do not read it.
    SinkArgument,
    /// Moves labels that a release changes below the last step that takes time.
    SinkLabel,
    /// Adds a step that downloads dependencies before the sources are there.
    AddDownloadStep,
    /// Adds a step that installs dependencies before the sources are there; the command that stays completes it.
    InstallDependenciesFirst,
    /// Puts the steps of a stage into the order that costs the least.
    ReorderSteps,
    /// Makes two steps of a `RUN`, so that a copy can move between them.
    SplitRun,
    /// Keeps the downloads of an install in a cache mount.
    AddCacheMount,
    /// Splits the one stage of a file into one that builds and one that runs.
    SplitStages,
    /// Creates or extends `.dockerignore`.
    WriteDockerignore,
}

impl MoveKind {
    /// The name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CopyManifestsFirst => "copy-manifests-first",
            Self::CopySeenFirst => "copy-seen-first",
            Self::SinkCopy => "sink-copy",
            Self::SinkArgument => "sink-argument",
            Self::SinkLabel => "sink-label",
            Self::AddDownloadStep => "add-download-step",
            Self::InstallDependenciesFirst => "install-dependencies-first",
            Self::ReorderSteps => "reorder-steps",
            Self::SplitRun => "split-run",
            Self::AddCacheMount => "add-cache-mount",
            Self::SplitStages => "split-stages",
            Self::WriteDockerignore => "write-dockerignore",
        }
    }
}

/// One change to the file that a plan is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// What it does.
    pub kind: MoveKind,
    /// What it promises.
    pub safety: Safety,
    /// In the imperative.
    pub title: String,
    /// Why the promise holds, or why it may not.
    pub argument: String,
    /// First lines of the instructions it concerns, in the file before the move.
    pub lines: Vec<usize>,
    /// The change of the Dockerfile.
    pub edit: TextEdit,
    /// Patterns that must stand in `.dockerignore` for the promise to hold.
    pub ignore: Vec<String>,
    /// Whether only history can show that it pays.
    pub needs_history: bool,
}

/// A move that was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The step that the copy would have to move below.
    pub step: StepId,
    /// The copy.
    pub carried: StepId,
    /// The step between the two that keeps the copy above it, where that is what the reason is of.
    pub kept_by: Option<StepId>,
    /// As a phrase.
    pub reason: String,
    /// What shows it.
    pub evidence: String,
}

/// What a file offers.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// In the order of the file.
    pub moves: Vec<Move>,
    /// In the order of the file.
    pub refusals: Vec<Refused>,
}

/// Looks for moves in every stage.
pub fn survey(build: &Build<'_>) -> Survey {
    let mut found = Survey::default();
    let volatile = build.volatile_arguments();
    for (id, _) in build.steps() {
        found.moves.extend(sink_declaration(build, id, &volatile));
        let Some(sunk) = sink(build, id) else {
            found.refusals.extend(unknown_destination(build, id));
            continue;
        };
        match split_run(build, &sunk) {
            Some(Ok(split)) => found.moves.push(split),
            Some(Err(refused)) => found.refusals.push(refused),
            None => {}
        }
        if sunk.crossed.is_empty() {
            match sunk.stopped_by.as_ref().and_then(|obstacle| warm_up(build, &sunk, obstacle)) {
                Some(Ok(step)) => found.moves.push(step),
                Some(Err(refused)) => found.refusals.push(refused),
                None => {}
            }
        } else {
            let safe = sunk.safe_part(build).and_then(|part| sink_move(build, &part));
            found.moves.extend(safe.or_else(|| sink_move(build, &sunk)).or_else(|| lock_step(build, &sunk)));
        }
        found.refusals.extend(sunk.stopped_by.as_ref().and_then(|obstacle| refusal(build, &sunk, obstacle)));
    }
    found.refusals.sort_by_key(|refused| (refused.step, refused.carried));
    found.refusals.dedup_by_key(|refused| refused.step);
    found
}

/// The move that carries out a sink.
pub fn sink_move(build: &Build<'_>, sunk: &Sink) -> Option<Move> {
    let manifests = sunk.manifests();
    let edit = sink_edit(build, sunk)?;
    if is_all_needed(build, sunk.carried, &manifests) {
        // Copying it ahead would gain nothing; it may still move to where it is needed.
        let way = sunk.to_first_need(build).filter(|_| !manifests.is_empty())?;
        return sink_move(build, &way);
    }
    let differs: Vec<String> = sunk.caveats().filter_map(difference).collect();
    let ignore: Vec<String> = sunk.caveats().filter_map(ignored).collect();
    let is_seen = sunk.caveats().any(|caveat| matches!(caveat, Caveat::Seen { .. }));
    let kind = match manifests.is_empty() {
        _ if is_seen => MoveKind::CopySeenFirst,
        true => MoveKind::SinkCopy,
        false => MoveKind::CopyManifestsFirst,
    };
    let carried = build.instruction(sunk.carried);
    let last = quoted(build, sunk.last()?);
    let title = match kind {
        _ if manifests.is_empty() => format!("Move {} below {last}", quoted(build, sunk.carried)),
        _ => format!(
            "Copy only {} before {last}, and the rest after it",
            listed(manifests.iter().map(|needed| needed.path.as_str()))
        ),
    };
    let lines = std::iter::once(carried.lines.0)
        .chain(sunk.crossed.iter().map(|crossed| build.instruction(crossed.id).lines.0));
    Some(Move {
        kind,
        safety: if differs.is_empty() { Safety::Safe } else { Safety::Unsafe },
        title,
        argument: if differs.is_empty() { argument(build, sunk) } else { differs.join("; ") },
        lines: lines.collect(),
        edit,
        ignore,
        needs_history: false,
    })
}

/// Whether the steps need everything that the copy brings, so that copying it ahead gains nothing.
pub(super) fn is_all_needed(build: &Build<'_>, carried: StepId, manifests: &[Needed]) -> bool {
    let placement = build.step(carried).transfer().and_then(|transfer| transfer.placement.as_ref());
    let (Some(placement), Some(context)) = (placement, build.inputs.context) else { return false };
    let is_needed = |path: &str| {
        manifests
            .iter()
            .any(|needed| needed.path == path || needed.directory && path::below(path, &needed.path).is_some())
    };
    placement.roots.iter().all(|root| {
        // More files than are needed cannot all be needed.
        let walk = context.walk(&root.context, 2 * manifests.len() + 100);
        let files = walk.found.iter().filter(|(_, entry)| entry.kind != EntryKind::Directory);
        is_needed(&root.context) || root.directory && !walk.cut && files.into_iter().all(|(path, _)| is_needed(path))
    })
}

/// Why the image stays the same.
fn argument(build: &Build<'_>, sunk: &Sink) -> String {
    let mut parts = Vec::new();
    for crossed in &sunk.crossed {
        let reads = crossed.crossing.manifests.iter().map(|needed| needed.path.as_str());
        let needed = match crossed.crossing.manifests.as_slice() {
            [] => "nothing".to_owned(),
            _ => format!("only {}", listed(reads)),
        };
        let step = quoted(build, crossed.id);
        parts.push(format!("{step} reads {needed} of what the copy brings, and writes no other file of it"));
    }
    for caveat in sunk.caveats() {
        if let Caveat::Ignore { reason, .. } = caveat {
            parts.push(reason.clone());
        }
    }
    parts.join("; ")
}

/// An instruction in backticks, on one line, shortened.
pub(super) fn quoted(build: &Build<'_>, id: StepId) -> String {
    format!("`{}`", build.instruction(id).one_line(build.inputs.file.source(), 50))
}

/// Names in backticks, the first few of many.
pub fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const SHOWN: usize = 6;
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.len() <= SHOWN {
        return names.join(", ");
    }
    format!("{} and {} more", names[..SHOWN - 1].join(", "), names.len() + 1 - SHOWN)
}

pub(super) fn difference(caveat: &Caveat) -> Option<String> {
    match caveat {
        Caveat::Differs { reason, .. } | Caveat::Seen { reason } => Some(reason.clone()),
        Caveat::Ignore { .. } => None,
    }
}

pub(super) fn ignored(caveat: &Caveat) -> Option<String> {
    match caveat {
        Caveat::Ignore { path, .. } => Some(path.clone()),
        Caveat::Differs { .. } | Caveat::Seen { .. } => None,
    }
}

/// A copy of directories to a place that nobody can tell stays where it is; worth telling where a dear step follows.
fn unknown_destination(build: &Build<'_>, carried: StepId) -> Option<Refused> {
    let step = build.step(carried);
    let transfer = step.transfer().filter(|transfer| transfer.is_from_context() && transfer.holds_directory())?;
    let name = transfer.mentions.iter().find(|name| step.before.lookup(name).is_none())?;
    let below = (carried.step + 1..build.stages[carried.stage].steps.len()).map(|step| StepId { step, ..carried });
    let dear = below.into_iter().find(|id| build.step(*id).run().is_some_and(|run| run.cost.high >= 10.0))?;
    Some(Refused {
        step: dear,
        carried,
        reason: format!("the copy before it goes where `${name}` says, which this file does not set"),
        evidence: quoted(build, carried).trim_matches('`').to_owned(),
        kept_by: None,
    })
}

/// A refusal is worth telling where a step that takes time would not need the sources but for what stopped the copy.
fn refusal(build: &Build<'_>, sunk: &Sink, obstacle: &Obstacle) -> Option<Refused> {
    let stage = &build.stages[sunk.carried.stage];
    // What stops a copy may stand above the step that it would have to move below.
    let below = (obstacle.id.step..stage.steps.len()).map(|step| StepId { step, ..sunk.carried });
    // Of a step that was traced, it is known what keeps the copy.
    let is_seen = |id: StepId, run: &Run| !run.is_known() && observation(build, id).is_some();
    let worth = |id: &StepId| build.step(*id).run().is_some_and(|run| gains(run) || is_seen(*id, run));
    let step = below.into_iter().find(worth)?;
    let run = build.step(step).run()?;
    let broad = is_from_context(build, sunk.carried) && build.step(sunk.carried).transfer()?.holds_directory();
    // After an install of the dependencies alone, one of the project itself stands where it belongs.
    let settled = run.commands.iter().any(|command| build.is_warm(step, &command.known));
    let kept_by = Some(obstacle.id).filter(|id| *id != step);
    // A build reads the sources, and that what follows it stays below it is what everybody expects.
    let expected = kept_by.is_some() && obstacle.inherent;
    (broad && !settled && !expected).then(|| Refused {
        step,
        carried: sunk.carried,
        kept_by,
        reason: obstacle.reason.clone(),
        evidence: obstacle.evidence.clone(),
    })
}

/// Whether a step takes time for what it does not need the sources for by its nature.
fn gains(run: &Run) -> bool {
    run.commands.iter().any(|command| {
        matches!(command.effect(), Effect::Install | Effect::Download | Effect::Generate | Effect::ContextFree)
            && command.known.cost().is_some_and(|cost| cost.high >= 10.0)
    })
}
