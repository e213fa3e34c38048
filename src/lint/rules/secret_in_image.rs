//! `secret-in-image`: a secret that everybody who can pull the image can read.

use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};

mod copied;
mod literal;
mod secret_mount;
mod variable;
mod written;

declare_rule! {
    /// ## What it does
    /// Finds secrets that the image or its history keeps: tokens and passwords written into the file, `ENV` and `ARG` that
    /// are named like a secret and hold one, secrets that a `RUN` writes to a file, and credential files that are copied.
    ///
    /// ## Why is this bad?
    /// Every layer of an image can be read by everybody who can pull it, also what a later step deletes. `ENV` is part of
    /// the image's configuration; the values of build arguments stand in its history beside each `RUN` below the `ARG`.
    ///
    /// ## Example
    /// ```files
    /// package.json
    /// package-lock.json
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// ARG NPM_TOKEN
    /// COPY package.json package-lock.json ./
    /// RUN npm config set //registry.npmjs.org/:_authToken=$NPM_TOKEN && npm ci && npm config delete //registry.npmjs.org/:_authToken
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY package.json package-lock.json ./
    /// RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci
    /// ```
    ///
    /// ## Fix safety
    /// Unsafe: an `ARG` that only `RUN`s of its stage read becomes a secret mount that sets the same variable. The build
    /// must then be given `--secret id=NAME` in the place of `--build-arg NAME=…`, and needs `BuildKit` with a Dockerfile
    /// syntax of 1.10 or newer. A program that reads the variable without naming it in its `RUN` would no longer find it.
    ///
    /// ## Known problems
    /// Which names mean a secret, which values are none and what tokens look like are lists (`rules/secrets.toml`). Values
    /// that are words (`postgres`, `changeme`), that say where a secret is, or that browsers get are not reported; nor are
    /// passwords for hosts of the same machine or network. In a stage that is not part of the image, only what is written
    /// into the file itself is reported as a warning; a build argument there informs.
    ///
    /// ## References
    /// - [Docker: build secrets](https://docs.docker.com/build/building/secrets/)
    /// - [Docker: SecretsUsedInArgOrEnv](https://docs.docker.com/reference/build-checks/secrets-used-in-arg-or-env/)
    SecretInImage {
        name: "secret-in-image",
        aliases: ["SecretsUsedInArgOrEnv"],
        since: "0.2.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for SecretInImage {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let literals = literal::report(subject, report);
        variable::report(subject, &literals, report);
        written::report(subject, report);
        copied::report(subject, report);
    }
}

/// What to do with a secret that a step needs.
const FOR_A_STEP: &str = "give it to the step that needs it with `RUN --mount=type=secret`";

/// What to do with a secret that the running program needs.
const FOR_A_CONTAINER: &str =
    "give it to the container when it starts, or to the step that needs it with `RUN --mount=type=secret`";
