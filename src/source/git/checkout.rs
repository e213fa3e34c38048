//! Commits laid out in folders of their own, beside the work tree.

use std::path::{Path, PathBuf};

use super::{GitError, Repository};
use crate::source::TemporaryFolder;

impl Repository {
    /// Writes the files that `commit` has in the folder below `to`, which is empty, and names the place there that stands
    /// for the folder. Neither the work tree nor the index of the repository is touched. Filters that are set for the files
    /// run, as they do for `git checkout`: without them, what Git LFS keeps elsewhere would be missing.
    ///
    /// # Errors
    /// [`GitError::Failed`] where git does not have the files, as in a clone without blobs.
    pub(in crate::source) fn check_out(&self, commit: &str, to: &Path) -> Result<PathBuf, GitError> {
        let failed = |reason: String| GitError::Failed { revision: commit.to_owned(), reason };
        let index = TemporaryFolder::new().map_err(|error| failed(error.to_string()))?;
        let index = index.path().join("index");
        let run = |arguments: &[&str]| {
            self.program.run_with_index(&index, arguments).map_err(|failure| failed(failure.to_string()))
        };
        run(&["read-tree", commit])?;
        let prefix = format!("--prefix={}/", to.display());
        run(&["checkout-index", "--all", "--force", "--quiet", &prefix])?;
        Ok(to.join(&self.prefix))
    }
}
