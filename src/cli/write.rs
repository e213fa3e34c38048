//! Writing files of the user: each whole or not at all, and none that they did not mean.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::failure::{self, Failure};
use crate::source::atomic::{self, Staged};

/// Replaces the file at `path`, which is shown as `name`.
pub(super) fn file(path: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let mut changes = Changes::default();
    changes.file(path, name, text)?;
    changes.write()
}

/// Writes a report to `path`: a file is replaced, a pipe or a device (`/dev/stdout`) takes what comes.
pub(super) fn report(path: &Path, name: &str, text: &str) -> Result<(), Failure> {
    if path.is_file() || path.is_dir() || !path.exists() {
        return file(path, name, text);
    }
    let written = File::options().write(true).open(path).and_then(|mut opened| opened.write_all(text.as_bytes()));
    written.map_err(|error| refused(name, &error.to_string()))
}

/// Files that are replaced together: none before all of them could be written.
#[derive(Default)]
pub(super) struct Changes {
    staged: Vec<(String, Staged)>,
}

impl Changes {
    /// Adds the file at `path`, which is shown as `name`.
    pub(super) fn file(&mut self, path: &Path, name: &str, text: &str) -> Result<(), Failure> {
        // A pipe or a device would be replaced by a file.
        if path.exists() && !path.is_file() {
            return Err(refused(name, "it is no regular file"));
        }
        if path.parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
            return Err(refused(name, "its folder does not exist"));
        }
        let staged = atomic::stage(path, text.as_bytes()).map_err(|error| refused(name, &error.source.to_string()))?;
        self.staged.push((name.to_owned(), staged));
        Ok(())
    }

    /// Adds a file of the build context in the folder `root`, a new one too; `path` is relative to it.
    ///
    /// A link that leads out of the context is left alone: the builder does not follow it, so that what it points to was
    /// not read, and belongs to someone else.
    pub(super) fn file_of_context(&mut self, root: &Path, path: &str, text: &str) -> Result<(), Failure> {
        let full = root.join(path);
        let name = failure::near(&full);
        let leads_out = || match (full.canonicalize(), root.canonicalize()) {
            (Ok(target), Ok(root)) => !target.starts_with(root),
            _ => true,
        };
        if full.is_symlink() && leads_out() {
            return Err(refused(&name, "it is a link that leads out of the build context"));
        }
        self.file(&full, &name, text)
    }

    /// Replaces the files, in the order in which they were added.
    pub(super) fn write(self) -> Result<(), Failure> {
        for (name, staged) in self.staged {
            staged.put_in_place().map_err(|error| refused(&name, &error.source.to_string()))?;
        }
        Ok(())
    }
}

fn refused(name: &str, reason: &str) -> Failure {
    Failure::Unwritable { path: name.to_owned(), reason: reason.to_owned() }
}
