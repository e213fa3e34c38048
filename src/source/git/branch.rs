//! What a branch changes: the work tree against the commit at which the branch left another revision.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use super::program::{Failure, Program};
use super::{GitError, NoHistory, names};

/// The files of a work tree against the *merge base*: the newest commit that both the branch and a revision come from.
///
/// Paths are relative to the top of the work tree.
#[derive(Debug)]
pub struct Branch {
    program: Program,
    top: PathBuf,
    base: String,
    /// Paths that differ, each with the path that it had at the base; `None` for what was not there.
    changed: BTreeMap<String, Option<String>>,
    tracked: HashSet<String>,
}

impl Branch {
    /// The branch that is checked out around `folder`, against `revision`.
    ///
    /// # Errors
    /// [`GitError`] where there is no repository, no such revision, or nothing that both come from.
    pub fn since(folder: &Path, revision: &str) -> Result<Self, GitError> {
        let around = Program::in_folder(folder);
        let top = around.run(&["rev-parse", "--show-toplevel"]).map_err(|failure| {
            GitError::NoRepository(match failure {
                Failure::NotStarted(reason) => NoHistory::NoGit(reason),
                Failure::Said(text) if text.contains("dubious ownership") => NoHistory::NotTrusted,
                Failure::Said(_) => NoHistory::NoRepository,
            })
        })?;
        let top = PathBuf::from(top.strip_suffix('\n').unwrap_or(&top));
        let program = Program::in_folder(&top);
        let failed = |failure: Failure| GitError::Failed { revision: revision.to_owned(), reason: failure.to_string() };
        let commit = format!("{revision}^{{commit}}");
        let verified = program.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
        let verified = verified.map_err(|_| GitError::UnknownRevision(revision.to_owned()))?;
        let id = verified.lines().last().unwrap_or_default().to_owned();
        let base = program.run(&["merge-base", "HEAD", &id]);
        let base = base.map_err(|_| GitError::NoMergeBase(revision.to_owned()))?.trim().to_owned();
        let diff = program.diff(&["--name-status", "--find-renames", &base, "--"]).map_err(failed)?;
        let changed = read_status(&diff);
        let tracked = program.run(&["ls-files", "-z"]).map_err(failed)?;
        let tracked = names(&tracked).map(str::to_owned).collect();
        Ok(Self { program, top, base, changed, tracked })
    }

    /// The top of the work tree, absolute.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Whether the branch changes the file, or git does not track it.
    pub fn touches(&self, path: &str) -> bool {
        self.changed.contains_key(path) || !self.tracked.contains(path)
    }

    /// The text of the file where the branch began; `None` where it is new.
    ///
    /// # Errors
    /// [`GitError::Failed`] where git does not have the text, as in a clone without blobs.
    pub fn text_before(&self, path: &str) -> Result<Option<String>, GitError> {
        let old = match self.changed.get(path) {
            Some(Some(old)) => old,
            None if self.tracked.contains(path) => path,
            Some(None) | None => return Ok(None),
        };
        let failed = |failure: Failure| GitError::Failed { revision: self.base.clone(), reason: failure.to_string() };
        self.program.run(&["cat-file", "blob", &format!("{}:{old}", self.base)]).map(Some).map_err(failed)
    }
}

/// Entries of `--name-status -z`: a letter, for renames and copies with a score and two paths.
fn read_status(text: &str) -> BTreeMap<String, Option<String>> {
    let mut changed = BTreeMap::new();
    let mut fields = names(text);
    while let (Some(status), Some(path)) = (fields.next(), fields.next()) {
        match status.as_bytes().first() {
            Some(b'R' | b'C') => {
                let new = fields.next().unwrap_or(path);
                changed.insert(new.to_owned(), Some(path.to_owned()));
            }
            Some(b'A') => {
                changed.insert(path.to_owned(), None);
            }
            // A file in conflict is listed twice; what was there before counts.
            Some(b'U') => {
                changed.entry(path.to_owned()).or_insert(None);
            }
            _ => {
                changed.insert(path.to_owned(), Some(path.to_owned()));
            }
        }
    }
    changed
}
