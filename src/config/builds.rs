//! Builds that Compose and Bake files declare: which Dockerfile is built in which context, with which arguments.
//!
//! Such a file is read as far as it is literal. What hangs on something that only the caller knows (a variable without a
//! default, a function, a matrix) declares nothing, so that it never names a wrong context.

mod bake;
mod compose;
mod inline;
mod interpolation;
mod yaml;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::paths::normalize;

pub use inline::InlineDockerfile;
pub(super) use yaml::{Node, mistake as yaml_mistake, tree as yaml_tree};

/// Longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;
/// How many folders from that of a Dockerfile upward are looked into.
const HIGHEST: usize = 6;

/// One build of a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredBuild {
    /// The file that declares it, absolute.
    pub file: PathBuf,
    /// The Dockerfile, absolute.
    pub dockerfile: PathBuf,
    /// The folder that is its build context, absolute.
    pub context: PathBuf,
    /// Build arguments whose values are known.
    pub args: BTreeMap<String, String>,
    /// Names of other contexts that the build is given: no images.
    pub contexts: BTreeSet<String>,
    /// The stage that is built, where one is named.
    pub target: Option<String>,
    /// The Dockerfile's text where it stands in [`file`](Self::file); [`dockerfile`](Self::dockerfile) is that file then.
    pub inline: Option<Arc<InlineDockerfile>>,
}

/// What declared builds say of one Dockerfile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Declared {
    /// The one context that all of them name.
    pub(super) context: Option<PathBuf>,
    /// The arguments that all of them give alike.
    pub(super) args: BTreeMap<String, String>,
    /// The names of other contexts that any of them gives.
    pub(super) contexts: BTreeSet<String>,
    /// The first of the files that declare them, absolute.
    pub(super) file: Option<PathBuf>,
}

/// The builds of files that were read.
#[derive(Debug, Default)]
pub(super) struct Builds {
    /// By folder; the builds of all files in it.
    folders: Mutex<HashMap<PathBuf, Arc<Vec<DeclaredBuild>>>>,
    /// Folders whose builds hold for Dockerfiles anywhere.
    known: Mutex<BTreeSet<PathBuf>>,
}

impl Builds {
    /// The builds that the files of a folder declare; the path is absolute.
    pub(super) fn of_folder(&self, folder: &Path) -> Arc<Vec<DeclaredBuild>> {
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let known = folders.entry(folder.to_owned());
        Arc::clone(known.or_insert_with(|| Arc::new(read_folder(folder))))
    }

    /// Lets the builds of a folder hold for Dockerfiles anywhere; the path is absolute.
    pub(super) fn add_folder(&self, folder: &Path) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned());
    }

    /// What is declared of the Dockerfile at that absolute path: by the folders above it, up to the root of the git
    /// repository, and by those that were added.
    pub(super) fn of_file(&self, path: &Path) -> Declared {
        let mut folders = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for folder in path.ancestors().skip(1).take(HIGHEST) {
            folders.insert(folder.to_owned());
            if folder.join(".git").symlink_metadata().is_ok() {
                break;
            }
        }
        let builds: Vec<_> = folders.iter().map(|folder| self.of_folder(folder)).collect();
        let of_file = builds
            .iter()
            .flat_map(|builds| builds.iter())
            .filter(|build| build.dockerfile == path && build.inline.is_none());
        agreed(&of_file.collect::<Vec<_>>())
    }
}

impl From<&DeclaredBuild> for Declared {
    fn from(build: &DeclaredBuild) -> Self {
        agreed(&[build])
    }
}

/// Builds that contradict each other say nothing.
fn agreed(builds: &[&DeclaredBuild]) -> Declared {
    let Some((first, others)) = builds.split_first() else { return Declared::default() };
    let contexts: BTreeSet<String> = builds.iter().flat_map(|build| build.contexts.iter().cloned()).collect();
    if others.iter().any(|other| other.context != first.context) {
        return Declared { contexts, ..Declared::default() };
    }
    let alike = |(name, value): &(&String, &String)| others.iter().all(|other| other.args.get(*name) == Some(*value));
    let args = first.args.iter().filter(alike).map(|(name, value)| (name.clone(), value.clone())).collect();
    let context = first.context.is_dir().then(|| first.context.clone());
    Declared { context, args, contexts, file: Some(first.file.clone()) }
}

/// Whether builds are declared in a file of that name: `compose.yaml`, `docker-compose.yml`, `docker-compose.dev.yml`,
/// `docker-bake.hcl`, `docker-bake.json` and their like.
pub fn declares_builds(name: &str) -> bool {
    is_compose(name) || is_bake(name)
}

fn is_compose(name: &str) -> bool {
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
    let words = ["compose", "docker-compose"];
    stem.is_some_and(|stem| words.iter().any(|word| stem.strip_prefix(word).is_some_and(is_variant)))
}

fn is_bake(name: &str) -> bool {
    let stem = name.strip_suffix(".hcl").or_else(|| name.strip_suffix(".json"));
    stem.and_then(|stem| stem.strip_prefix("docker-bake")).is_some_and(is_variant)
}

fn is_variant(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['.', '-'])
}

fn read_folder(folder: &Path) -> Vec<DeclaredBuild> {
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| declares_builds(name)).collect();
    names.sort();
    names.iter().flat_map(|name| read_file(folder, name)).collect()
}

fn read_file(folder: &Path, name: &str) -> Vec<DeclaredBuild> {
    let Some(text) = read(&folder.join(name)) else { return Vec::new() };
    let variables = if is_compose(name) { environment_file(folder) } else { BTreeMap::new() };
    let found = if is_compose(name) { compose::builds(name, &text, &variables) } else { bake::builds(name, &text) };
    found.into_iter().filter_map(|build| build.placed(folder, name)).collect()
}

/// A file that is no pipe, not too long and text.
fn read(path: &Path) -> Option<String> {
    let metadata = path.metadata().ok()?;
    let fits = metadata.is_file() && metadata.len() <= LONGEST;
    fits.then(|| std::fs::read_to_string(path).ok()).flatten()
}

/// The values of `.env`, which Compose reads beside its file. Only plain lines count; what is written in another way, and
/// what the caller's environment says, is not known.
fn environment_file(folder: &Path) -> BTreeMap<String, String> {
    let text = read(&folder.join(".env")).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.trim().split_once('='));
    let plain = pairs.filter(|(name, value)| !name.starts_with('#') && !value.contains(['"', '\'', '$', '#', '\\']));
    plain.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

/// A build as its file names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct NamedBuild {
    /// Relative to the folder of the file.
    context: String,
    /// Relative to the context.
    dockerfile: String,
    args: BTreeMap<String, String>,
    contexts: BTreeSet<String>,
    target: Option<String>,
    inline: Option<InlineDockerfile>,
}

impl NamedBuild {
    /// `None` where the context is no folder on this machine.
    fn placed(self, folder: &Path, file: &str) -> Option<DeclaredBuild> {
        let remote = self.context.contains("://") || self.context.starts_with("git@") || self.context == "-";
        if remote || self.context.starts_with('~') {
            return None;
        }
        let context = normalize(&folder.join(&self.context));
        let file = folder.join(file);
        let dockerfile = if self.inline.is_some() { file.clone() } else { normalize(&context.join(&self.dockerfile)) };
        let (args, contexts, target) = (self.args, self.contexts, self.target);
        Some(DeclaredBuild { file, dockerfile, context, args, contexts, target, inline: self.inline.map(Arc::new) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_names_of_files_that_declare_builds() {
        for (name, expected) in [
            ("compose.yaml", true),
            ("compose.override.yml", true),
            ("docker-compose.yml", true),
            ("docker-compose-prod.yaml", true),
            ("docker-bake.hcl", true),
            ("docker-bake.override.json", true),
            ("docker-composer.yml", false),
            ("composer.json", false),
            ("compose.json", false),
            ("bake.hcl", false),
        ] {
            assert_eq!(declares_builds(name), expected, "{name}");
        }
    }

    #[test]
    fn builds_that_disagree_say_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let build = |context: &str, args: &[(&str, &str)]| DeclaredBuild {
            file: folder.path().join("compose.yaml"),
            dockerfile: folder.path().join("Dockerfile"),
            context: normalize(&folder.path().join(context)),
            contexts: BTreeSet::from([context.to_owned()]),
            target: None,
            inline: None,
            args: args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let (one, two, other) = (build(".", &[("A", "1"), ("B", "1")]), build(".", &[("A", "1")]), build("x", &[]));
        let declared = agreed(&[&one, &two]);
        assert_eq!(declared.context.as_deref(), Some(folder.path()));
        assert_eq!(declared.args.into_keys().collect::<Vec<_>>(), ["A"]);
        let disagreed = agreed(&[&one, &other]);
        assert_eq!((disagreed.context, disagreed.contexts.len()), (None, 2));
    }
}
