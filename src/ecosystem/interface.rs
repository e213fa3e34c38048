//! What a pack says of one command in one project, and what it may ask of the project.

/// The files of a project, after `.dockerignore`. Paths are relative to the root of the build context, joined by `/`.
pub trait ProjectFiles {
    /// What stands at `path` (links followed), if anything does.
    fn kind(&self, path: &str) -> Option<PathKind>;
    /// The text of a file; `None` where there is none, it cannot be read or it is not UTF-8.
    fn read(&self, path: &str) -> Option<String>;
    /// Names in a directory with their kinds, sorted.
    fn list(&self, directory: &str) -> Vec<(String, PathKind)>;
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// A file.
    File,
    /// A directory.
    Directory,
}

/// What a command does, as far as the build cache cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Installs a project's dependencies: reads its closure, writes its outputs.
    Install,
    /// Downloads into a cache only; another command installs from it.
    Download,
    /// Installs or fetches by name: reads nothing of the project but what its closure names, where it has one.
    ContextFree,
    /// Generates code: reads its closure, writes its outputs.
    Generate,
    /// Builds the project: reads the sources, writes anything.
    Build,
    /// Neither reads nor writes a file of the project (`echo`, `true`, `set`).
    Inert,
    /// Reads and writes the paths that its arguments name (`mkdir`, `rm`, `chmod`).
    Paths,
}

/// What a command reads and writes in one project, and why a claim about it may fail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    /// Files and directories that the command reads and that exist, sorted by path.
    pub reads: Vec<Read>,
    /// What it refers to that does not exist in the context.
    pub missing: Vec<Missing>,
    /// What it writes in the project's tree.
    pub writes: Vec<Write>,
    /// Why the closure cannot be trusted. Empty means: the command's behaviour depends on `reads` alone.
    pub refusals: Vec<Refusal>,
    /// Variables that files of the closure ask for, beyond those of its pack.
    pub variables: Vec<String>,
    /// What only this command needs, where what it makes runs without it: `the compiler and the sources`.
    pub build_only: Option<String>,
    /// What shows that what it makes may need libraries of the system: the file, and the place in it.
    pub libraries: Option<String>,
    /// Whether it runs no program but its own: no script of a package, no compiler.
    pub confined: bool,
    /// Whether it downloads nothing, since its dependencies stand in the project.
    pub vendored: bool,
}

/// A file or directory of the closure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// Path relative to the root of the context.
    pub path: String,
    /// Whether everything below it is read too.
    pub directory: bool,
    /// Why it belongs to the closure, as a phrase: ``workspace of `package.json` ``.
    pub reason: String,
    /// Whether it matters only that it is there, not what it says: an empty file would do.
    pub presence: bool,
    /// What becomes of the command without it.
    pub need: Need,
}

/// What becomes of a command without a file that it reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// It does something else, which may be meant.
    #[default]
    Optional,
    /// Nothing is installed for a part of the project: a member of a workspace.
    Part {
        /// The file that lists the parts.
        from: String,
        /// Manifests of other parts that depend on it: for those, the command fails.
        named_by: Vec<String>,
    },
    /// It fails, or does not do what was asked for.
    Required {
        /// The file that refers to it; the command as its pack spells it, where the command itself does.
        from: String,
    },
}

/// A file that is referred to and does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Path relative to the root of the context.
    pub path: String,
    /// The file that refers to it.
    pub from: String,
    /// Why it is wanted, as a phrase.
    pub reason: String,
    /// Whether the command fails without it, or does not do what was asked for.
    pub required: bool,
}

/// How a command treats the lock file that its project has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locking {
    /// The lock file, relative to the root of the context.
    pub file: String,
    /// Whether the command installs exactly what it says.
    pub exact: bool,
}

/// A path of the project that a command writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Path relative to the root of the context.
    pub path: String,
    /// What kind of write.
    pub kind: WriteKind,
}

/// Kinds of [`Write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    /// A directory that the command fills, over what is there: `node_modules`.
    Output,
    /// A directory that the command empties before it fills it.
    CleanOutput,
    /// A file that the command may write anew with other content, such as a lock file that is out of date.
    MayRewrite,
    /// A file that the command creates because it does not exist.
    Create,
}

/// Why a claim about a command cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As a phrase: ``the root `postinstall` script runs `tsc`, which reads the sources``.
    pub reason: String,
    /// The file that shows it, and the place in it where there is one: `package.json: scripts.postinstall = "tsc"`.
    pub evidence: String,
    /// Whether the command needs the sources by its very nature, so that no order of steps helps.
    pub inherent: bool,
}
