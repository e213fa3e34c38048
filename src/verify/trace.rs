//! Traces: which files of the build context a step reached while it ran, and how.
//!
//! The engine tells what a command reached by its name; here it is brought together with what copies have put there. A
//! trace is evidence of one run: the next commit may lead the command elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::{EntryKind, Filtered};
use crate::ecosystem::{Observation, ObservedFile, Reach};
use crate::model::{Build, StagePath, View};

/// What a step did to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Touch {
    /// It read the content, or executed it.
    Read,
    /// It read the names in the directory.
    List,
    /// It asked whether it is there, or what it is.
    Test,
    /// It opened it to write, or made it.
    Write,
    /// It changed its mode, owner, times, attributes or names.
    Change,
    /// It moved it away.
    Rename,
    /// It removed it.
    Delete,
}

impl Touch {
    /// The name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "listed",
            Self::Test => "tested",
            Self::Write => "written",
            Self::Change => "changed",
            Self::Rename => "renamed",
            Self::Delete => "deleted",
        }
    }

    /// Whether the file is another one afterwards.
    pub const fn is_write(self) -> bool {
        matches!(self, Self::Write | Self::Change | Self::Rename | Self::Delete)
    }
}

/// What an engine has seen of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The index of its instruction.
    pub instruction: usize,
    /// By absolute path in the stage.
    pub paths: BTreeMap<String, Touched>,
    /// How many calls were seen.
    pub calls: u64,
    /// Whether the path of every call could be told.
    pub is_complete: bool,
}

/// What was done to a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// How it was reached.
    pub how: BTreeSet<Touch>,
    /// Whether it was there at the first time.
    pub was_there: bool,
    /// The command lines of the programs that did it, cut short.
    pub by: BTreeSet<String>,
}

/// A step with what it did to the files that were copied from the context.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedStep {
    /// The index of its instruction.
    pub instruction: usize,
    /// The first line.
    pub line: usize,
    /// The instruction on one line.
    pub text: String,
    /// Copied files and directories that it reached, by their path in the context, which is empty for its root.
    pub files: BTreeMap<String, Reached>,
    /// Names below copied directories that it asked for and that were not there, as paths in the context.
    pub missing: BTreeSet<String>,
    /// How many further paths it made below copied directories.
    pub made: usize,
    /// How many calls were seen.
    pub calls: u64,
    /// Whether all of them could be told.
    pub is_complete: bool,
    /// Seconds that it took while it was traced, and without.
    pub seconds: (f64, f64),
}

/// A copied file that was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Its absolute path in the stage; one of them where it was copied to several.
    pub place: String,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// How it was reached.
    pub how: BTreeSet<Touch>,
    /// By which programs.
    pub by: BTreeSet<String>,
}

/// Brings together what an engine has seen of a step and what stands where; `None` for a step that the file does not have.
pub(super) fn traced(build: &Build<'_>, seen: &Seen, seconds: (f64, f64)) -> Option<TracedStep> {
    let (id, _) = build.steps().find(|(_, step)| step.instruction == seen.instruction)?;
    let instruction = build.instruction(id);
    let mut step = TracedStep {
        instruction: seen.instruction,
        line: instruction.lines.0,
        text: instruction.one_line(build.inputs.file.source(), WIDTH),
        files: BTreeMap::new(),
        missing: BTreeSet::new(),
        made: 0,
        calls: seen.calls,
        is_complete: seen.is_complete,
        seconds,
    };
    if let Some(context) = build.inputs.context {
        let copied = Copied { context, view: build.view(id) };
        copied.sort_out(seen, &mut step);
    }
    Some(step)
}

/// Characters of an instruction that are shown.
const WIDTH: usize = 100;

/// What copies of the context have put into a stage before a step.
struct Copied<'a> {
    context: &'a Filtered<'a>,
    view: View<'a>,
}

impl Copied<'_> {
    fn sort_out(&self, seen: &Seen, step: &mut TracedStep) {
        for (path, touched) in &seen.paths {
            let place = StagePath::root().join(path.trim_start_matches('/'));
            if let Some(origin) = self.view.origin(self.context, &place) {
                let is_directory = origin.is_empty()
                    || self.context.entry(&origin).is_some_and(|entry| entry.kind == EntryKind::Directory);
                let reached = step.files.entry(origin).or_default();
                reached.place.clone_from(path);
                reached.is_directory = is_directory;
                reached.how.extend(&touched.how);
                reached.by.extend(touched.by.iter().cloned());
                continue;
            }
            let Some(name) = self.name_below(&place) else { continue };
            if touched.was_there || touched.how.iter().any(|how| how.is_write()) {
                step.made += 1;
            } else {
                step.missing.insert(name);
            }
        }
    }

    /// What a place below a copied directory would be called in the context.
    fn name_below(&self, place: &StagePath) -> Option<String> {
        let mut names = vec![place.name().to_owned()];
        let mut above = place.parent();
        loop {
            if let Some(origin) = self.view.origin(self.context, &above) {
                names.extend((!origin.is_empty()).then_some(origin));
                names.reverse();
                return Some(names.join("/"));
            }
            let next = above.parent();
            if next == above {
                return None;
            }
            names.push(above.name().to_owned());
            above = next;
        }
    }
}

impl TracedStep {
    /// The paths that were reached in this way.
    pub fn reached(&self, how: Touch) -> impl Iterator<Item = &str> {
        self.files.iter().filter(move |(_, file)| file.how.contains(&how)).map(|(path, _)| path.as_str())
    }

    /// The same for planning: which copied files it needs, and which it changes.
    pub fn observation(&self) -> Observation {
        let reach = |how: &Touch| match how {
            Touch::Test => Reach::Asked,
            Touch::Read => Reach::Read,
            Touch::List => Reach::Listed,
            Touch::Write | Touch::Change | Touch::Rename | Touch::Delete => Reach::Changed,
        };
        let file = |reached: &Reached| ObservedFile {
            place: reached.place.clone(),
            is_directory: reached.is_directory,
            reach: reached.how.iter().map(reach).max().unwrap_or_default(),
        };
        Observation { files: self.files.values().map(file).collect(), is_complete: self.is_complete }
    }

    /// How many times as long it took because it was traced.
    pub fn overhead(&self) -> Option<f64> {
        (self.seconds.1 > 0.0).then(|| self.seconds.0 / self.seconds.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::MemoryContext;
    use crate::ecosystem::Catalog;
    use crate::model::Inputs;
    use crate::syntax::Dockerfile;

    #[test]
    fn paths_are_brought_back_to_the_context() {
        let file = Dockerfile::parse("FROM scratch\nWORKDIR /app\nCOPY . .\nRUN ./setup.sh\n");
        let memory = MemoryContext::from_files([("setup.sh", ""), ("src/a.c", ""), ("b", "")]);
        let context = Filtered::new(&memory, None);
        let arguments = BTreeMap::new();
        let catalog = Catalog::builtin();
        let build = Build::new(Inputs { file: &file, context: Some(&context), catalog, arguments: &arguments });
        let touched =
            |how: &[Touch], was_there| Touched { how: how.iter().copied().collect(), was_there, by: BTreeSet::new() };
        let paths = BTreeMap::from([
            ("/app/setup.sh".to_owned(), touched(&[Touch::Read], true)),
            ("/app".to_owned(), touched(&[Touch::List], true)),
            ("/app/src/.env".to_owned(), touched(&[Touch::Test], false)),
            ("/app/out/x".to_owned(), touched(&[Touch::Write], false)),
            ("/etc/passwd".to_owned(), touched(&[Touch::Read], true)),
        ]);
        let seen = Seen { instruction: 3, paths, calls: 9, is_complete: true };
        let step = traced(&build, &seen, (3.0, 2.0)).unwrap();
        assert_eq!(step.reached(Touch::Read).collect::<Vec<_>>(), ["setup.sh"]);
        assert_eq!(step.reached(Touch::List).collect::<Vec<_>>(), [""]);
        assert_eq!(step.missing.iter().collect::<Vec<_>>(), ["src/.env"]);
        assert_eq!((step.line, step.made, step.overhead()), (4, 1, Some(1.5)));
    }
}
