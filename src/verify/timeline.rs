//! States of a project one after the other, each laid out in a folder of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::context::{Context, EntryKind, Filtered};
use crate::source::{DiskContext, GitError, TemporaryFolder};

/// The states of a project: where it begins, and each change after that.
#[derive(Debug)]
pub struct Timeline {
    /// The first is what the others start from. By name and by what it is made of.
    states: Vec<(String, State)>,
}

#[derive(Clone, Debug)]
enum State {
    /// A commit.
    Commit(String),
    /// The folder as it is, with a line break more at the end of these files.
    Edited(Vec<String>),
}

/// Why a state cannot be laid out.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// Git cannot lay out the commit.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file cannot be copied.
    #[error("`{}` cannot be laid out: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

/// A state laid out; the folder is gone when this is dropped.
#[derive(Debug)]
pub(super) struct LaidOut {
    _folder: TemporaryFolder,
    /// The build context in it.
    pub(super) context: PathBuf,
}

impl Timeline {
    /// The newest `limit` commits that change the context, oldest first; `None` where there are fewer than two.
    pub fn of_history(disk: &DiskContext, limit: usize) -> Option<Self> {
        let history = disk.history(limit.saturating_add(1))?;
        let commits = history.commits.iter().take(limit.saturating_add(1)).rev();
        let states: Vec<_> = commits.map(|commit| (commit.id.clone(), State::Commit(commit.id.clone()))).collect();
        (states.len() > 1).then_some(Self { states })
    }

    /// One edit of each of these files of the context, one after the other. An edit adds a line break to the end: it says
    /// nothing in any language.
    pub fn of_edits(paths: &[String]) -> Self {
        let mut states = vec![("the files as they are".to_owned(), State::Edited(Vec::new()))];
        for (index, path) in paths.iter().enumerate() {
            states.push((format!("edit of `{path}`"), State::Edited(paths[..=index].to_vec())));
        }
        Self { states }
    }

    /// Names of the states, the first of which is no change.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.states.iter().map(|(name, _)| name.as_str())
    }

    /// Lays a state out.
    pub(super) fn lay_out(
        &self,
        index: usize,
        disk: &DiskContext,
        context: &Filtered<'_>,
    ) -> Result<LaidOut, TimelineError> {
        let temporary = std::env::temp_dir();
        let folder = TemporaryFolder::new();
        let folder = folder.map_err(|error| file_error(&temporary, &error))?;
        let Some((_, state)) = self.states.get(index) else {
            return Ok(LaidOut { context: folder.path().to_owned(), _folder: folder });
        };
        let root = match state {
            State::Commit(id) => disk.check_out(id, folder.path())?,
            State::Edited(paths) => {
                copy(disk.root(), context, folder.path())?;
                for path in paths {
                    let path = folder.path().join(path);
                    let text = fs::read(&path).map_err(|error| file_error(&path, &error))?;
                    fs::write(&path, [&text, b"\n".as_slice()].concat()).map_err(|error| file_error(&path, &error))?;
                }
                folder.path().to_owned()
            }
        };
        fs::create_dir_all(&root).map_err(|error| file_error(&root, &error))?;
        Ok(LaidOut { context: root, _folder: folder })
    }
}

fn file_error(path: &Path, error: &io::Error) -> TimelineError {
    TimelineError::File { path: path.to_owned(), reason: error.to_string() }
}

/// Copies what the builder would be sent, and the ignore files.
fn copy(root: &Path, context: &Filtered<'_>, to: &Path) -> Result<(), TimelineError> {
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for (name, entry) in context.list(&folder) {
            let path = crate::context::path::join(&folder, &name);
            let (from, target) = (root.join(&path), to.join(&path));
            let copied = match entry.kind {
                EntryKind::Directory => {
                    folders.push(path);
                    fs::create_dir_all(&target).and_then(|()| keep_bits(&from, &target))
                }
                EntryKind::File => fs::copy(&from, &target).and_then(|_| keep_time(&from, &target)),
                EntryKind::Link => link(entry.link.as_deref().unwrap_or_default(), &target),
                EntryKind::Other => Ok(()),
            };
            copied.map_err(|error| file_error(&from, &error))?;
        }
    }
    Ok(())
}

fn keep_bits(from: &Path, to: &Path) -> io::Result<()> {
    fs::set_permissions(to, fs::metadata(from)?.permissions())
}

fn keep_time(from: &Path, to: &Path) -> io::Result<()> {
    let modified = fs::metadata(from)?.modified()?;
    // A file that its owner may not write keeps the time of its copy.
    fs::File::options().write(true).open(to).and_then(|file| file.set_modified(modified)).or(Ok(()))
}

#[cfg(unix)]
fn link(target: &str, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::IgnoreFile;

    #[test]
    fn edits_leave_the_project_alone() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [("a.js", "1"), ("src/b.js", "2"), ("out/c", "3")] {
            fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
            fs::write(folder.path().join(path), text).unwrap();
        }
        let disk = DiskContext::new(folder.path()).unwrap();
        let ignore = IgnoreFile::parse(".dockerignore", "out\n");
        let context = Filtered::new(&disk, Some(&ignore));
        let timeline = Timeline::of_edits(&["a.js".to_owned(), "src/b.js".to_owned()]);
        assert_eq!(timeline.names().count(), 3);
        let read = |laid_out: &LaidOut, path: &str| fs::read_to_string(laid_out.context.join(path)).ok();
        let second = timeline.lay_out(1, &disk, &context).unwrap();
        assert_eq!(read(&second, "a.js").as_deref(), Some("1\n"));
        assert_eq!(read(&second, "src/b.js").as_deref(), Some("2"));
        assert_eq!(read(&second, "out/c"), None);
        let third = timeline.lay_out(2, &disk, &context).unwrap();
        assert_eq!(read(&third, "src/b.js").as_deref(), Some("2\n"));
        assert_eq!(fs::read_to_string(folder.path().join("a.js")).unwrap(), "1");
    }
}
