//! Downloads that builds read: every step that may do so gets the cache mount, and no image the directory.

use super::Mounting;
use crate::{
    ecosystem::Effect,
    model::{Action, Build, KnownCommand, Run, Step},
    syntax::Keyword,
};

/// The first step with those that find what it downloads; `None` where it is not the first that does, where a step may need
/// the downloads of which that is not known, or where they may be needed outside of these stages.
pub(super) fn mountings(first: Mounting<'_>) -> Option<Vec<Mounting<'_>>> {
    let (build, id, cache) = (first.build, first.id, first.cache);
    let pack = first.command.known.pack.name.clone();
    let is_own = |command: &&KnownCommand| {
        let needs = matches!(command.effect(), Effect::Install | Effect::Download | Effect::Build | Effect::Generate);
        needs && command.known.pack.name == pack
    };
    let own = |run: &'_ Run| run.commands.iter().any(|command| is_own(&command));
    let stages: Vec<usize> = (id.stage..build.stages.len()).filter(|stage| first.is_below(*stage)).collect();
    let earlier = build.steps_to(id).filter_map(Step::run).any(own);
    let kept_inside = || {
        let targets = first.targets()?;
        let inside = stages.iter().all(|stage| !may_be_run(build, *stage) && !build.takes_from(*stage, &targets));
        inside.then_some(())
    };
    if earlier {
        return None;
    }
    kept_inside()?;
    let later = build.steps().filter(|(step, _)| stages.contains(&step.stage) && *step > id);
    let mut found = Vec::new();
    for (id, step) in later {
        let Action::Run(run) = &step.action else { continue };
        match run.commands.iter().find(is_own) {
            Some(command) if run.is_known() => found.push(Mounting::new(build, id, run, command, cache)?),
            // Anything else that builds may call the programs that need the downloads.
            None if run.is_known() && !run.commands.iter().any(|command| command.effect() == Effect::Build) => {}
            _ => return None,
        }
    }
    found.insert(0, first);
    Some(found)
}

/// Whether a stage may be run: its layers are the image's, or it says what runs in it.
fn may_be_run(build: &Build<'_>, stage: usize) -> bool {
    let runs = |step: &Step| {
        matches!(build.inputs.file.instructions()[step.instruction].keyword, Keyword::Cmd | Keyword::Entrypoint)
    };
    build.may_be_shipped(stage) || build.stages[stage].steps.iter().any(runs)
}
