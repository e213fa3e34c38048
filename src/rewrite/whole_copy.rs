//! Copies of the whole build context, and what they bring.
//!
//! A *whole copy* is a `COPY`, an `ADD` or a bind mount that takes the context from its root on. What an ignore file does
//! not leave out rides along with it.

use crate::{
    context::{Entry, EntryKind, Filtered, IgnoreFile, path},
    ecosystem::asks_repository,
    model::{Action, Build, Step, StepId},
    text::TextRange,
};

/// Entries of the context that are looked at, at most.
const LIMIT: usize = 50_000;

/// The folder of the repository's own data.
pub const REPOSITORY: &str = ".git";

/// The whole copies of a build.
pub struct WholeCopies<'a> {
    /// The build.
    pub build: &'a Build<'a>,
    /// Its context after the ignore file.
    pub context: &'a Filtered<'a>,
    /// The copies, in the order of the file; never empty.
    pub steps: Vec<StepId>,
}

/// What patterns would leave out of whole copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// For each pattern the outermost paths that it matches, sorted.
    pub matched: Vec<Vec<String>>,
    /// Whether the context is too large to tell: there may be more.
    pub cut: bool,
}

impl<'a> WholeCopies<'a> {
    /// The whole copies of `build`; `None` where there are none or the context is not known.
    pub fn find(build: &'a Build<'a>) -> Option<Self> {
        let context = build.inputs.context?;
        let steps: Vec<StepId> =
            build.steps().filter(|(_, step)| takes_whole(context, step)).map(|(id, _)| id).collect();
        (!steps.is_empty()).then_some(Self { build, context, steps })
    }

    /// The copies that bring this context path.
    pub fn bringing(&self, path: &str) -> impl Iterator<Item = StepId> {
        self.steps.iter().copied().filter(move |id| brings(self.build.step(*id), path))
    }

    /// The entry at a context path, where a copy brings it.
    pub fn entry(&self, path: &str) -> Option<Entry> {
        self.context.entry(path).filter(|_| self.bringing(path).next().is_some())
    }

    /// What a copy is called: its instruction, or a bind mount.
    pub fn name(&self, id: StepId) -> &'static str {
        match &self.build.step(id).action {
            Action::Transfer(transfer) if transfer.add => "`ADD`",
            Action::Transfer(_) => "`COPY`",
            _ => "bind mount",
        }
    }

    /// Where a copy is written: the whole instruction, or the flag that mounts the context.
    pub fn range(&self, id: StepId) -> TextRange {
        let instruction = self.build.instruction(id);
        let Some(run) = self.build.step(id).run() else { return instruction.range };
        let mounts = instruction.flags.iter().filter(|flag| flag.name.eq_ignore_ascii_case("mount"));
        let own = mounts.zip(&run.mounts).find(|(_, mount)| mount.context.as_deref() == Some(""));
        own.map_or(instruction.keyword_range, |(flag, _)| flag.range)
    }

    /// What each of these patterns would leave out. Directories for which `closed` holds are not entered, and neither is
    /// the repository's own folder.
    pub fn standing(&self, patterns: &[String], closed: &dyn Fn(&str) -> bool) -> Standing {
        let patterns: Vec<IgnoreFile> = patterns.iter().map(|pattern| IgnoreFile::parse("", pattern)).collect();
        let mut standing = Standing { matched: vec![Vec::new(); patterns.len()], cut: false };
        let mut folders = vec![String::new()];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            let covered: Vec<bool> = patterns.iter().map(|pattern| pattern.excludes(&folder)).collect();
            for (name, entry) in self.context.list(&folder) {
                seen += 1;
                if seen > LIMIT {
                    standing.cut = true;
                    break;
                }
                let path = path::join(&folder, &name);
                for ((pattern, covered), matched) in patterns.iter().zip(&covered).zip(&mut standing.matched) {
                    if !covered && pattern.excludes(&path) && self.bringing(&path).next().is_some() {
                        matched.push(path.clone());
                    }
                }
                if entry.kind == EntryKind::Directory && path != REPOSITORY && !closed(&path) {
                    folders.push(path);
                }
            }
        }
        standing.matched.iter_mut().for_each(|matched| matched.sort());
        standing
    }

    /// Whether the repository's data may belong in the context: a step asks it about itself, as `git describe` does, or
    /// the context is only mounted. A mount leaves nothing in the image, and other files with the same ignore file may ask.
    pub fn may_need_repository(&self) -> bool {
        let source = self.build.inputs.file.source();
        let mut runs = self.build.steps().filter(|(_, step)| step.run().is_some());
        let copied = self.steps.iter().any(|id| self.build.step(*id).transfer().is_some());
        !copied || runs.any(|(id, _)| asks_repository(self.build.instruction(id).range.of(source)))
    }
}

fn takes_whole(context: &Filtered<'_>, step: &Step) -> bool {
    match &step.action {
        Action::Transfer(transfer) if transfer.is_from_context() => {
            let selector = transfer.selector.as_ref();
            selector.is_some_and(|selector| {
                let roots = selector.roots(context);
                roots.iter().any(|root| root.real.is_empty() && root.kind == EntryKind::Directory)
            })
        }
        Action::Run(run) => run.mounts.iter().any(|mount| mount.context.as_deref() == Some("")),
        _ => false,
    }
}

fn brings(step: &Step, path: &str) -> bool {
    match &step.action {
        Action::Transfer(transfer) => transfer.selects(path),
        Action::Run(run) => run.mounts_path(path),
        _ => false,
    }
}
