//! `env-file-copied`: a file of variables with secrets enters the image.

use crate::context::path;
use crate::ecosystem::secrets::{is_environment_file, secrets_set, token_in};
use crate::lint::ignore_fix::add_lines;
use crate::lint::meta::declare_rule;
use crate::lint::phrase::{enumerated, quoted};
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{StepId, Transfer};
use crate::rewrite::{IgnoreLine, escaped};

declare_rule! {
    /// ## What it does
    /// Finds a `COPY` or an `ADD` that brings a `.env` file into the image whose values are secrets.
    ///
    /// ## Why is this bad?
    /// Everybody who can pull the image can read the file, also where a later step deletes it. And what git does not keep
    /// differs from machine to machine: the image depends on who built it, and works elsewhere by accident.
    ///
    /// ## Example
    /// ```text config/.env
    /// DATABASE_PASSWORD=Zq8-kd2mZ9
    /// ```
    /// ```files
    /// server.js
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY . .
    /// CMD ["node", "server.js"]
    /// ```
    ///
    /// Use instead:
    /// ```dockerignore
    /// config/.env
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY . .
    /// CMD ["node", "server.js"]
    /// ```
    ///
    /// ## Fix safety
    /// Unsafe: the file is left out by the ignore file, and the program may read it. Give the values to the container when
    /// it starts, as with `docker run --env-file .env`.
    ///
    /// ## Known problems
    /// What the names and values of a file are is told by lists (`rules/secrets.toml`). A file that git tracks is taken for
    /// one with defaults, as some frameworks want it, unless it holds a token of a known format. Files that show how to
    /// write one, such as `.env.example`, are not reported.
    ///
    /// ## References
    /// - [Docker: build secrets](https://docs.docker.com/build/building/secrets/)
    /// - [Docker: .dockerignore](https://docs.docker.com/build/concepts/context/#dockerignore-files)
    EnvFileCopied {
        name: "env-file-copied",
        aliases: [],
        since: "0.2.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for EnvFileCopied {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let mut reported: Vec<String> = Vec::new();
        for (id, step) in subject.build.steps() {
            let Some(transfer) = step.transfer() else { continue };
            let mut found = copied_secrets(subject, id, transfer);
            found.retain(|(path, _)| !reported.contains(path));
            let Some((path, names)) = found.first() else { continue };
            let listed = enumerated(&names.iter().map(|name| quoted(name)).collect::<Vec<_>>());
            let others = match found.len() {
                1 => String::new(),
                2 => ", and another file like it".to_owned(),
                count => format!(", and {} other files like it", count - 1),
            };
            let message = format!("`{path}` with {listed} is copied into the image{others}");
            let lines: Vec<IgnoreLine> = found.iter().map(|(path, _)| line(path)).collect();
            let diagnostic = report.add(Self::META, subject.build.instruction(id).range, message);
            diagnostic.help = Some(format!(
                "give the values to the container when it starts, and name the file in `{}`",
                subject.ignore_path
            ));
            diagnostic.fix = add_lines(subject, &lines);
            reported.extend(found.into_iter().map(|(path, _)| path));
        }
    }
}

/// The environment files that a copy brings into the image and that hold secrets, with the names of these.
fn copied_secrets(subject: &Subject<'_>, id: StepId, transfer: &Transfer) -> Vec<(String, Vec<String>)> {
    let (Some(context), Some(selector)) = (subject.context(), &transfer.selector) else { return Vec::new() };
    let files = subject.secret_files.of(context, selector);
    files
        .iter()
        .filter(|found| is_environment_file(path::base(&found.path)))
        .filter(|found| {
            let landing = transfer.placement.as_ref().and_then(|placement| placement.landing(&found.path));
            landing.map_or(subject.build.is_shipped(id.stage), |place| subject.build.reaches_image(id.stage, &place))
        })
        .filter_map(|found| {
            let text = String::from_utf8(context.read(&found.path).ok()?).ok()?;
            let tracked = is_tracked(subject, &found.path);
            let names = secrets_set(&text);
            (!names.is_empty() && (!tracked || token_in(&text).is_some())).then(|| (found.path.clone(), names))
        })
        .collect()
}

/// Whether version control keeps the file, as far as that can be told: there is a history, and no rule leaves it out.
fn is_tracked(subject: &Subject<'_>, path: &str) -> bool {
    subject.context().is_some_and(|context| {
        let whole = context.unfiltered();
        whole.history(1).is_some() && !whole.is_untracked_by_rule(path)
    })
}

fn line(path: &str) -> IgnoreLine {
    IgnoreLine { pattern: escaped(path), matched: vec![path.to_owned()], evidence: Vec::new(), keeps_image: false }
}
