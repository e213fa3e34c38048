//! `missing-dockerignore`: the whole context is copied, and nothing limits it.

use std::collections::BTreeSet;

use crate::context::Context as _;
use crate::diagnostic::Severity;
use crate::lint::ignore_fix::add_lines;
use crate::lint::meta::declare_rule;
use crate::lint::phrase::{enumerated, quoted, weighed};
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::rewrite::{IgnoreLine, REPOSITORY, WholeCopies, first_lines};

declare_rule! {
    /// ## What it does
    /// Finds a `COPY`, an `ADD` or a bind mount that takes the whole build context where there is no ignore file, and
    /// something stands in the context, or will, that does not belong there: the repository's own data, or what an
    /// install of the build makes.
    ///
    /// ## Why is this bad?
    /// Whatever stands in the folder rides along: `.git` changes with every commit and every fetch, so the copy and all
    /// steps after it run again although no source has changed. Packages that were installed on the host cover those
    /// that the build installs, which may be for another system. And everything that is copied ships.
    ///
    /// ## Example
    /// ```files
    /// .git/HEAD
    /// main.py
    /// ```
    /// ```dockerfile
    /// FROM python:3.13-slim
    /// COPY . /app
    /// ```
    ///
    /// Use instead:
    /// ```dockerignore
    /// .git
    /// ```
    /// ```dockerfile
    /// FROM python:3.13-slim
    /// COPY . /app
    /// ```
    ///
    /// ## Fix safety
    /// Safe where each line of the new file matches nothing in the context, or only what git is told to leave out and the
    /// build makes itself in the stage that copies it: a clean checkout gives the same image. The file leaves itself
    /// out too. Where only lines are left that take something away, such as `.git`, the fix is unsafe: a step may need
    /// it.
    ///
    /// ## Known problems
    /// Where nothing stands in the context yet that does not belong there, the finding is information only. A file that
    /// is read from standard input has no context, so nothing is reported. `.git` is not counted where a
    /// `RUN` asks `git` about the repository.
    ///
    /// ## References
    /// - [Docker: .dockerignore files](https://docs.docker.com/build/concepts/context/#dockerignore-files)
    MissingDockerignore {
        name: "missing-dockerignore",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Always,
    }
}

impl Rule for MissingDockerignore {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        if subject.ignore_text.is_some() {
            return;
        }
        let Some(copies) = WholeCopies::find(subject.build) else { return };
        let lines = first_lines(&copies);
        let Some(first) = copies.steps.first().filter(|_| !lines.is_empty()) else { return };
        let riding = what_rides_along(&copies, &lines);
        let named = if riding.is_empty() { what_may_come(&lines) } else { riding.clone() };
        let message = format!(
            "no `{}` keeps {} out of this {} of the whole context",
            subject.ignore_path,
            enumerated(&named),
            copies.name(*first)
        );
        let diagnostic = report.add(Self::META, copies.range(*first), message);
        if riding.is_empty() {
            diagnostic.severity = Severity::Info;
        }
        diagnostic.fix = add_lines(subject, &lines);
        diagnostic.help = help(&lines);
    }
}

/// What is copied today that should not be.
fn what_rides_along(copies: &WholeCopies<'_>, lines: &[IgnoreLine]) -> Vec<String> {
    let standing = lines.iter().flat_map(|line| line.evidence.iter().cloned());
    let mut paths: Vec<String> = standing.chain(ignored_by_git(copies)).collect();
    let mut seen = BTreeSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    paths.iter().map(|path| weighed(copies.context, path)).collect()
}

/// What will be copied once it stands there.
fn what_may_come(lines: &[IgnoreLine]) -> Vec<String> {
    let patterns = lines.iter().map(|line| line.pattern.as_str()).filter(|pattern| *pattern != REPOSITORY);
    patterns.map(quoted).collect()
}

/// What stands at the root of the context and git is told to leave out.
fn ignored_by_git(copies: &WholeCopies<'_>) -> Vec<String> {
    let names = copies.context.list("").into_iter().map(|(name, _)| name);
    names.filter(|name| copies.context.is_untracked_by_rule(name) && copies.bringing(name).next().is_some()).collect()
}

/// What the safe lines leave to be done.
fn help(lines: &[IgnoreLine]) -> Option<String> {
    let any_safe = lines.iter().any(|line| line.keeps_image);
    let left: Vec<String> = lines.iter().filter(|line| !line.keeps_image).map(|line| quoted(&line.pattern)).collect();
    if left.is_empty() {
        return None;
    }
    let also = if any_safe { "also " } else { "" };
    Some(format!("{also}list {}, unless a step or the image needs it", enumerated(&left)))
}
