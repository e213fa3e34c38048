//! `ignored-copy-source`: a copy of what the ignore file leaves out.

use crate::context::{Context, EntryKind, Filtered, IgnoreFile, Selector, path};
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::Transfer;
use crate::syntax::{Body, Instruction, Source};
use crate::text::TextRange;

declare_rule! {
    /// ## What it does
    /// Finds sources of `COPY` and `ADD` that the ignore file leaves out of the build context, whole or with everything in
    /// them.
    ///
    /// ## Why is this bad?
    /// The builder never sees what the ignore file leaves out. The build fails with `not found`, although the file is
    /// there for everyone to see; of a folder whose content is left out, an empty folder is copied.
    ///
    /// ## Example
    /// ```dockerignore
    /// dist
    /// ```
    /// ```files
    /// dist/index.js
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// COPY dist /app
    /// ```
    ///
    /// Use instead:
    /// ```dockerignore
    /// dist/*.map
    /// ```
    /// ```dockerfile
    /// FROM node:22
    /// COPY dist /app
    /// ```
    ///
    /// ## Known problems
    /// A source with a variable that a build argument may change is not checked.
    ///
    /// ## References
    /// - [Docker: CopyIgnoredFile](https://docs.docker.com/reference/build-checks/copy-ignored-file/)
    IgnoredCopySource {
        name: "ignored-copy-source",
        aliases: ["CopyIgnoredFile"],
        since: "0.1.0",
        severity: Error,
        fix: None,
    }
}

impl Rule for IgnoredCopySource {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let Some(context) = subject.context() else { return };
        let Some(ignore) = context.ignore_file() else { return };
        for (id, step) in subject.build.steps() {
            let Some(transfer) = step.transfer().filter(|transfer| !transfer.varies) else { continue };
            let Some(selector) = &transfer.selector else { continue };
            let words = words(subject.build.instruction(id), transfer, selector);
            for (source, range) in selector.sources().zip(words) {
                let Some(loss) = Loss::of(source, selector, context) else { continue };
                let diagnostic = report.add(Self::META, range, loss.message(source, ignore));
                diagnostic.help = Some(loss.help(subject.ignore_path));
            }
        }
    }
}

/// Where each source of the context is written; the whole instruction where that cannot be told.
fn words(instruction: &Instruction, transfer: &Transfer, selector: &Selector) -> Vec<TextRange> {
    let (Body::Copy(arguments) | Body::Add(arguments)) = &instruction.body else { return Vec::new() };
    let is_remote = |text: &str| transfer.add && (text.contains("://") || text.starts_with("git@"));
    let words = arguments.sources.iter().filter_map(|source| match source {
        Source::Path(word) if !is_remote(&word.text) => Some(word.range),
        _ => None,
    });
    let words: Vec<TextRange> = words.collect();
    let count = selector.sources().count();
    if words.len() == count { words } else { vec![instruction.range; count] }
}

/// What the ignore file takes from a source.
struct Loss {
    /// A path that is left out.
    path: String,
    /// What becomes of the copy.
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The source itself is left out.
    Fails,
    /// All that the pattern of the source matches is left out.
    MatchesNothing,
    /// The folder is there, and empty.
    Empty,
}

impl Loss {
    fn of(source: &str, selector: &Selector, context: &Filtered<'_>) -> Option<Self> {
        let ignore = context.ignore_file()?;
        if selector.unmatched(context).contains(&source) {
            let all = Filtered::new(context.unfiltered(), None);
            let root = Selector::new(&[source], selector.destination().clone()).roots(&all).into_iter().next();
            let has_wildcard = source.contains(['*', '?', '[', '\\']);
            // Without wildcards the name alone tells, even of what is not there yet.
            let path = match root {
                Some(root) => root.path,
                None if !has_wildcard => path::clean(source.split("/./").collect::<Vec<_>>().join("/").as_str()),
                None => return None,
            };
            let gone = ignore.excludes(&path) && !ignore.may_hold_included(&path);
            let outcome = if has_wildcard { Outcome::MatchesNothing } else { Outcome::Fails };
            return (gone || has_wildcard && ignore.excludes(&path)).then_some(Self { path, outcome });
        }
        let roots = Selector::new(&[source], selector.destination().clone()).roots(context);
        let [root] = roots.as_slice() else { return None };
        if root.kind != EntryKind::Directory || search_file(context, &root.real) != Search::None {
            return None;
        }
        match search_file(context.unfiltered(), &root.real) {
            Search::Found(path) => Some(Self { path, outcome: Outcome::Empty }),
            Search::None | Search::TooLarge => None,
        }
    }

    fn message(&self, source: &str, ignore: &IgnoreFile) -> String {
        let what = match self.outcome {
            Outcome::Fails => format!("`{source}` is not in the build context"),
            Outcome::MatchesNothing => format!("nothing in the build context matches `{source}`"),
            Outcome::Empty => format!("everything in `{source}` is missing from the build context"),
        };
        match ignore.excluding(&self.path) {
            Some(pattern) => {
                format!("{what}: `{}` leaves it out by `{}` on line {}", ignore.path, pattern.text, pattern.line)
            }
            None => format!("{what}: `{}` leaves it out", ignore.path),
        }
    }

    fn help(&self, file: &str) -> String {
        let stage = "or copy it from a stage that makes it";
        match self.outcome {
            Outcome::Fails | Outcome::MatchesNothing => {
                format!("the build fails here; add `!{}` at the end of `{file}`, {stage}", self.path)
            }
            Outcome::Empty => {
                format!("an empty folder is copied; take back what is needed by lines with `!` in `{file}`, {stage}")
            }
        }
    }
}

/// Directories that are looked into at most for a file.
const LIMIT: usize = 5_000;

/// What a search for a file came to.
#[derive(PartialEq, Eq)]
enum Search {
    /// The path of one.
    Found(String),
    /// There is none.
    None,
    /// There are too many directories to tell.
    TooLarge,
}

/// Looks for anything but a directory below a directory.
fn search_file(context: &dyn Context, directory: &str) -> Search {
    let mut folders = vec![directory.to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        seen += 1;
        if seen > LIMIT {
            return Search::TooLarge;
        }
        for (name, entry) in context.list(&folder) {
            let path = path::join(&folder, &name);
            if entry.kind != EntryKind::Directory {
                return Search::Found(path);
            }
            folders.push(path);
        }
    }
    Search::None
}
