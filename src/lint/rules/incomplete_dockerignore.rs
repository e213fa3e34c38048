//! `incomplete-dockerignore`: an ignore file that lets through what it should not.

mod misread;

use std::collections::BTreeSet;

use crate::context::{Context as _, IgnoreFile, path};
use crate::lint::ignore_fix::add_lines;
use crate::lint::meta::declare_rule;
use crate::lint::phrase::{enumerated, quoted, weighed};
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::rewrite::{IgnoreLine, REPOSITORY, WholeCopies, ignore_lines, leaves_out};
use misread::{Misread, misread};

declare_rule! {
    /// ## What it does
    /// Finds ignore files that let something through to a copy of the whole build context which does not belong there
    /// and stands there today: `.git`, what an install of the build makes, and what a pattern was meant to leave out but
    /// does not.
    ///
    /// ## Why is this bad?
    /// `.git` changes with every commit and every fetch, so the copy and all steps after it run again although no source
    /// has changed. Packages that were installed on the host cover those that the build installs. A pattern that does
    /// not match is worse than none, because its author believes that it does: in this language `node_modules` means
    /// that of the root only, `*/obj` that of one level, and `logs # comment` a folder with a very long name.
    ///
    /// ## Example
    /// ```dockerignore
    /// node_modules
    /// ```
    /// ```json package.json
    /// {"name": "app", "workspaces": ["web"]}
    /// ```
    /// ```json web/package.json
    /// {"name": "web"}
    /// ```
    /// ```files
    /// web/node_modules/left/index.js
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY . .
    /// RUN npm install
    /// ```
    ///
    /// Use instead:
    /// ```dockerignore
    /// **/node_modules
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// WORKDIR /app
    /// COPY . .
    /// RUN npm install
    /// ```
    ///
    /// ## Fix safety
    /// Safe where each added line matches only what git is told to leave out and the build makes itself in the stage that
    /// copies it: a clean checkout gives the same image. Otherwise unsafe, because a step or the image may need what is
    /// left out.
    ///
    /// ## Known problems
    /// Only what stands in the context is reported: a clean checkout shows less than the folder in which someone works.
    /// What git tracks is taken to be meant, and so is what a line with `!` takes back. `.git` is not counted where a
    /// `RUN` asks `git` about the repository, or where the context is only mounted.
    ///
    /// ## References
    /// - [Docker: .dockerignore files](https://docs.docker.com/build/concepts/context/#dockerignore-files)
    IncompleteDockerignore {
        name: "incomplete-dockerignore",
        aliases: [],
        since: "0.1.0",
        severity: Warning,
        fix: Sometimes,
    }
}

impl Rule for IncompleteDockerignore {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let (Some(text), Some(copies)) = (subject.ignore_text, WholeCopies::find(subject.build)) else { return };
        let Some(ignore) = copies.context.ignore_file() else { return };
        let misread = misread(ignore, text);
        let lines = needed_lines(&copies, ignore, &misread);
        let Some(first) = copies.steps.first().filter(|_| !lines.is_empty()) else { return };
        let through: Vec<String> = outermost(&lines).iter().map(|path| weighed(copies.context, path)).collect();
        let message = format!(
            "`{}` lets {} through to this {} of the whole context",
            subject.ignore_path,
            enumerated(&through),
            copies.name(*first)
        );
        let diagnostic = report.add(Self::META, copies.range(*first), message);
        diagnostic.fix = add_lines(subject, &lines);
        diagnostic.help = Some(help(subject.ignore_path, &lines, &misread));
    }
}

/// The lines that something in the context calls for.
fn needed_lines(copies: &WholeCopies<'_>, ignore: &IgnoreFile, misread: &[Misread]) -> Vec<IgnoreLine> {
    let meant: Vec<String> = misread.iter().flat_map(|found| found.meant.iter().cloned()).collect();
    let plain = ignore_lines(copies, &[]);
    let known: BTreeSet<&String> = plain.iter().flat_map(|line| &line.evidence).collect();
    let is_generated = |path: &&String| known.contains(path) || copies.context.is_untracked_by_rule(path);
    let mut lines = ignore_lines(copies, &meant);
    for line in &mut lines {
        let sources: Vec<&Misread> = misread.iter().filter(|found| found.meant.contains(&line.pattern)).collect();
        if sources.iter().any(|found| !found.kind.may_be_meant()) {
            line.evidence.clone_from(&line.matched);
        } else if !sources.is_empty() {
            line.evidence = line.matched.iter().filter(is_generated).cloned().collect();
        }
    }
    lines.retain(|line| !line.evidence.is_empty() && !line.matched.iter().any(|path| is_taken_back(ignore, path)));
    let all = lines.clone();
    lines.retain(|line| !all.iter().any(|other| makes_needless(other, line)));
    lines
}

/// Whether a line with `!` names this very path.
fn is_taken_back(ignore: &IgnoreFile, path: &str) -> bool {
    let negated = ignore.patterns.iter().filter(|pattern| pattern.negated);
    negated.into_iter().any(|pattern| leaves_out(&pattern.text, path) && !leaves_out(&pattern.text, path::parent(path)))
}

/// Whether all that a line leaves out lies below what another leaves out.
fn makes_needless(other: &IgnoreLine, line: &IgnoreLine) -> bool {
    let inside = |path: &String| {
        other.evidence.iter().any(|above| path::below(path, above).is_some_and(|rest| !rest.is_empty()))
    };
    other.keeps_image >= line.keeps_image && line.evidence.iter().all(inside)
}

/// What the lines leave out, each path once, without what lies below another.
fn outermost(lines: &[IgnoreLine]) -> Vec<String> {
    let all: BTreeSet<&String> = lines.iter().flat_map(|line| &line.evidence).collect();
    let inside = |path: &str| all.iter().any(|other| path::below(path, other).is_some_and(|rest| !rest.is_empty()));
    all.iter().filter(|path| !inside(path)).map(|path| (*path).clone()).collect()
}

fn help(file: &str, lines: &[IgnoreLine], misread: &[Misread]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for found in misread {
        let Some(line) = lines.iter().find(|line| found.meant.contains(&line.pattern)) else { continue };
        let (place, written, meant) = (found.line, &found.written, &line.pattern);
        parts.push(format!("{file}:{place}: `{written}` {}; write `{meant}`", found.kind.explanation()));
    }
    let explained = |line: &IgnoreLine| misread.iter().any(|found| found.meant.contains(&line.pattern));
    if lines.iter().all(explained) {
        return parts.join("; ");
    }
    let named = |safe: bool| {
        let own = lines.iter().filter(|line| line.keeps_image == safe);
        own.map(|line| quoted(&line.pattern)).collect::<Vec<_>>()
    };
    let (safe, left) = (named(true), named(false));
    let version = if lines.iter().any(|line| line.pattern == REPOSITORY) {
        " (some builds read their version from `.git`)"
    } else {
        ""
    };
    match (safe.is_empty(), left.is_empty()) {
        (_, true) => parts.push(format!("add {} to `{file}`", enumerated(&safe))),
        (true, false) => {
            parts.push(format!("add {} to `{file}`, unless a step or the image needs it{version}", enumerated(&left)));
        }
        (false, false) => parts.push(format!(
            "add {} to `{file}`, and {} too, unless a step or the image needs it{version}",
            enumerated(&safe),
            enumerated(&left)
        )),
    }
    parts.join("; ")
}
