//! Lines for an ignore file: what whole copies should not bring, and which of it can be left out without a change to the
//! image.
//!
//! An *output* is a directory of the project that a command of the build fills, such as an install. A line *keeps the
//! image* where it matches nothing that a whole copy brings today, or only outputs of the copying stage that git is told to
//! leave out: no clean checkout has those, and the build makes them itself. No step may name what it matches, and no other
//! Dockerfile with the same ignore file may need it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    leaving_out::ask_others,
    whole_copy::{REPOSITORY, WholeCopies},
};
use crate::{
    context::{EntryKind, IgnoreFile},
    ecosystem::{
        Effect,
        WriteKind::{CleanOutput, Output},
        pack::Pack,
    },
    model::{Base, Build, KnownCommand, Step, StepId},
};

/// Paths of one pattern that git is asked about, at most.
const MOST_EVIDENCE: usize = 200;

/// A line that an ignore file should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreLine {
    /// As it is written.
    pub pattern: String,
    /// The outermost paths that it keeps out of whole copies today, sorted.
    pub matched: Vec<String>,
    /// Those of `matched` that show the line to be needed: what git tracks is meant to be in the context.
    pub evidence: Vec<String>,
    /// Whether it keeps the image.
    pub keeps_image: bool,
}

/// The lines that a build would have in its ignore file, beside those that are there. `meant` are further patterns to look
/// into: what is matched by them is evidence.
pub fn ignore_lines(copies: &WholeCopies<'_>, meant: &[String]) -> Vec<IgnoreLine> {
    let survey = Survey::new(copies);
    let mut lines: Vec<IgnoreLine> = survey.repository_line().into_iter().collect();
    let mut patterns: BTreeSet<String> = pack_patterns(copies.build);
    patterns.extend(meant.iter().cloned());
    lines.extend(survey.pattern_lines(patterns.into_iter().collect()));
    for path in survey.outputs.keys() {
        lines.extend(survey.output_line(path, &lines));
    }
    ask_others(copies.build, &mut lines);
    lines.retain(|line| line.keeps_image || !line.evidence.is_empty() || meant.contains(&line.pattern));
    lines
}

/// The lines of a first ignore file; none where nothing calls for one.
pub fn first_lines(copies: &WholeCopies<'_>) -> Vec<IgnoreLine> {
    let lines = ignore_lines(copies, &[]);
    let called_for = lines.iter().any(|line| line.pattern != REPOSITORY || !line.evidence.is_empty());
    if called_for { lines } else { Vec::new() }
}

/// Whether the build makes what stands at `path` in each stage that copies it.
pub(super) fn is_filled(copies: &WholeCopies<'_>, path: &str) -> bool {
    Survey::new(copies).is_filled(path)
}

/// `ignore` with these patterns at its end, each on a line of its own. The text that stands there is kept as it is. A new
/// file leaves itself out at `path`, so that no copy brings it into the image.
pub fn extended(ignore: Option<&str>, path: &str, patterns: &[String]) -> String {
    let mut text = ignore.map_or_else(|| format!("{}\n", escaped(path)), str::to_owned);
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(newline);
    }
    for pattern in patterns {
        text.push_str(pattern);
        text.push_str(newline);
    }
    text
}

/// `ignore` with each of these paths on a line of its own.
pub fn ignoring(ignore: Option<&str>, path: &str, paths: &[String]) -> String {
    extended(ignore, path, &paths.iter().map(|path| escaped(path)).collect::<Vec<_>>())
}

/// A path as a pattern that matches it alone.
pub fn escaped(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for (index, character) in path.char_indices() {
        let first = index == 0 && matches!(character, '!' | '#');
        if first || matches!(character, '*' | '?' | '[' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// Whether a pattern leaves out a path.
pub fn leaves_out(pattern: &str, path: &str) -> bool {
    IgnoreFile::parse("", pattern).excludes(path)
}

/// Patterns of the packs whose programs fill a project in this build: without such a program, what stands in the context
/// may be all there is.
fn pack_patterns(build: &Build<'_>) -> BTreeSet<String> {
    let commands = build.steps().filter_map(|(_, step)| step.run()).flat_map(|run| &run.commands);
    let filling = commands.filter(|command| match command.effect() {
        Effect::Install | Effect::Download => true,
        Effect::Build => !has_installs(&command.known.pack),
        _ => false,
    });
    filling.flat_map(|command| command.known.pack.ignore.iter().cloned()).collect()
}

fn has_installs(pack: &Pack) -> bool {
    pack.commands.iter().any(|command| command.effect == Effect::Install)
}

struct Survey<'a> {
    copies: &'a WholeCopies<'a>,
    /// Outputs with the stages that fill them.
    outputs: BTreeMap<String, Vec<usize>>,
    /// Whether git tells what belongs to the project.
    versioned: bool,
}

impl<'a> Survey<'a> {
    fn new(copies: &'a WholeCopies<'a>) -> Self {
        let versioned = copies.context.unfiltered().history(1).is_some();
        Self { copies, outputs: outputs(copies.build), versioned }
    }

    /// Whether the build makes what stands at `path` in each stage that copies it, so that the copy need not bring it.
    fn is_filled(&self, path: &str) -> bool {
        let Some(stages) = self.outputs.get(path) else { return false };
        let untracked = self.copies.context.unfiltered().is_untracked_by_rule(path);
        self.copies.bringing(path).all(|id| {
            let made = stages.iter().any(|stage| inherits(self.copies.build, id.stage, *stage));
            (untracked && made) || is_emptied_next(self.copies.build, id, path)
        })
    }

    fn is_evidence(&self, path: &str) -> bool {
        !self.versioned
            || self.outputs.contains_key(path)
            || self.copies.context.unfiltered().is_untracked_by_rule(path)
    }

    fn repository_line(&self) -> Option<IgnoreLine> {
        let entry = self.copies.context.unfiltered().entry(REPOSITORY);
        let stands = entry.is_some_and(|entry| entry.kind == EntryKind::Directory);
        // A context below the top of a repository has none of its own; where there is no repository, one may come.
        let may_come = stands || !self.versioned;
        if !may_come || self.copies.may_need_repository() || self.copies.context.excludes(REPOSITORY) {
            return None;
        }
        let brought = stands && self.copies.entry(REPOSITORY).is_some();
        // `.git/*` leaves an empty directory.
        if brought && self.copies.context.list(REPOSITORY).is_empty() {
            return None;
        }
        let matched: Vec<String> = brought.then(|| REPOSITORY.to_owned()).into_iter().collect();
        Some(IgnoreLine {
            pattern: REPOSITORY.to_owned(),
            keeps_image: matched.is_empty(),
            evidence: matched.clone(),
            matched,
        })
    }

    fn pattern_lines(&self, patterns: Vec<String>) -> Vec<IgnoreLine> {
        let standing = self.copies.standing(&patterns, &|path| self.is_filled(path));
        let lines = patterns.into_iter().zip(standing.matched).map(|(pattern, matched)| IgnoreLine {
            keeps_image: !standing.cut && matched.iter().all(|path| self.is_filled(path)),
            evidence: matched.iter().take(MOST_EVIDENCE).filter(|path| self.is_evidence(path)).cloned().collect(),
            pattern,
            matched,
        });
        lines.collect()
    }

    /// A line for one output, unless others cover it as well as it could be.
    fn output_line(&self, path: &str, others: &[IgnoreLine]) -> Option<IgnoreLine> {
        if self.copies.context.excludes(path) {
            return None;
        }
        let stands = self.copies.entry(path).is_some();
        let keeps_image = !stands || self.is_filled(path);
        let better = |line: &&IgnoreLine| line.keeps_image || !keeps_image;
        if others.iter().filter(better).any(|line| leaves_out(&line.pattern, path)) {
            return None;
        }
        let matched: Vec<String> = stands.then(|| path.to_owned()).into_iter().collect();
        Some(IgnoreLine { pattern: escaped(path), evidence: matched.clone(), matched, keeps_image })
    }
}

fn outputs(build: &Build<'_>) -> BTreeMap<String, Vec<usize>> {
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (id, step) in build.steps() {
        let commands = step.run().into_iter().flat_map(|run| &run.commands);
        let writes = commands.filter_map(|command| command.closure.as_ref()).flat_map(|closure| &closure.writes);
        for write in writes.filter(|write| matches!(write.kind, Output | CleanOutput)) {
            found.entry(write.path.clone()).or_default().push(id.stage);
        }
    }
    found
}

/// Whether the first commands that run after a copy empty what it brings to `path`.
pub(super) fn is_emptied_next(build: &Build<'_>, copy: StepId, path: &str) -> bool {
    let Some(stage) = build.stages.get(copy.stage) else { return false };
    let placement = build.step(copy).transfer().and_then(|transfer| transfer.placement.as_ref());
    let Some(landing) = placement.and_then(|placement| placement.landing(path)) else { return false };
    let Some(run) = stage.steps.iter().skip(copy.step + 1).find_map(Step::run) else { return false };
    let first = run.commands.iter().find(|command| command.effect() != Effect::Inert);
    let empties = |command: &KnownCommand| {
        let writes = command.closure.iter().flat_map(|closure| &closure.writes);
        let mut emptied = writes.filter(|write| write.kind == CleanOutput && write.path == path);
        emptied.any(|write| command.place_of(&write.path).as_ref() == Some(&landing))
    };
    // Nobody knows what runs before or beside the command in a script that is not known whole.
    run.is_known() && first.is_some_and(empties)
}

/// Whether a stage is, or starts from, another.
fn inherits(build: &Build<'_>, stage: usize, ancestor: usize) -> bool {
    let mut current = stage;
    while current != ancestor {
        match build.stages.get(current).map(|stage| &stage.base) {
            Some(Base::Stage(parent)) if *parent < current => current = *parent,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        context::{Filtered, MemoryContext},
        ecosystem::Catalog,
        model::Inputs,
        syntax::Dockerfile,
    };

    #[test]
    fn extends_the_text_that_is_there() {
        let lines = ["a".to_owned(), "**/b".to_owned()];
        for (ignore, expected) in [
            (None, ".dockerignore\na\n**/b\n"),
            (Some(""), "a\n**/b\n"),
            (Some("x"), "x\na\n**/b\n"),
            (Some("x\r\ny"), "x\r\ny\r\na\r\n**/b\r\n"),
        ] {
            assert_eq!(extended(ignore, ".dockerignore", &lines), expected, "{ignore:?}");
        }
    }

    /// The lines for a Dockerfile in a context, each with whether it keeps the image.
    fn lines(dockerfile: &str, context: &MemoryContext) -> Vec<(String, bool)> {
        let file = Dockerfile::parse(dockerfile);
        let view = Filtered::new(context, None);
        let arguments = BTreeMap::new();
        let inputs = Inputs { file: &file, context: Some(&view), catalog: Catalog::builtin(), arguments: &arguments };
        let build = Build::new(inputs);
        let lines = WholeCopies::find(&build).map(|copies| first_lines(&copies)).unwrap_or_default();
        let lines = lines.into_iter().filter(|line| line.pattern.contains("node_modules"));
        lines.map(|line| (line.pattern, line.keeps_image)).collect()
    }

    #[test]
    fn a_line_keeps_the_image_where_the_build_makes_what_it_leaves_out() {
        const START: &str = "FROM node:22\nWORKDIR /app\n";
        let deep = "**/node_modules";
        for (case, steps, untracked, standing, expected) in [
            ("nothing stands there", "COPY . .\nRUN npm install", false, None, vec![(deep, true)]),
            ("git leaves it out", "COPY . .\nRUN npm install", true, Some(""), vec![(deep, true)]),
            ("it may be meant", "COPY . .\nRUN npm install", false, Some(""), vec![(deep, false)]),
            ("emptied at once", "COPY . .\nRUN npm ci", false, Some(""), vec![(deep, true)]),
            ("read before", "COPY . .\nRUN make\nRUN npm ci", false, Some(""), vec![(deep, false)]),
            ("copied over", "COPY package*.json ./\nRUN npm ci\nCOPY . .", false, Some(""), vec![(deep, false)]),
            (
                "another stage ships it",
                "RUN true\nCOPY . .\nRUN npm install\nFROM node:22\nWORKDIR /app\nCOPY . .",
                true,
                Some(""),
                vec![(deep, false)],
            ),
            ("elsewhere it is meant", "COPY . .\nRUN npm install", true, Some("tests/"), vec![("node_modules", true)]),
            ("nothing is installed", "COPY . .\nRUN npm test", true, Some(""), vec![]),
        ] {
            let manifest = r#"{"name":"a","version":"1.0.0","dependencies":{"ms":"2"}}"#;
            let lock = r#"{"name":"a","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{"":{"name":"a","version":"1.0.0","dependencies":{"ms":"2"}}}}"#;
            let mut context = MemoryContext::from_files([("package.json", manifest), ("package-lock.json", lock)]);
            context.history_of(&[&["package.json"]]);
            if let Some(folder) = standing {
                context.file(&format!("{folder}node_modules/left/index.js"), b"");
            }
            if untracked {
                context.untracked("node_modules");
            }
            let expected: Vec<(String, bool)> =
                expected.into_iter().map(|(pattern, keeps)| (pattern.to_owned(), keeps)).collect();
            assert_eq!(lines(&format!("{START}{steps}\n"), &context), expected, "{case}");
        }
    }

    #[test]
    fn a_path_matches_itself_alone() {
        for (path, other) in [("a*b", "axb"), ("!a", "a"), ("#a", "a"), ("a[1]", "a1"), ("x?", "xy"), ("a!b", "b")] {
            assert!(leaves_out(&escaped(path), path) && !leaves_out(&escaped(path), other), "{path}");
        }
    }
}
