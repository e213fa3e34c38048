//! Which files are checked.
//!
//! A file that the command line names is always taken. A folder is walked: `.gitignore` is obeyed, hidden entries,
//! links and `node_modules` are passed over, `exclude` of the configuration is obeyed, and only files whose name says
//! that they are Dockerfiles are taken, and those that a Compose or Bake file in it names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::shown;
use crate::cli::failure::Failure;
use crate::config::{Discovery, declares_builds, normalize};

/// The name of standard input where none is given.
pub(super) const STANDARD_INPUT: &str = "<stdin>";

/// Ends of names that look like a Dockerfile's and belong to something else: an ignore file, documents and data about
/// the Dockerfile, templates that are no valid Dockerfile before they are filled in, copies that editors and patches
/// leave behind.
const OTHER_ENDS: [&str; 22] = [
    ".dockerignore",
    ".md",
    ".rst",
    ".json",
    ".yml",
    ".yaml",
    ".lock",
    ".j2",
    ".jinja",
    ".jinja2",
    ".tmpl",
    ".tpl",
    ".template",
    ".erb",
    ".ejs",
    ".hbs",
    ".mustache",
    ".in",
    ".orig",
    ".rej",
    ".bak",
    ".swp",
];

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
            found.inputs.push(Input { name: shown(name), path: discovery.join(name), place, named: true });
        } else {
            match path.metadata() {
                Ok(metadata) if metadata.is_dir() => found.walk(path, discovery),
                Ok(_) => found.take(path, true, discovery),
                Err(error) => found.failures.push(missing(path, &error)),
            }
        }
    }
    let mut seen = BTreeSet::new();
    found.inputs.sort_by(|left, right| (&left.name, right.named).cmp(&(&right.name, left.named)));
    found.inputs.retain(|input| seen.insert((input.place == Place::File).then(|| normalize(&input.path))));
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
        self.inputs.push(Input { name: shown(path), path: discovery.join(path), place: Place::File, named });
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

    /// Takes the Dockerfiles that a Compose or Bake file names, where they lie below `root`: their names may be any.
    fn take_declared(&mut self, entry: &DirEntry, root: &Path, discovery: &Discovery) {
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        let Some(folder) = entry.path().parent().filter(|_| is_file && !is_excluded(entry.path(), discovery)) else {
            return;
        };
        let absolute = normalize(&discovery.join(root));
        for build in discovery.add_builds(folder).iter() {
            let Ok(relative) = build.dockerfile.strip_prefix(&absolute) else { continue };
            let path = root.join(relative);
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            // The walk finds the others, or passes over them for a reason.
            if !is_dockerfile_name(&name) && path.is_file() && !is_excluded(&path, discovery) {
                self.take(&path, false, discovery);
            }
        }
    }
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

/// `Dockerfile`, `Dockerfile.*`, `*.Dockerfile`, `*.dockerfile`, and the same of `Containerfile`.
fn is_dockerfile_name(name: &str) -> bool {
    if OTHER_ENDS.iter().any(|end| name.ends_with(end)) {
        return false;
    }
    ["Dockerfile", "Containerfile"].iter().any(|word| {
        let after = name.strip_prefix(word);
        let before = name.strip_suffix(word).or_else(|| name.strip_suffix(word.to_ascii_lowercase().as_str()));
        after.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            || before.is_some_and(|rest| rest.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_names_of_dockerfiles() {
        for (name, expected) in [
            ("Dockerfile", true),
            ("Dockerfile.prod", true),
            ("api.Dockerfile", true),
            ("api.dockerfile", true),
            ("Containerfile", true),
            ("Containerfile.dev", true),
            ("api.Containerfile", true),
            ("api.containerfile", true),
            ("Dockerfile.dockerignore", false),
            ("Dockerfile.prod.dockerignore", false),
            ("Dockerfile.j2", false),
            ("Dockerfile-old", false),
            ("MyDockerfile", false),
            ("dockerfile.rs", false),
        ] {
            assert_eq!(is_dockerfile_name(name), expected, "{name}");
        }
    }
}
