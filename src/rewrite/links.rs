//! Links inside a stage: what is reached through one stands at another place than its name says.

use std::collections::BTreeSet;

use crate::{
    context::EntryKind,
    ecosystem::Access,
    model::{Action, Build, KnownCommand, Run, StagePath, StepId, Transfer},
};

/// The link, made or copied by an earlier step, behind which a place stands, or which stands there.
pub(super) fn link_above(build: &Build<'_>, id: StepId, place: &StagePath) -> Option<StagePath> {
    build.steps_to(id).find_map(|step| match &step.action {
        Action::Run(run) => run.links().find(|link| place.below(link).is_some()).cloned(),
        Action::Transfer(transfer) => copied_link(build, transfer, place),
        _ => None,
    })
}

/// The link of the context that a copy puts at a place or above it.
fn copied_link(build: &Build<'_>, transfer: &Transfer, place: &StagePath) -> Option<StagePath> {
    let (context, placement) = (build.inputs.context?, transfer.placement.as_ref()?);
    let is_link = |path: &str| {
        let found = context.entry(path).is_some_and(|entry| entry.kind == EntryKind::Link);
        found && placement.selector.selects(path)
    };
    let mut above = place.clone();
    loop {
        if placement
            .roots
            .iter()
            .filter(|root| root.directory)
            .filter_map(|root| root.origin(&above))
            .any(|path| is_link(&path))
        {
            return Some(above);
        }
        let parent = above.parent();
        if parent == above {
            return None;
        }
        above = parent;
    }
}

/// A place that a `RUN` reaches through a link, and the link: one that an earlier step has made or copied, or that the `RUN`
/// makes itself.
pub(super) fn reached_through_link(build: &Build<'_>, id: StepId, run: &Run) -> Option<(StagePath, StagePath)> {
    let links: Vec<&StagePath> = run.links().collect();
    // Long scripts reach the same places again and again.
    let mut seen = BTreeSet::new();
    run.commands.iter().find_map(|command| {
        places(command).filter(|place| seen.insert(place.clone())).find_map(|(path, made)| {
            let mut behind = links.iter().copied().filter(|link| path.below(link).is_some());
            let own = behind.find(|link| !made || path != **link).cloned();
            let link = own.or_else(|| link_above(build, id, &path))?;
            Some((path, link))
        })
    })
}

/// Whether a step reads or writes anything through a link.
pub(super) fn is_through_link(build: &Build<'_>, id: StepId) -> bool {
    match &build.step(id).action {
        Action::Run(run) => reached_through_link(build, id, run).is_some(),
        Action::Transfer(transfer) => {
            transfer.destination.as_ref().is_some_and(|place| link_above(build, id, place).is_some())
        }
        _ => false,
    }
}

/// The places that a command reaches, each with whether a link that stands there itself is meant: one that the command
/// makes or removes.
fn places(command: &KnownCommand) -> impl Iterator<Item = (StagePath, bool)> {
    let closure = command.closure.iter();
    let read = closure.flat_map(|closure| &closure.reads).filter_map(|read| command.place_of(&read.path));
    let makes = command.makes_links();
    let named = command.accesses.iter().map(move |access| {
        let made = access.access == Access::Remove || makes && access.access == Access::Write;
        (access.path.clone(), made)
    });
    named.chain(command.directory.clone().into_iter().chain(read).map(|path| (path, false)))
}
