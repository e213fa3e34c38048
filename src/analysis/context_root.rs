//! Which folder is the build context of a Dockerfile, where nobody says so.
//!
//! Most projects build with the folder of the Dockerfile as context, many with a folder above it (`docker build -f
//! docker/Dockerfile .`). The sources that the file copies tell: the context is the nearest folder that has them all.

use std::path::{Path, PathBuf};

use crate::config::FileSettings;
use crate::context::{Context, Destination, Filtered, Selector};
use crate::source::DiskContext;
use crate::syntax::{Body, Dockerfile, Source};

use super::{ProjectError, Session};

/// In how many folders the context is looked for, that of the Dockerfile and those above it.
const HIGHEST: usize = 6;

/// The root of the file's build context: the one that the configuration or a declared build names, else the folder of the
/// file or the nearest above it, within the repository, that has everything that the file copies. `None` where no folder
/// has.
///
/// # Errors
/// [`ProjectError`] where the folder of the configuration is not there.
pub fn context_root(
    path: &Path,
    file: &Dockerfile,
    settings: &FileSettings,
    session: &Session,
) -> Result<Option<PathBuf>, ProjectError> {
    if let Some(context) = &settings.context {
        return session.context(context).map(|_| Some(context.clone()));
    }
    let wanted = copied_sources(file);
    let Some(folder) = path.parent() else { return Ok(None) };
    // No project is the whole file system.
    for candidate in folder.ancestors().take(HIGHEST).filter(|path| path.parent().is_some()) {
        let Ok(context) = session.context(candidate) else { break };
        if has_all(&context, &wanted) && (candidate != folder || !is_only_build_files(&context, &wanted)) {
            return Ok(Some(candidate.to_owned()));
        }
        if candidate.join(".git").exists() {
            break;
        }
    }
    // A file that copies nothing by name is built from where it stands.
    let by_name = wanted.iter().any(|source| !is_everything(source));
    Ok((!by_name && session.context(folder).is_ok()).then(|| folder.to_owned()))
}

/// Sources that the file takes from the context, those with variables left out.
pub(super) fn copied_sources(file: &Dockerfile) -> Vec<String> {
    let transfers = file.instructions().iter().filter(|instruction| instruction.flag("from").is_none());
    let words = transfers.filter_map(|instruction| match &instruction.body {
        Body::Copy(transfer) | Body::Add(transfer) => Some(&transfer.sources),
        _ => None,
    });
    let paths = words.flatten().filter_map(|source| match source {
        Source::Path(word) => Some(word.text.clone()),
        Source::Heredoc(_) => None,
    });
    paths.filter(|path| !path.contains('$') && !path.contains("://") && !path.starts_with("git@")).collect()
}

pub(super) fn has_all(context: &DiskContext, sources: &[String]) -> bool {
    let view = Filtered::new(context, None);
    sources.iter().all(|source| {
        is_everything(source) || !Selector::new(&[source], Destination::new("/", "/")).matches_nothing(&view)
    })
}

fn is_everything(source: &str) -> bool {
    matches!(source, "." | "./" | "/" | "*" | "./*" | "")
}

/// Whether a folder holds nothing but Dockerfiles and what belongs to them, so that copying all of it cannot be what is
/// meant: `docker/Dockerfile` with `COPY . .` is built from above.
pub(super) fn is_only_build_files(context: &DiskContext, sources: &[String]) -> bool {
    const MARKS: [&str; 4] = ["dockerfile", "containerfile", "compose", ".dockerignore"];
    const ENDS: [&str; 3] = ["sh", "md", "env"];
    let only_everything = !sources.is_empty() && sources.iter().all(|source| is_everything(source));
    let belongs = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let end = lower.rsplit('.').next().unwrap_or_default();
        MARKS.iter().any(|mark| lower.contains(mark)) || ENDS.contains(&end)
    };
    // A folder with an ignore file of its own is a context.
    only_everything
        && context.entry(".dockerignore").is_none()
        && context.list("").iter().all(|(name, _)| belongs(name))
}
