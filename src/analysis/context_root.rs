//! Which folder is the build context of a Dockerfile, where nobody says so.
//!
//! Most projects build with the folder of the Dockerfile as context, many with a folder above it (`docker build -f
//! docker/Dockerfile .`). The sources that the file copies tell: the context is the nearest folder that has them all, and
//! whose ignore file does not keep them out.

use std::path::{Path, PathBuf};

use crate::config::FileSettings;
use crate::context::{Context, Destination, EntryKind, Filtered, IgnoreFile, Selector};
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
    let mut second_best = None;
    // No project is the whole file system.
    for candidate in folder.ancestors().take(HIGHEST).filter(|path| path.parent().is_some()) {
        let Ok(context) = session.context(candidate) else { break };
        let is_project = candidate.join(".git").exists();
        match fitness(&context, path, &wanted, is_project) {
            Fitness::Root => return Ok(Some(candidate.to_owned())),
            Fitness::Perhaps => second_best = second_best.or(Some(candidate)),
            Fitness::None => {}
        }
        if is_project {
            break;
        }
    }
    if let Some(candidate) = second_best {
        return Ok(Some(candidate.to_owned()));
    }
    // A file that copies nothing by name is built from where it stands.
    let by_name = wanted.iter().any(|source| !is_everything(source));
    Ok((!by_name && session.context(folder).is_ok()).then(|| folder.to_owned()))
}

/// Whether a folder can be the context.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fitness {
    /// It has all that is copied.
    Root,
    /// It has, and it is not likely to be meant: its ignore file keeps out what is copied, or it holds nothing but folders.
    Perhaps,
    /// It has not.
    None,
}

/// Whether a folder can be the context of the Dockerfile at `path` that copies `wanted`. `is_project` where it is the root
/// of a repository.
pub(super) fn fitness(context: &DiskContext, path: &Path, wanted: &[String], is_project: bool) -> Fitness {
    let folder = context.root();
    let is_own = path.parent().is_some_and(|own| own.canonicalize().is_ok_and(|own| own == folder));
    if !has_all(context, wanted) || is_own && is_only_build_files(context, wanted) {
        return Fitness::None;
    }
    let only_folders =
        || context.list("").iter().all(|(name, entry)| entry.kind == EntryKind::Directory || belongs(name));
    let everything = !wanted.is_empty() && wanted.iter().all(|source| is_everything(source));
    if everything && !is_own && !is_project && only_folders() {
        return Fitness::Perhaps;
    }
    if takes_all(context, path, wanted) { Fitness::Root } else { Fitness::Perhaps }
}

/// Whether the ignore file that would hold in this context leaves something of all that is copied. One that lets in other
/// things by exceptions is meant for other builds; one without exceptions is a mistake that somebody should hear of.
fn takes_all(context: &DiskContext, path: &Path, wanted: &[String]) -> bool {
    let own = path.file_name().map(|name| path.with_file_name(format!("{}.dockerignore", name.to_string_lossy())));
    let text = own.and_then(|own| std::fs::read(own).ok()).or_else(|| context.read(".dockerignore").ok());
    let Some(text) = text.and_then(|text| String::from_utf8(text).ok()) else { return true };
    if !text.lines().any(|line| line.trim_start().starts_with('!')) {
        return true;
    }
    let ignore = IgnoreFile::parse(".dockerignore", &text);
    let view = Filtered::new(context, Some(&ignore));
    let takes = |source: &String| {
        if is_everything(source) {
            return !view.list("").is_empty();
        }
        !Selector::new(&[source], Destination::new("/", "/")).matches_nothing(&view)
    };
    wanted.iter().all(takes)
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

fn has_all(context: &DiskContext, sources: &[String]) -> bool {
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
fn is_only_build_files(context: &DiskContext, sources: &[String]) -> bool {
    let only_everything = !sources.is_empty() && sources.iter().all(|source| is_everything(source));
    // A folder with an ignore file of its own is a context.
    only_everything
        && context.entry(".dockerignore").is_none()
        && context.list("").iter().all(|(name, _)| belongs(name))
}

/// Whether a file of this name is there for builds, or for people.
fn belongs(name: &str) -> bool {
    const MARKS: [&str; 4] = ["dockerfile", "containerfile", "compose", ".dockerignore"];
    const ENDS: [&str; 3] = ["sh", "md", "env"];
    let lower = name.to_ascii_lowercase();
    let end = lower.rsplit('.').next().unwrap_or_default();
    MARKS.iter().any(|mark| lower.contains(mark)) || ENDS.contains(&end)
}
