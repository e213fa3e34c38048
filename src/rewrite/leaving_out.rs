//! Leaving something out of the build context: which other step, or which other Dockerfile, would miss it.

use super::{
    carried::Carried,
    crossing::Caveat,
    ignore_lines::{IgnoreLine, escaped, is_emptied_next, is_filled},
    moves::quoted,
    whole_copy::WholeCopies,
};
use crate::{
    context::{IgnoreFile, Selector, path},
    model::{Action, Build, Inputs, StepId, Transfer},
    syntax::Dockerfile,
};

/// Leaves a directory out of the context that a step fills, unless something else needs it there.
pub(super) fn leave_out(carried: &Carried<'_>, path: &str, is_untracked: bool, reason: String) -> Caveat {
    let build = carried.build;
    let taker = match missed_by(carried, path, is_untracked) {
        Some(other) => Some(quoted(build, other)),
        None => missed_elsewhere(build, &escaped(path), &[path.to_owned()]).map(|file| format!("`{file}`")),
    };
    match taker {
        None => Caveat::Ignore { path: path.to_owned(), reason },
        Some(taker) => Caveat::Differs {
            reason: format!(
                "`{path}` stands in the build context and would be copied over the new one, and {taker} takes it from \
                 there, so it cannot be left out"
            ),
            evidence: path.to_owned(),
        },
    }
}

/// The first step but the carried copy to which a path of the context makes a difference. A copy that takes it among
/// others does not count where `is_untracked` (no clean checkout has it), nor where its stage empties it before anything
/// uses it.
fn missed_by(carried: &Carried<'_>, path: &str, is_untracked: bool) -> Option<StepId> {
    let build = carried.build;
    let misses =
        |(id, action): (StepId, &Action)| match action {
            Action::Transfer(transfer) if id != carried.id => {
                names(transfer, path) || !is_untracked && takes(build, id, transfer, path)
            }
            Action::Run(run) => run.mounts.iter().filter_map(|mount| mount.context.as_deref()).any(|source| {
                path::below(source, path).is_some() || !is_untracked && path::below(path, source).is_some()
            }),
            _ => false,
        };
    build.steps().map(|(id, step)| (id, &step.action)).find(|step| misses(*step)).map(|(id, _)| id)
}

/// Whether a source of the copy is the path or lies below it.
fn names(transfer: &Transfer, path: &str) -> bool {
    let mut sources = transfer.selector.iter().flat_map(Selector::sources);
    let mut roots = transfer.placement.iter().flat_map(|placement| &placement.roots);
    let is_within = |source: &str| path::below(source.trim_start_matches("./").trim_matches('/'), path).is_some();
    sources.any(is_within) || roots.any(|root| path::below(&root.context, path).is_some())
}

fn takes(build: &Build<'_>, id: StepId, transfer: &Transfer, path: &str) -> bool {
    let lands = transfer.placement.as_ref().is_none_or(|placement| placement.landing(path).is_some());
    lands && transfer.selects(path) && !is_emptied_next(build, id, path)
}

/// Takes the promise to keep the image from lines that leave out what a step of this build names, or what another Dockerfile
/// with the same ignore file needs.
pub fn ask_others(build: &Build<'_>, lines: &mut [IgnoreLine]) {
    for line in lines.iter_mut().filter(|line| line.keeps_image) {
        let pattern = IgnoreFile::parse("", &line.pattern);
        line.keeps_image =
            !names_pattern(build, &pattern) && missed_elsewhere(build, &line.pattern, &line.matched).is_none();
    }
}

/// The path of another Dockerfile with the same ignore file that would miss what a pattern leaves out: it names it, or
/// copies the whole context with what the pattern matches today and does not make that itself.
fn missed_elsewhere(build: &Build<'_>, pattern: &str, matched: &[String]) -> Option<String> {
    let pattern = IgnoreFile::parse("", pattern);
    let others = build.inputs.context?.unfiltered().other_dockerfiles();
    let found = others.into_iter().find(|(_, text)| {
        let file = Dockerfile::parse(text);
        let other = Build::new(Inputs { file: &file, ..build.inputs });
        let takes =
            |copies: &WholeCopies<'_>, path: &str| copies.bringing(path).next().is_some() && !is_filled(copies, path);
        names_pattern(&other, &pattern)
            || WholeCopies::find(&other).is_some_and(|copies| matched.iter().any(|path| takes(&copies, path)))
    });
    found.map(|(path, _)| path)
}

/// Whether a step takes something by name that a pattern leaves out, whether it stands in the context today or not.
fn names_pattern(build: &Build<'_>, pattern: &IgnoreFile) -> bool {
    let is_left_out = |path: &str| {
        // Of a name with wildcards only the beginning is known.
        let known = path.split(['*', '?', '[']).next().unwrap_or_default();
        let known = known.trim_start_matches("./").trim_matches('/');
        !known.is_empty() && pattern.excludes(known)
    };
    build.steps().any(|(_, step)| match &step.action {
        Action::Transfer(transfer) => {
            let mut sources = transfer.selector.iter().flat_map(Selector::sources);
            let mut roots = transfer.placement.iter().flat_map(|placement| &placement.roots);
            sources.any(is_left_out) || roots.any(|root| is_left_out(&root.context))
        }
        Action::Run(run) => run.mounts.iter().filter_map(|mount| mount.context.as_deref()).any(is_left_out),
        _ => false,
    })
}
