//! `--changed-since`: only files, and only lines, that the branch touches.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use similar::{DiffOp, TextDiff};

use super::CheckedFile;
use super::inputs::Place;
use super::jobs::Job;
use crate::cli::failure::Failure;
use crate::diagnostic::Diagnostic;
use crate::source::Branch;

/// What the branch touches, in each repository that a file stands in.
#[derive(Debug)]
pub(super) struct Changes<'a> {
    revision: &'a str,
    /// By the folder that was asked about.
    branches: HashMap<PathBuf, usize>,
    opened: Vec<Branch>,
}

/// What counts of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    Nothing,
    Everything,
    /// First and last lines, from 1.
    Lines(Vec<(usize, usize)>),
}

impl<'a> Changes<'a> {
    pub(super) fn since(revision: &'a str) -> Self {
        Self { revision, branches: HashMap::new(), opened: Vec::new() }
    }

    /// What the branch touches of a file.
    pub(super) fn of(&mut self, job: &Job) -> Result<Touched, Failure> {
        let (folder, name) = place(&job.input.path);
        let branch = self.branch(&folder)?;
        let full = folder.join(name);
        let Ok(path) = full.strip_prefix(branch.top()) else { return Ok(Touched::Everything) };
        let path = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        // Standard input may differ where the file does not.
        if !branch.touches(&path) && job.input.place == Place::File {
            return Ok(Touched::Nothing);
        }
        let before = branch.text_before(&path).map_err(|error| Failure::Branch(error.to_string()))?;
        Ok(before.map_or(Touched::Everything, |before| Touched::Lines(touched_lines(&before, job.file_text()))))
    }

    fn branch(&mut self, folder: &Path) -> Result<&Branch, Failure> {
        let index = match self.branches.get(folder) {
            Some(index) => *index,
            None => self.open(folder)?,
        };
        self.opened.get(index).ok_or_else(|| Failure::Branch("the repository is gone".to_owned()))
    }

    fn open(&mut self, folder: &Path) -> Result<usize, Failure> {
        // A folder without a `.git` of its own belongs to the repository of the one above.
        let top = folder.ancestors().find(|above| above.join(".git").symlink_metadata().is_ok());
        let known = self.opened.iter().position(|branch| Some(branch.top()) == top);
        let index = if let Some(index) = known {
            index
        } else {
            let branch = Branch::since(folder, self.revision);
            self.opened.push(branch.map_err(|error| Failure::Branch(error.to_string()))?);
            self.opened.len() - 1
        };
        self.branches.insert(folder.to_owned(), index);
        Ok(index)
    }
}

/// The folder of a file with links followed, and the file's name in it; of a link, those of what it leads to.
fn place(path: &Path) -> (PathBuf, std::ffi::OsString) {
    let full = path.canonicalize().unwrap_or_else(|_| {
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        parent.zip(path.file_name()).map_or(path.to_owned(), |(parent, name)| parent.join(name))
    });
    let folder = full.parent().unwrap_or(&full).to_owned();
    (folder, full.file_name().unwrap_or_default().to_owned())
}

/// Lines of `after` that `before` does not have there. Where lines are gone, the two around the gap count. Line endings do
/// not: git may convert them.
fn touched_lines(before: &str, after: &str) -> Vec<(usize, usize)> {
    let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
    let (before, after) = (lines(before), lines(after));
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.iter().map(String::as_str).collect(), after.iter().map(String::as_str).collect());
    let diff = TextDiff::from_slices(&before, &after);
    let touched = diff.ops().iter().filter_map(|operation| match *operation {
        DiffOp::Equal { .. } => None,
        DiffOp::Delete { new_index, .. } => Some((new_index.max(1), new_index + 1)),
        DiffOp::Insert { new_index, new_len, .. } | DiffOp::Replace { new_index, new_len, .. } => {
            Some((new_index + 1, new_index + new_len))
        }
    });
    touched.collect()
}

impl Touched {
    /// Whether a finding, or one of the places that explain it, stands on a line that counts.
    pub(super) fn holds(&self, file: &CheckedFile, diagnostic: &Diagnostic) -> bool {
        let Self::Lines(touched) = self else { return *self == Self::Everything };
        let places = diagnostic.related.iter().map(|label| label.range).chain([diagnostic.range]);
        places
            .map(|range| file.lines(range))
            .any(|(first, last)| touched.iter().any(|(from, to)| first <= *to && *from <= last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_lines_that_differ() {
        for (before, after, expected) in [
            ("a\nb\nc\n", "a\nb\nc\n", vec![]),
            ("a\nb\nc\n", "a\r\nb\r\nc", vec![]),
            ("a\nb\nc\n", "a\nx\nc\n", vec![(2, 2)]),
            ("a\nb\n", "a\nx\ny\nb\n", vec![(2, 3)]),
            ("a\nb\nc\n", "a\nc\n", vec![(1, 2)]),
            ("a\nb\n", "b\n", vec![(1, 1)]),
            ("", "a\n", vec![(1, 1)]),
        ] {
            assert_eq!(touched_lines(before, after), expected, "{before:?} {after:?}");
        }
    }
}
