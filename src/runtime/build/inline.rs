//! Heredocs that become files: the script of a `RUN`, a source of a `COPY` or `ADD`.

use super::BuildError;
use super::line::Line;
use crate::context::path;
use crate::syntax::Heredoc;

/// The name of the file: one part of a path, so that it can be put into any folder. `/` at the start and `..` stop at
/// the root, as in `BuildKit`.
pub(super) fn name(line: &Line<'_>, heredoc: &Heredoc) -> Result<String, BuildError> {
    let name = path::clean(&heredoc.name);
    if name.is_empty() || name.contains('/') {
        let error = line.error(format!("the heredoc `{}` cannot be a file of that name", heredoc.name));
        return Err(error.with_help("give it a name without `/`; the folder goes into the destination"));
    }
    Ok(name)
}

/// What it holds, before variables are replaced.
pub(super) fn content(line: &Line<'_>, heredoc: &Heredoc) -> String {
    let text = heredoc.body.of(line.source);
    if !heredoc.chomp {
        return text.to_owned();
    }
    text.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
}
