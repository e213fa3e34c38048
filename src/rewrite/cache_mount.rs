//! Cache mounts: the downloads of an install are kept between builds, outside of the image.
//!
//! A mount hides what stands in the image at its place and leaves nothing there. So it is only put over directories of
//! which the pack says that they hold downloads alone, which nothing else in the file names, and which the install fills
//! as `root`, the one user whose home is known.

use super::moves::{Move, MoveKind, listed, quoted};
use crate::{
    diagnostic::Safety,
    ecosystem::{Effect, pack},
    model::{Base, Build, KnownCommand, Run, StagePath, StepId},
    syntax::Dockerfile,
    text::TextEdit,
};

/// Installs that take less, in seconds at most, are not worth a mount.
const LEAST_SECONDS: f64 = 10.0;

/// The move that gives a step a cache mount for the downloads of the first install in it.
pub(super) fn cache_mount(build: &Build<'_>, id: StepId) -> Option<Move> {
    let run = build.step(id).run().filter(|run| run.is_known() && has_mounts(build.inputs.file))?;
    let (command, cache) = run.commands.iter().find_map(|command| Some((command, downloads(command)?)))?;
    let targets: Vec<StagePath> = cache.directories.iter().map(|path| StagePath::root().join(path)).collect();
    let free = targets.iter().all(|target| is_free(build, id, run, target));
    if !free || !runs_as_root(build, id, command) || is_defeated(build, id, run, cache) {
        return None;
    }
    let sharing = match cache.sharing {
        pack::Sharing::Shared => "",
        pack::Sharing::Locked => ",sharing=locked",
    };
    let instruction = build.instruction(id);
    let flags: Vec<String> =
        targets.iter().map(|target| format!(" --mount=type=cache,target={target}{sharing}")).collect();
    let named = listed(targets.iter().map(StagePath::as_str));
    Some(Move {
        kind: MoveKind::AddCacheMount,
        safety: Safety::Unsafe,
        title: format!("Keep the downloads of {} in a cache mount", quoted(build, id)),
        argument: format!(
            "the image no longer holds {named}, and the step finds there what earlier builds on the same machine left"
        ),
        lines: vec![instruction.lines.0],
        edit: TextEdit::insert(instruction.keyword_range.end, flags.concat()),
        ignore: Vec::new(),
        needs_history: false,
    })
}

/// The cache of a command that installs, where it holds nothing that the image may need.
fn downloads(command: &KnownCommand) -> Option<&pack::Cache> {
    let known = &command.known;
    let cache = known.pack.cache.as_ref().filter(|cache| cache.disposable && !cache.holds_outputs)?;
    // Twins have the same commands; only the project tells which one it is.
    let is_sure = known.pack.project.is_none() || command.closure.is_some();
    let dear = known.cost().is_some_and(|cost| cost.high >= LEAST_SECONDS);
    (is_sure && dear && known.effect() == Effect::Install).then_some(cache)
}

/// Whether the frontend that the file asks for knows `RUN --mount`: from 1.2 on
/// (<https://docs.docker.com/build/buildkit/frontend/>); without a directive, the builder's own.
fn has_mounts(file: &Dockerfile) -> bool {
    let Some(directive) = file.directive("syntax") else { return true };
    let Some((image, tag)) = directive.text.split_once(':') else { return false };
    let tag = tag.split(['-', '@']).next().unwrap_or_default();
    let official = matches!(image, "docker/dockerfile" | "docker.io/docker/dockerfile");
    let minor = tag.strip_prefix("1.").and_then(|rest| rest.split('.').next()).map(str::parse::<u32>);
    official && (tag == "1" || tag == "latest" || tag == "labs" || matches!(minor, Some(Ok(minor)) if minor >= 2))
}

/// Whether nothing else in the file has to do with a place.
fn is_free(build: &Build<'_>, id: StepId, run: &Run, target: &StagePath) -> bool {
    let mounted = run.mounts.iter().any(|mount| {
        mount.target.as_ref().is_none_or(|other| other.below(target).is_some() || target.below(other).is_some())
    });
    let own =
        |place: &StagePath| !place.is_floating() && (place.below(target).is_some() || target.below(place).is_some());
    let touched = run.commands.iter().flat_map(|command| &command.accesses).any(|access| own(&access.path));
    let home = target.as_str().strip_prefix("/root").map(|rest| [format!("~{rest}"), format!("$HOME{rest}")]);
    let source = build.inputs.file.source();
    let named = |other: StepId| {
        let text = build.instruction(other).range.of(source);
        let keeps = build.step(other).run().is_some_and(|run| run.keeps_downloads_at(target));
        !keeps && (text.contains(target.as_str()) || home.iter().flatten().any(|home| text.contains(home.as_str())))
    };
    let others = build.steps().map(|(other, _)| other);
    !mounted && !touched && !others.into_iter().any(|other| other != id && named(other))
}

/// Whether the command runs as `root` with the usual home: what an image of Docker's own begins with.
fn runs_as_root(build: &Build<'_>, id: StepId, command: &KnownCommand) -> bool {
    let state = &build.step(id).before;
    let moved = ["HOME", "XDG_CACHE_HOME"].iter().any(|name| {
        state.variable(name).is_some() || build.instruction(id).range.of(build.inputs.file.source()).contains(name)
    });
    let user = match state.user.as_deref() {
        Some(user) => matches!(user, "root" | "0" | "root:root" | "0:0"),
        None => starts_as_root(build, id.stage),
    };
    user && !moved && command.command.user.is_none() && command.command.prefixes.is_empty()
}

fn starts_as_root(build: &Build<'_>, mut stage: usize) -> bool {
    loop {
        match build.stages.get(stage).map(|stage| &stage.base) {
            Some(Base::Stage(parent)) if *parent < stage => stage = *parent,
            Some(Base::Image(image)) => return !image.contains('/') && !image.contains('$'),
            _ => return false,
        }
    }
}

/// Whether an option, a variable or a command of the step makes the mount useless or moves the cache elsewhere.
fn is_defeated(build: &Build<'_>, id: StepId, run: &Run, cache: &pack::Cache) -> bool {
    let state = &build.step(id).before;
    let text = build.instruction(id).range.of(build.inputs.file.source());
    cache.environment.iter().chain(&cache.defeated_by).any(|name| {
        let option = name.starts_with('-') && run.commands.iter().any(|command| command.known.has_option(name));
        let set = |name: &str| state.variable(name).is_some() || text.contains(name);
        let written = run.commands.iter().any(|command| command.known.title == *name);
        option || written || !name.contains([' ', '-']) && (set(name) || set(&name.to_uppercase()))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        context::{Filtered, MemoryContext},
        ecosystem::Catalog,
        model::Inputs,
    };

    fn mounted(source: &str) -> Option<String> {
        let files = [("package.json", "{\"name\":\"a\"}"), ("package-lock.json", "{}"), ("requirements.txt", "")];
        let context = MemoryContext::from_files(files);
        let file = Dockerfile::parse(source);
        let view = Filtered::new(&context, None);
        let arguments = BTreeMap::new();
        let inputs = Inputs { file: &file, context: Some(&view), catalog: Catalog::builtin(), arguments: &arguments };
        let build = Build::new(inputs);
        let mut moves = build.steps().filter_map(|(id, _)| cache_mount(&build, id));
        let found = moves.next()?;
        let after = found.edit.apply(source);
        Some(after.lines().find(|line| line.contains("type=cache"))?.to_owned())
    }

    #[test]
    fn mounts_stand_over_downloads_alone() {
        const NODE: &str = "FROM node:22\nWORKDIR /app\nCOPY package*.json ./\n";
        const PYTHON: &str = "FROM python:3.13\nCOPY requirements.txt .\n";
        for (case, source, expected) in [
            ("npm", format!("{NODE}RUN npm ci\n"), Some("RUN --mount=type=cache,target=/root/.npm npm ci")),
            (
                "pip",
                format!("{PYTHON}RUN pip install -r requirements.txt\n"),
                Some("RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt"),
            ),
            (
                "exec form",
                format!("{NODE}RUN [\"npm\", \"ci\"]\n"),
                Some("RUN --mount=type=cache,target=/root/.npm [\"npm\", \"ci\"]"),
            ),
            ("an option", format!("{PYTHON}RUN pip install --no-cache-dir -r requirements.txt\n"), None),
            ("a variable", format!("{PYTHON}ENV PIP_NO_CACHE_DIR=1\nRUN pip install -r requirements.txt\n"), None),
            ("moved", format!("{NODE}ENV NPM_CONFIG_CACHE=/x\nRUN npm ci\n"), None),
            ("cleaned", format!("{NODE}RUN npm ci && npm cache clean --force\n"), None),
            ("removed", format!("{NODE}RUN npm ci && rm -rf /root/.npm\n"), None),
            ("another user", format!("{NODE}USER node\nRUN npm ci\n"), None),
            ("an unknown image", "FROM example.com/node\nCOPY . .\nRUN npm ci\n".to_owned(), None),
            ("another home", format!("{NODE}ENV HOME=/home/x\nRUN npm ci\n"), None),
            ("mounted", format!("{NODE}RUN --mount=type=cache,target=/root npm ci\n"), None),
            ("needed", format!("{NODE}RUN npm ci\nFROM node:22\nCOPY --from=0 /root/.npm /root/.npm\n"), None),
            ("unknown commands", format!("{NODE}RUN npm ci && ./finish\n"), None),
            ("an old frontend", format!("# syntax=docker/dockerfile:1.1\n{NODE}RUN npm ci\n"), None),
            ("system packages", "FROM debian:12\nRUN apt-get update && apt-get install -y git\n".to_owned(), None),
            ("needed by builds", "FROM golang:1.23\nCOPY . .\nRUN go mod download\nRUN go build\n".to_owned(), None),
        ] {
            assert_eq!(mounted(&source).as_deref(), expected, "{case}");
        }
    }
}
