//! `missing-cache-mount`: an install that runs often downloads everything again each time.

use crate::diagnostic::Severity;
use crate::ecosystem::Effect;
use crate::lint::leftover::{left_in, shipped};
use crate::lint::meta::declare_rule;
use crate::lint::sinking::{fix_of, share};
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Build, Inputs, KnownCommand, StepId};
use crate::rewrite::{Move, Sink, cache_mount, sink_move};
use crate::syntax::{Dockerfile, MountKind};

/// Seconds of the expected rebuild cost that a mount must save.
const LEAST_GAIN: f64 = 2.0;

/// Share of changes after which the install must run again.
const LEAST_RATE: f64 = 0.1;

declare_rule! {
    /// ## What it does
    /// Finds installs that could keep their downloads in a cache mount, and where that pays: the project's history shows
    /// that the install runs again often, or other installs of the file have such mounts.
    ///
    /// ## Why is this bad?
    /// A step that runs again begins with nothing: after a change of one dependency, all of them are downloaded. A cache
    /// mount keeps the downloads between builds on the same machine, and out of the image.
    ///
    /// ## Example
    /// ```json package.json
    /// { "name": "app", "version": "1.0.0" }
    /// ```
    /// ```json package-lock.json
    /// { "name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {} }
    /// ```
    /// ```text requirements.txt
    /// flask==3.1.0
    /// ```
    /// ```dockerfile
    /// FROM node:22 AS assets
    /// WORKDIR /app
    /// COPY package.json package-lock.json ./
    /// RUN npm ci
    ///
    /// FROM python:3.13-slim
    /// COPY --from=assets /app/node_modules /srv/assets
    /// COPY requirements.txt ./
    /// RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM node:22 AS assets
    /// WORKDIR /app
    /// COPY package.json package-lock.json ./
    /// RUN --mount=type=cache,target=/root/.npm npm ci
    ///
    /// FROM python:3.13-slim
    /// COPY --from=assets /app/node_modules /srv/assets
    /// COPY requirements.txt ./
    /// RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
    /// ```
    ///
    /// ## Fix safety
    /// Unsafe: the image loses what stands at the place of the mount, and the install finds there what earlier builds left.
    /// Options and commands that would empty the mount go with the same fix.
    ///
    /// ## Known problems
    /// Builders that begin each build on a new machine have nothing in their mounts, unless these are saved and restored;
    /// whether that is so cannot be seen in the file. Installs whose directory a later step needs are left alone, those of
    /// a user whose home is not known, and those that find the downloads of an earlier step in its layer. Docker's legacy
    /// builder has no mounts, and kaniko keeps nothing in them. What stays in the layers of the image is reported by
    /// `package-cache-kept` instead.
    ///
    /// ## References
    /// - [Docker: use cache mounts](https://docs.docker.com/build/cache/optimize/#use-cache-mounts)
    MissingCacheMount {
        name: "missing-cache-mount",
        aliases: [],
        since: "0.2.0",
        severity: Info,
        fix: Always,
    }
}

impl Rule for MissingCacheMount {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let build = subject.build;
        if subject.context().is_none() {
            return;
        }
        let reachable = build.reachable(build.target(None).unwrap_or_default());
        let shipped = shipped(build);
        let usual = has_download_mounts(build);
        for (id, _) in build.steps() {
            let told_otherwise = || {
                shipped.contains(&id) && !left_in(build, id).is_empty()
                    || finds_downloads(build, id)
                    || may_run_less(subject, id)
            };
            if !reachable.get(id.stage).is_some_and(|needed| *needed) || build.step(id).run().is_none() {
                continue;
            }
            let Some(change) = cache_mount(build, id, subject.profile.builder) else { continue };
            let rate = subject.numbers.cost(build.step(id).instruction).rate;
            if rate >= LEAST_RATE && !told_otherwise() && (usual || pays(subject, id, &change)) {
                tell(subject, id, change, report);
            }
        }
    }
}

/// Whether an install of the file keeps its downloads in a cache mount.
fn has_download_mounts(build: &Build<'_>) -> bool {
    let mut runs = build.steps().filter_map(|(_, step)| step.run());
    runs.any(|run| {
        let mounted = run.mounts.iter().any(|mount| mount.mount.kind == MountKind::Cache);
        mounted && run.commands.iter().any(|command| command.known.fills_cache())
    })
}

/// Whether the downloads of each install stand in a layer below: an earlier step installs by the same pack and leaves them.
fn finds_downloads(build: &Build<'_>, id: StepId) -> bool {
    let installs = |command: &&KnownCommand| matches!(command.effect(), Effect::Install | Effect::Download);
    let left_below = |wanted: &KnownCommand| {
        let mut below = build.ids_to(id).flat_map(|earlier| left_in(build, earlier));
        below.any(|left| {
            wanted.known.pack.leftover.as_ref() == Some(left.leftover) && left.commands.iter().any(installs)
        })
    };
    let commands = build.step(id).run().into_iter().flat_map(|run| &run.commands);
    let mut filling = commands.filter(|command| command.known.fills_cache()).peekable();
    filling.peek().is_some() && filling.all(left_below)
}

/// Whether the history, where there is enough of it, shows that the mount saves time.
fn pays(subject: &Subject<'_>, id: StepId, change: &Move) -> bool {
    let cost = subject.numbers.cost(subject.build.step(id).instruction);
    if cost.changes == 0 {
        return false;
    }
    let text = change.edit.apply(subject.file.source());
    let file = Dockerfile::parse(&text);
    let build = Build::new(Inputs { file: &file, ..subject.build.inputs });
    subject.numbers.expected() - subject.numbers.of(&build).expected() >= LEAST_GAIN
}

/// Whether a copy above could move below the step, so that it runs again less often: that comes first.
fn may_run_less(subject: &Subject<'_>, id: StepId) -> bool {
    let mut above = (0..id.step).map(|step| StepId { step, ..id });
    above.any(|carried| {
        let sunk = subject.numbers.sink(carried);
        let crosses = |sunk: &&Sink| sunk.crossed.iter().any(|crossed| crossed.id == id);
        sunk.filter(crosses).is_some_and(|sunk| sink_move(subject.build, sunk).is_some())
    })
}

fn tell(subject: &Subject<'_>, id: StepId, change: Move, report: &mut Reporter) {
    let instruction = subject.build.instruction(id);
    let cost = subject.numbers.cost(subject.build.step(id).instruction);
    let often = if cost.changes > 0 { format!(", on {}", share(&cost)) } else { String::new() };
    let message = format!("each time this step runs{often}, it downloads everything again");
    let diagnostic = report.add(MissingCacheMount::META, instruction.range, message);
    diagnostic.severity = Severity::Info;
    diagnostic.cost = Some(cost);
    diagnostic.fix = Some(fix_of(subject, change));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cache::Builder;
    use crate::context::{Filtered, MemoryContext};
    use crate::ecosystem::Catalog;
    use crate::lint::{Numbers, Options};

    /// How many findings there are where the last `often` of 40 commits changed the lock file.
    fn found(often: usize, builder: Builder, step: &str) -> usize {
        let mut context = MemoryContext::from_files([
            ("package.json", "{\"name\":\"app\",\"version\":\"1.0.0\"}"),
            ("package-lock.json", "{\"name\":\"app\",\"lockfileVersion\":3,\"packages\":{}}"),
            ("index.js", "1"),
        ]);
        let commits: Vec<&[&str]> =
            (0..40).map(|index| if index < often { &["package-lock.json"][..] } else { &["index.js"][..] }).collect();
        context.history_of(&commits);
        let source = format!(
            "FROM node:22 AS build\nWORKDIR /app\nCOPY package*.json ./\n{step}\nCOPY . .\nRUN npm run build\n\
             FROM nginx\nCOPY --from=build /app/dist /usr/share/nginx/html\n"
        );
        let file = Dockerfile::parse(&source);
        let view = Filtered::new(&context, None);
        let arguments = BTreeMap::new();
        let inputs = Inputs { file: &file, context: Some(&view), catalog: Catalog::builtin(), arguments: &arguments };
        let build = Build::new(inputs);
        let profile = builder.profile();
        let numbers = Numbers::new(&build, profile, 200);
        let subject = Subject {
            file: &file,
            build: &build,
            numbers: &numbers,
            secret_files: &crate::lint::SecretFiles::default(),
            profile,
            ignore_path: ".dockerignore",
            ignore_text: None,
            options: &Options::default(),
        };
        let mut report = Reporter::new();
        MissingCacheMount.check(&subject, &mut report);
        report.into_diagnostics().len()
    }

    #[test]
    fn history_must_show_that_a_mount_pays() {
        let step = "RUN npm ci";
        assert_eq!(found(8, Builder::BuildKit, step), 1);
        assert_eq!(found(8, Builder::Buildah, step), 1);
        assert_eq!(found(1, Builder::BuildKit, step), 0, "the lock file changes seldom");
        assert_eq!(found(8, Builder::Legacy, step), 0, "the builder has no mounts");
        assert_eq!(found(8, Builder::Kaniko, step), 0, "the builder keeps nothing");
        let mounted = "RUN --mount=type=cache,target=/root/.npm npm ci";
        assert_eq!(found(8, Builder::BuildKit, mounted), 0, "it has one");
    }
}
