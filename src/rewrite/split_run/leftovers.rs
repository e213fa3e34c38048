//! What the second part of a split `RUN` would leave in the layer of the first, or miss there.

use crate::{
    ecosystem::{Access, Effect, reducing_word},
    model::{Base, Build, KnownCommand, PathAccess, Run, StagePath, StepId},
    rewrite::carried::{is_system, overlaps},
};

/// Directories whose contents are rubbish after an install.
const CACHES: [&str; 4] = ["/home", "/root", "/tmp", "/var"];

/// Whether the part after `cut`, an offset in the source, lets the files of the part before it be.
///
/// # Errors
/// What it does to them, as a phrase.
pub(super) fn check(build: &Build<'_>, id: StepId, run: &Run, cut: usize) -> Result<(), String> {
    let (before, after): (Vec<_>, Vec<_>) = run.commands.iter().partition(|command| command.command.range.start < cut);
    // An index of packages and the packages installed by it belong to one layer.
    for command in &after {
        let same = before.iter().find(|other| other.known.pack.name == command.known.pack.name);
        let paired = command.effect() == Effect::ContextFree && is_dear(command);
        if let Some(other) = same.filter(|other| paired && other.effect() == Effect::ContextFree) {
            return Err(format!("`{}` and `{}` belong together", other.known.title, command.known.title));
        }
    }
    if is_left_behind(build, id.stage) {
        return Ok(());
    }
    let written = written(&before);
    for command in &after {
        let title = &command.known.title;
        let cleans = command.effect() == Effect::ContextFree
            && before.iter().any(|other| other.known.pack.name == command.known.pack.name);
        let touches = command.accesses.iter().find(|access| takes_away(access, &written));
        if cleans || touches.is_some() {
            return Err(format!("the layer of its first part would keep what `{title}` takes away or changes"));
        }
        let closure = command.closure.iter().flat_map(|closure| &closure.writes);
        let mut places = closure.filter_map(|write| command.place_of(&write.path));
        if command.effect() == Effect::Install
            && places.any(|place| written.iter().any(|other| overlaps(&place, other)))
        {
            return Err(format!("the layer of its first part would keep what `{title}` writes over"));
        }
    }
    let source = build.inputs.file.source();
    // What a command that builds or generates takes away is not told by its paths.
    let loose = after.iter().filter(|command| matches!(command.effect(), Effect::Build | Effect::Generate));
    let unread = run.opaque.iter().map(|opaque| opaque.range).filter(|range| range.start >= cut);
    let mut ranges = unread.chain(loose.map(|command| command.command.range));
    let cleaning = ranges.find_map(|range| reducing_word(range.of(source)));
    match cleaning {
        Some(word) => Err(format!("the layer of its first part would keep what `{word}` may take away")),
        None => Ok(()),
    }
}

fn is_dear(command: &KnownCommand) -> bool {
    command.known.cost().is_some_and(|cost| cost.high >= 10.0)
}

/// Places that these commands write, as far as they are known.
fn written(commands: &[&KnownCommand]) -> Vec<StagePath> {
    let named = commands.iter().flat_map(|command| &command.accesses);
    let named = named.filter(|access| access.access != Access::Read).map(|access| access.path.clone());
    let closures = commands.iter().flat_map(|command| {
        let writes = command.closure.iter().flat_map(|closure| &closure.writes);
        writes.filter_map(|write| command.place_of(&write.path))
    });
    named.chain(closures).collect()
}

fn takes_away(access: &PathAccess, written: &[StagePath]) -> bool {
    if !matches!(access.access, Access::Remove | Access::Modify) {
        return false;
    }
    let path = if access.pattern { access.path.parent() } else { access.path.clone() };
    let in_caches = CACHES.iter().any(|cache| path.below(&StagePath::root().join(cache)).is_some());
    // Only what is named below a directory of the project is apart from all that an install fills elsewhere.
    is_system(&path) || in_caches && !path.is_floating() || written.iter().any(|place| overlaps(&path, place))
}

/// Whether no image keeps the layers of a stage: others take single files from it, and it is not the one that is built.
fn is_left_behind(build: &Build<'_>, stage: usize) -> bool {
    let is_base = build.stages.iter().any(|other| other.base == Base::Stage(stage));
    let is_source = build.stages.iter().skip(stage + 1).any(|other| other.sources().any(|source| source == stage));
    is_source && !is_base && !build.may_be_shipped(stage)
}
