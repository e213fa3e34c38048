//! Which files are checked.
//!
//! A file that the command line names is always taken. A folder is walked: `.gitignore` is obeyed, hidden entries,
//! links and `node_modules` are passed over, `exclude` of the configuration is obeyed, and only files whose name says
//! that they are Dockerfiles are taken, and those that a Compose or Bake file in it names. Of a Compose or Bake file that is
//! named, what it builds is taken. A Dockerfile that stands in such a file is taken with it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::{DirEntry, WalkBuilder};

use super::shown;
use crate::cli::failure::Failure;
use crate::config::{DeclaredBuild, Discovery, declares_builds, is_dockerfile_name, normalize};

/// The name of standard input where none is given.
pub(super) const STANDARD_INPUT: &str = "<stdin>";

/// A file to check.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// As shown.
    pub(super) name: String,
    /// Absolute, `..` kept, since a link may stand before it; for standard input, of the name it is given.
    pub(super) path: PathBuf,
    /// Where its text comes from.
    pub(super) place: Place,
    /// Whether the command line names it, as against a walk that found it.
    pub(super) named: bool,
    /// The build, where the Dockerfile stands in the file as a part of it.
    pub(super) inline: Option<Arc<DeclaredBuild>>,
}

/// Where text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    File,
    StandardInput,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Sorted by name, each file once.
    pub(super) inputs: Vec<Input>,
    pub(super) failures: Vec<Failure>,
}

/// Finds the files that `paths` stand for.
pub(super) fn find(paths: &[PathBuf], stdin_filename: Option<&Path>, discovery: &Discovery) -> Found {
    let mut found = Found::default();
    for path in paths {
        if path.as_os_str() == "-" {
            let name = stdin_filename.unwrap_or(Path::new(STANDARD_INPUT));
            let place = Place::StandardInput;
            let (name, path) = (shown(name), discovery.join(name));
            found.inputs.push(Input { name, path, place, named: true, inline: None });
        } else {
            match path.metadata() {
                Ok(metadata) if metadata.is_dir() => found.walk(path, discovery),
                Ok(_) if declares_builds(&file_name(path)) => found.take_builds(path, None, discovery),
                Ok(_) => found.take(path, true, discovery),
                Err(error) => found.failures.push(missing(path, &error)),
            }
        }
    }
    let mut seen = BTreeSet::new();
    found.inputs.sort_by(|left, right| (&left.name, right.named).cmp(&(&right.name, left.named)));
    found.inputs.retain(|input| {
        let part = input.inline.as_ref().and_then(|build| build.inline.clone()).map(|inline| inline.text.clone());
        seen.insert((input.place == Place::File).then(|| (normalize(&input.path), part)))
    });
    found
}

fn missing(path: &Path, error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::NotFound => Failure::Missing(shown(path)),
        _ => Failure::Unreadable { path: shown(path), reason: error.to_string() },
    }
}

impl Found {
    fn take(&mut self, path: &Path, named: bool, discovery: &Discovery) {
        let (name, path) = (shown(path), discovery.join(path));
        self.inputs.push(Input { name, path, place: Place::File, named, inline: None });
    }

    fn walk(&mut self, root: &Path, discovery: &Discovery) {
        if let Err(error) = discovery.for_directory(root) {
            self.failures.push(Failure::Config(error));
        }
        let walk = WalkBuilder::new(root)
            .require_git(false)
            .git_global(false)
            .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != "node_modules")
            .sort_by_file_name(Ord::cmp)
            .build();
        let before = self.inputs.len();
        let mut folders = Vec::new();
        for entry in walk {
            match entry {
                Ok(entry) if is_misnamed_folder(&entry) => folders.push(entry.into_path()),
                Ok(entry) if declares_builds(&entry.file_name().to_string_lossy()) => {
                    self.take_declared(&entry, root, discovery);
                }
                Ok(entry) => self.take_walked(&entry, discovery),
                Err(error) => self.failures.push(unreadable(root, &error)),
            }
        }
        for folder in folders {
            let absolute = discovery.join(&folder);
            if !self.inputs.iter().skip(before).any(|input| input.path.starts_with(&absolute)) {
                self.failures.push(Failure::Folder(shown(&folder)));
            }
        }
    }

    fn take_walked(&mut self, entry: &DirEntry, discovery: &Discovery) {
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if !is_file || !is_dockerfile_name(&entry.file_name().to_string_lossy()) {
            return;
        }
        if !is_excluded(entry.path(), discovery) {
            self.take(entry.path(), false, discovery);
        }
    }

    /// Takes what a Compose or Bake file that the walk of `root` found builds.
    fn take_declared(&mut self, entry: &DirEntry, root: &Path, discovery: &Discovery) {
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if is_file && !is_excluded(entry.path(), discovery) {
            self.take_builds(entry.path(), Some(root), discovery);
        }
    }

    /// Takes the Dockerfiles that a Compose or Bake file names or holds; with a `root`, those below it that its walk does
    /// not find by their names.
    fn take_builds(&mut self, path: &Path, root: Option<&Path>, discovery: &Discovery) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = normalize(&discovery.join(path));
        for build in discovery.add_builds(folder).iter().filter(|build| build.file == file) {
            if build.inline.is_some() {
                let (name, build) = (shown(path), Some(Arc::new(build.clone())));
                let place = Place::File;
                self.inputs.push(Input {
                    name,
                    path: discovery.join(path),
                    place,
                    named: root.is_none(),
                    inline: build,
                });
                continue;
            }
            let start = root.unwrap_or(folder);
            let relative = build.dockerfile.strip_prefix(normalize(&discovery.join(start))).ok();
            // What lies elsewhere is shown by its whole path.
            let dockerfile = relative.map_or_else(|| build.dockerfile.clone(), |relative| start.join(relative));
            let by_name = root.is_some() && (relative.is_none() || is_dockerfile_name(&file_name(&dockerfile)));
            if !by_name && dockerfile.is_file() && !is_excluded(&dockerfile, discovery) {
                self.take(&dockerfile, root.is_none(), discovery);
            }
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Whether the configuration leaves the file out. A broken configuration is reported when the file is read.
fn is_excluded(path: &Path, discovery: &Discovery) -> bool {
    let settings = path.parent().map(|folder| discovery.for_directory(folder));
    matches!(settings, Some(Ok(settings)) if settings.excludes(&discovery.join(path)))
}

fn unreadable(root: &Path, error: &ignore::Error) -> Failure {
    let path = match error {
        ignore::Error::WithDepth { err, .. } => return unreadable(root, err),
        ignore::Error::WithPath { path, .. } => path,
        _ => root,
    };
    let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
    Failure::Unreadable { path: shown(path), reason }
}

/// Whether a folder has the name that `docker build` looks for. It is a mistake unless Dockerfiles are in it.
fn is_misnamed_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_dir())
        && (entry.file_name() == "Dockerfile" || entry.file_name() == "Containerfile")
}
