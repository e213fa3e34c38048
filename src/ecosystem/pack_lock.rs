//! The part of a pack that says when a lock file is in step with the manifests, so that a command leaves it as it is.

use serde::Deserialize;

use super::pack::Condition;
use super::pattern::Pattern;

/// How a command treats the lock file.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LockSpec {
    /// Its names; the first that exists is meant, the last is created where none does.
    pub files: Vec<String>,
    /// It is never written where one of these holds.
    #[serde(default)]
    pub never_when: Vec<Condition>,
    /// It may be written anew unless all of these hold. Without any, it always may.
    #[serde(default)]
    pub settled_when: Vec<Condition>,
    /// It may be written anew where one of these holds.
    #[serde(default)]
    pub unsettled_when: Vec<Condition>,
    /// It must be JSON in the order that its manager writes: these keys first, then scalars, then tables by name. Empty:
    /// the order does not matter.
    #[serde(default)]
    pub canonical: Vec<String>,
    /// The manifest by which its manager indents it.
    #[serde(default)]
    pub indented_like: Option<String>,
    /// Values of manifests that it must repeat.
    #[serde(default)]
    pub mirrors: Vec<Mirror>,
    /// It must hold exactly the entries that the manifests need, directly or through other entries.
    #[serde(default)]
    pub entries: Option<Entries>,
}

/// A lock file of lines in which every entry has a heading and lists what it needs itself.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Entries {
    /// Groups of the manifests.
    #[serde(rename = "in", default = "super::pack_closure::root_groups")]
    pub groups: Vec<String>,
    /// Their file names.
    pub files: Vec<String>,
    /// Their tables of dependencies, name to range.
    pub tables: Vec<String>,
    /// The heading of an entry: its keys `name@range`, each in quotes or not, separated by commas.
    pub heading: Pattern,
    /// A table of the project's own manifest that gives names, alone or after `**/`, the range that all entries follow: the
    /// entry of that range then bears every key of the name. Another form of name is not followed.
    #[serde(default)]
    pub overrides: Option<String>,
    /// What an entry needs: name and range, separated by a space, each in quotes or not.
    pub needs: Pattern,
}

/// A value of a manifest that the lock file must repeat.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Mirror {
    /// Groups of the manifests.
    #[serde(rename = "in", default = "super::pack_closure::root_groups")]
    pub groups: Vec<String>,
    /// Their file names.
    pub files: Vec<String>,
    /// Tables of the manifest; with `lines`, tables of which every entry is looked for.
    pub tables: Vec<String>,
    /// The selector of the part of a lock file that repeats the tables by the same names. `{directory}` stands for the
    /// manifest's directory relative to the project.
    #[serde(default)]
    pub lock: Option<String>,
    /// What `{directory}` is for the project's own directory.
    #[serde(default)]
    pub root: String,
    /// The key within an entry of the lock file that holds the manifest's value.
    #[serde(default)]
    pub key: Option<String>,
    /// A line of the lock file must hold this, where `{name}` and `{value}` are those of the entry.
    #[serde(default)]
    pub line: Option<String>,
    /// In a manifest of lines: what finds name and value, separated by a space.
    #[serde(default)]
    pub pattern: Option<Pattern>,
    /// Tables that a manifest may give as one text, which the lock file repeats as a table of that text under the manifest's
    /// own name without its scope.
    #[serde(default)]
    pub named: Vec<String>,
    /// Flags of the lock file that tell whether the manifest has something.
    #[serde(default)]
    pub flags: Vec<Flag>,
}

/// A flag of a lock file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Flag {
    /// Its key, beside the tables.
    pub lock: String,
    /// Selectors of the manifest; it is true where one of them finds something, else absent.
    pub any_of: Vec<String>,
}
