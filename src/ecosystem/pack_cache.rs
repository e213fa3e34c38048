//! The part of a pack about what a package manager keeps between runs: downloads, what of them stays in an image, and the
//! index in which it looks packages up.
//!
//! A command is named here by its last words as the pack spells them: `install` is `pip install` and `python -m pip
//! install`, `apt-get install` is that one alone.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::pack::Condition;
use super::pattern::name_matches;

/// Where downloads are kept.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cache {
    /// Absolute directories, for the user `root`.
    pub directories: Vec<String>,
    /// Where it stands in images of the Docker library. Where there are any, no other image has it in a known place.
    #[serde(default)]
    pub images: Vec<CacheOfImages>,
    /// The variable that moves the directory.
    #[serde(default)]
    pub environment: Option<String>,
    /// `shared` or `locked`: what a cache mount must ask for.
    pub sharing: Sharing,
    /// Whether what an install makes may stand there too, as virtual environments do.
    #[serde(default)]
    pub holds_outputs: bool,
    /// Options, variables and commands that defeat a cache mount.
    #[serde(default)]
    pub defeated_by: Vec<String>,
    /// Options, other variables, and earlier commands by their last words, that move the directory.
    #[serde(default)]
    pub moved_by: Vec<String>,
    /// The commands that download into it, by their last words; those that install where there are none.
    #[serde(default)]
    pub filled_by: Vec<String>,
    /// The file of settings in Docker's images that makes the manager delete its downloads at once, and which a step with a
    /// cache mount must remove first.
    #[serde(default)]
    pub settings_removed: Option<String>,
    /// Whether only a later download reads what stands there: then a cache mount may take the place of every directory.
    #[serde(default)]
    pub disposable: bool,
    /// Whether builds read what stands there: then each step that may do so must have the cache mount too, and the image
    /// must not.
    #[serde(default)]
    pub needed_by_builds: bool,
    /// Nothing is downloaded where one of these holds: the dependencies stand in the project.
    #[serde(default)]
    pub vendored_when: Vec<Condition>,
    /// Options that a step with a cache mount has in the place of those that defeat it.
    #[serde(default)]
    pub instead: BTreeMap<String, String>,
    /// Share of an install's time that is left where a cache mount has every download, 0 to 1.
    #[serde(default = "half")]
    pub warm: f64,
}

/// Where downloads are kept in some images.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CacheOfImages {
    /// Their repositories (`*` allowed): `rust`.
    pub repositories: Vec<String>,
    /// What their tags hold (`*` allowed): `*alpine*`. Empty: any.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Absolute directories, for the user `root`.
    pub directories: Vec<String>,
}

impl Cache {
    /// The directories in an image of the Docker library of that repository and tag.
    pub fn directories_in(&self, repository: &str, tag: &str) -> Option<&[String]> {
        if self.images.is_empty() {
            return Some(&self.directories);
        }
        let fits = |images: &&CacheOfImages| {
            images.repositories.iter().any(|name| name_matches(name, repository))
                && (images.tags.is_empty() || images.tags.iter().any(|pattern| name_matches(pattern, tag)))
        };
        self.images.iter().find(fits).map(|images| images.directories.as_slice())
    }

    /// The directories in whatever image.
    pub fn all_directories(&self) -> impl Iterator<Item = &String> {
        self.directories.iter().chain(self.images.iter().flat_map(|images| &images.directories))
    }
}

/// A guess: about half of an install is the download, the rest unpacks and builds.
fn half() -> f64 {
    0.5
}

/// Whether builds that run at the same time may share a cache mount.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// Yes: the manager guards its cache itself.
    Shared,
    /// No: one after the other.
    Locked,
}

/// What commands leave in the layer that the image does not need.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Leftover {
    /// As a phrase: `the package lists`.
    pub what: String,
    /// Absolute directories in which it stays, for the user `root`.
    pub directories: Vec<String>,
    /// The commands that leave it, by their last words.
    pub left_by: Vec<String>,
    /// Options with which they do not.
    #[serde(default)]
    pub never_with: Vec<String>,
    /// Variables with which they do not, whatever their value.
    #[serde(default)]
    pub never_when_set: Vec<String>,
    /// The commands that remove it, by their last words.
    #[serde(default)]
    pub removed_by: Vec<String>,
    /// The option of `never-with` to add.
    #[serde(default)]
    pub option: Option<String>,
    /// The command line that removes it; `{program}` is the program that left it.
    pub remove_with: String,
    /// Whether it is small, some megabytes at most.
    #[serde(default)]
    pub small: bool,
}

/// The list of packages that a package manager looks them up in, which grows old.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Index {
    /// The commands that fetch it anew, by their last words.
    pub refreshed_by: Vec<String>,
    /// The commands that install what it says, by their last words.
    pub read_by: Vec<String>,
    /// Options with which these fetch it anew themselves.
    #[serde(default)]
    pub fresh_with: Vec<String>,
}
