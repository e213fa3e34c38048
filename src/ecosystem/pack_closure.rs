//! The part of a pack that says what a command reads and writes in a project.
//!
//! Files of a closure belong to *groups*: `root` for those of `reads`, others for what options and references bring in.
//! `follow` and `scripts` say what a file of a group leads to.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::located::Located;
use super::pack_lock::LockSpec;
use super::pattern::Pattern;

/// What a command reads and writes.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClosureSpec {
    /// Another closure of the pack: all that it says holds here too. Its `root` and `lock` hold where there are none of its
    /// own.
    #[serde(default)]
    pub like: Option<Located>,
    /// The project's directory is the nearest at or above the working directory that holds one of these.
    #[serde(default)]
    pub root: Vec<String>,
    /// Whether a claim can be made where the working directory is not filled from the context, because all files are
    /// named by options.
    #[serde(default)]
    pub anywhere: bool,
    /// Files of fixed names.
    #[serde(default)]
    pub reads: Vec<ReadSpec>,
    /// References in files of the closure.
    #[serde(default)]
    pub follow: Vec<Follow>,
    /// Scripts in a manifest that the command runs.
    #[serde(default)]
    pub scripts: Vec<ScriptSpec>,
    /// What makes a claim impossible.
    #[serde(default)]
    pub refuse: Vec<Refuse>,
    /// Variables that files of the closure ask for.
    #[serde(default)]
    pub variables: Vec<VariableSpec>,
    /// Directories that the command fills.
    #[serde(default)]
    pub outputs: Vec<OutputSpec>,
    /// How the command treats the lock file.
    #[serde(default)]
    pub lock: Option<LockSpec>,
}

impl ClosureSpec {
    /// Takes in what another closure says.
    fn take_in(&mut self, other: &Self) {
        fn before<T: Clone>(own: &mut Vec<T>, other: &[T]) {
            own.splice(0..0, other.iter().cloned());
        }
        if self.root.is_empty() {
            self.root.clone_from(&other.root);
        }
        self.anywhere |= other.anywhere;
        before(&mut self.reads, &other.reads);
        before(&mut self.follow, &other.follow);
        before(&mut self.scripts, &other.scripts);
        before(&mut self.refuse, &other.refuse);
        before(&mut self.variables, &other.variables);
        before(&mut self.outputs, &other.outputs);
        self.lock = self.lock.take().or_else(|| other.lock.clone());
    }
}

/// Gives every closure what the one that it is like says.
///
/// # Errors
/// The name of a closure that does not exist, or that is like itself in the end.
pub(super) fn take_in_all(closures: &mut BTreeMap<String, ClosureSpec>) -> Result<(), Located> {
    let alike = closures.iter().filter_map(|(name, spec)| Some((name.clone(), spec.like.clone()?)));
    let mut open: BTreeMap<String, Located> = alike.collect();
    while let Some(first) = open.values().next() {
        let ready = open.iter().find(|(_, like)| !open.contains_key(like.get_ref()));
        let Some((name, like)) = ready.map(|(name, like)| (name.clone(), like.clone())) else {
            return Err(first.clone());
        };
        let other = closures.get(like.get_ref()).cloned().ok_or(like)?;
        if let Some(spec) = closures.get_mut(&name) {
            spec.take_in(&other);
        }
        open.remove(&name);
    }
    Ok(())
}

/// Files of fixed names that are read where they exist.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReadSpec {
    /// Names or patterns (`*`, `?`, `**`) relative to the project's directory.
    pub files: Vec<String>,
    /// Whether they are directories that are read whole.
    #[serde(default)]
    pub tree: bool,
    /// Whether the command fails without one of them.
    #[serde(default)]
    pub required: bool,
    /// Whether the command fails, or does nothing, where the first one that the project has is out of its sight.
    #[serde(default)]
    pub wanted: bool,
    /// Where they are looked for.
    #[serde(default, rename = "in")]
    pub place: Where,
    /// The group they join.
    #[serde(default = "root_group")]
    pub group: String,
    /// At least one must hold, where there are any.
    #[serde(default)]
    pub when: Vec<Condition>,
}

pub(super) fn root_group() -> String {
    "root".to_owned()
}

pub(super) fn root_groups() -> Vec<String> {
    vec![root_group()]
}

/// Names of variables in files of the closure.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VariableSpec {
    /// Groups of the files.
    #[serde(rename = "in", default = "root_groups")]
    pub groups: Vec<String>,
    /// Names of the files; empty for all of the groups.
    #[serde(default)]
    pub files: Vec<String>,
    /// What asks for a variable, anywhere in a line; its first group is the name.
    pub pattern: Pattern,
}

/// Where files are looked for.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// In the project's directory.
    #[default]
    Project,
    /// There and in each directory above it, up to the root of the context.
    Ancestors,
    /// Only in the directories above it.
    Above,
}

/// References in files of the closure.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the format")]
pub struct Follow {
    /// Groups of the files that hold them.
    #[serde(rename = "in", default = "root_groups")]
    pub groups: Vec<String>,
    /// Names of the files that hold them (`*` allowed); empty for all of the groups.
    #[serde(default)]
    pub files: Vec<String>,
    /// Selectors of values (JSON, YAML, TOML and XML): `workspaces.*`.
    #[serde(default)]
    pub select: Vec<String>,
    /// Selectors of values that are left out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// What a value (a line, where there is no selector) must match; its first group is the reference.
    #[serde(default)]
    pub pattern: Option<Pattern>,
    /// In a file of lines: where a block begins, in which `block-pattern` takes the place of `pattern`, up to a `)` or `}`.
    #[serde(default)]
    pub block: Option<Pattern>,
    /// What a line of such a block must match.
    #[serde(default)]
    pub block_pattern: Option<Pattern>,
    /// Whether `\` separates directories in references too.
    #[serde(default)]
    pub backslashes: bool,
    /// Where what a reference names may stand, as patterns in which `{}` is the reference: `tests/{}.rs`. All that exist
    /// are meant, and it is no matter where none does.
    #[serde(default)]
    pub at: Vec<String>,
    /// What the reference names.
    #[serde(rename = "use")]
    pub usage: Use,
    /// Files (patterns allowed) that are taken of a directory that is named; the first one there makes the directory what
    /// it is.
    #[serde(default)]
    pub take: Vec<String>,
    /// What the reference leaves out of the name of its file, where it does: `.rb`.
    #[serde(default)]
    pub suffix: Option<String>,
    /// The group that taken files join.
    #[serde(default = "root_group")]
    pub group: String,
    /// Whether the reference is relative to the project's directory rather than to its file.
    #[serde(default)]
    pub from_project: bool,
    /// Whether what does not exist is left out silently.
    #[serde(default)]
    pub optional: bool,
    /// Whether it matters only that the files are there, not what they say.
    #[serde(default)]
    pub presence: bool,
    /// Whether the command also changes what is named.
    #[serde(default)]
    pub writes: bool,
    /// Why the files are read, as a phrase: ``workspace``.
    pub reason: String,
    /// A reference to an existing directory makes a claim impossible, for this reason.
    #[serde(default)]
    pub refuse_directory: Option<String>,
    /// A reference to a directory with no file of `take` makes a claim impossible, for this reason.
    #[serde(default)]
    pub refuse_bare: Option<String>,
    /// How the taken manifests name one another.
    #[serde(default)]
    pub names: Option<Names>,
    /// The command leaves references to directories alone where one of these holds.
    #[serde(default)]
    pub skips_directory: Vec<Condition>,
}

/// How the parts of a project name one another in their manifests.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Names {
    /// The selector of a part's own name.
    pub own: String,
    /// Selectors of tables whose keys name parts that are depended on.
    pub used_in: Vec<String>,
}

/// What a reference names.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// A file, or a directory of which the files of `take` are read (all, where there are none).
    Path,
    /// A pattern of directories of which the files of `take` are read; `!` takes away what earlier ones gave.
    Directories,
    /// Nothing is looked for in the file itself: those files of `take` (patterns allowed) are read that stand beside it.
    Beside,
    /// Nothing is looked for in the file itself: those files of `take` (patterns allowed) are read that stand beside it
    /// or in a directory above it.
    Upward,
}

/// Scripts of a manifest.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScriptSpec {
    /// Groups of the manifests.
    #[serde(rename = "in", default = "root_groups")]
    pub groups: Vec<String>,
    /// Their file names.
    pub files: Vec<String>,
    /// The selector of the table of scripts.
    pub select: String,
    /// Names of those that run.
    pub names: Vec<String>,
    /// None of them runs where one of these holds.
    #[serde(default)]
    pub unless: Vec<Condition>,
}

/// What makes a claim impossible.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Refuse {
    /// All must hold.
    pub when: Vec<Condition>,
    /// None may hold.
    #[serde(default)]
    pub unless: Vec<Condition>,
    /// As a phrase.
    pub reason: String,
    /// Whether the command needs the sources by its very nature, so that no order of steps helps.
    #[serde(default)]
    pub inherent: bool,
}

/// A directory that a command fills.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OutputSpec {
    /// Relative to the directory of each file of the groups.
    pub path: String,
    /// Groups beside whose files it stands.
    #[serde(rename = "in", default = "root_groups")]
    pub groups: Vec<String>,
    /// Names of those files (`*` allowed); empty for all.
    #[serde(default)]
    pub files: Vec<String>,
    /// A pattern that finds the path, relative to the file, in a line of each file of the groups.
    #[serde(default)]
    pub pattern: Option<Pattern>,
    /// Where one of these holds, a command that empties its outputs first empties this one, and makes it anew whether it was
    /// there or not.
    #[serde(default)]
    pub emptied_when: Vec<Condition>,
}

/// Something that holds or not. All keys that are given must hold together.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Condition {
    /// One of these files or directories (patterns allowed) exists in the project's directory.
    #[serde(default)]
    pub exists: Vec<String>,
    /// None of these does.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Where `exists`, `absent` and `file` look.
    #[serde(default, rename = "in")]
    pub place: Where,
    /// A file whose text or values are looked at.
    #[serde(default)]
    pub file: Option<String>,
    /// Every file of this group is looked at.
    #[serde(default)]
    pub group: Option<String>,
    /// Values in it; one must exist and match `matches`, where that is given. Without: lines.
    #[serde(default)]
    pub select: Vec<String>,
    /// No such value exists.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// A value must be a table without this key.
    #[serde(default)]
    pub lacks_key: Option<String>,
    /// What a value or line must match.
    #[serde(default)]
    pub matches: Option<Pattern>,
    /// What a value or line must not match.
    #[serde(default)]
    pub without: Option<Pattern>,
    /// What the last key of a value must match.
    #[serde(default)]
    pub named: Option<Pattern>,
    /// What the last key of a value must not match.
    #[serde(default)]
    pub not_named: Option<Pattern>,
    /// One of these options is given.
    #[serde(default)]
    pub option: Vec<String>,
    /// One of these variables is set (not empty; to what `matches`, where that is given).
    #[serde(default)]
    pub environment: Vec<String>,
    /// One of the arguments matches.
    #[serde(default)]
    pub argument: Option<Pattern>,
    /// No argument is given.
    #[serde(default)]
    pub no_argument: bool,
    /// The command is one of these, as the pack spells them: `npm ci`.
    #[serde(default)]
    pub command: Vec<String>,
    /// The program was run by a runner such as `npx`.
    #[serde(default)]
    pub via_runner: bool,
    /// The command is an earlier step, which the later command completes.
    #[serde(default)]
    pub early: bool,
}
