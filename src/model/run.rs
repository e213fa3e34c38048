//! `RUN`: the commands it executes, what is known of each, and what stays opaque.

use super::{made::Made, path::StagePath, transfer::Supply};
use crate::{
    context::path,
    ecosystem::{Access, Closure, Effect, Locking, Match, WarmUp, pack::Cost, shows_environment},
    shell::SimpleCommand,
    syntax::{Mount, MountKind},
    text::TextRange,
};

/// A resolved `RUN`.
#[derive(Debug, Default)]
pub struct Run {
    /// The commands that the catalogue knows, in the order of the text.
    pub commands: Vec<KnownCommand>,
    /// What may read and write everything.
    pub opaque: Vec<Opaque>,
    /// Mounts, in order.
    pub mounts: Vec<ResolvedMount>,
    /// Earlier stages that are mounted, by index.
    pub stages: Vec<usize>,
    /// Variables that the text mentions.
    pub mentions: Vec<String>,
    /// A prior of what the whole step takes.
    pub cost: Cost,
}

/// A command that the catalogue knows.
#[derive(Debug)]
pub struct KnownCommand {
    /// The command as the shell reads it.
    pub command: SimpleCommand,
    /// What the catalogue knows of it; for one that several packs claim, the one that the project's files point to.
    pub known: Match,
    /// The directory it runs in; `None` where a `cd` could not be followed.
    pub directory: Option<StagePath>,
    /// Places of the stage with the paths of the context that they mirror, the most telling first.
    pub anchors: Vec<(StagePath, String)>,
    /// The earlier step that would fill a cache for it, where its pack knows one.
    pub warm_up: Option<WarmUp>,
    /// What it reads and writes in the project; `None` where the project is not known.
    pub closure: Option<Closure>,
    /// The file that it makes of a part of the project only, where it is known to make one.
    pub made: Option<Made>,
    /// How it treats the project's lock file, where there is one.
    pub locking: Option<Locking>,
    /// Paths that its words name.
    pub accesses: Vec<PathAccess>,
}

/// A path of the stage that a command's words name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathAccess {
    /// Where.
    pub path: StagePath,
    /// What happens to it.
    pub access: Access,
    /// Whether what is below it is meant too.
    pub recursive: bool,
    /// Whether any path that begins like this is meant.
    pub pattern: bool,
}

/// A piece of a script that may do anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// Where, in the source.
    pub range: TextRange,
    /// Why, as a phrase.
    pub reason: String,
}

/// A mount with its paths resolved.
#[derive(Clone, Debug)]
pub struct ResolvedMount {
    /// The mount as written.
    pub mount: Mount,
    /// Where it is mounted; `None` where a variable of it is not known.
    pub target: Option<StagePath>,
    /// The context path it shows, for a bind mount of the context.
    pub context: Option<String>,
    /// Where what it shows comes from, if `from` says so.
    pub supply: Option<Supply>,
}

impl KnownCommand {
    /// What it does.
    pub fn effect(&self) -> Effect {
        self.known.effect()
    }

    /// Whether a variable of this name may change what the command does.
    pub fn reads_variable(&self, name: &str) -> bool {
        let asked = self.closure.as_ref().is_some_and(|closure| closure.variables.iter().any(|asked| asked == name));
        let mut read = self.accesses.iter().filter(|access| access.access == Access::Read);
        asked
            || self.known.reads_variable(name)
            || read.any(|access| shows_environment(access.path.as_str(), access.pattern))
    }

    /// Whether it makes links: what is reached through one stands elsewhere.
    pub fn makes_links(&self) -> bool {
        self.command.program() == Some("ln")
    }

    /// The place in the stage where a context path stands, by the anchor that is nearest to it.
    pub fn place_of(&self, path: &str) -> Option<StagePath> {
        let depth = |anchor: &str| if path::below(path, anchor).is_some() { anchor.len() + 1 } else { 0 };
        let mut best: Option<&(StagePath, String)> = None;
        for anchor in &self.anchors {
            if best.is_none_or(|(_, chosen)| depth(&anchor.1) > depth(chosen)) {
                best = Some(anchor);
            }
        }
        let (directory, mirrored) = best?;
        let mirrored: Vec<&str> = mirrored.split('/').filter(|part| !part.is_empty()).collect();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let shared = mirrored.iter().zip(&parts).take_while(|(a, b)| a == b).count();
        let up = "../".repeat(mirrored.len() - shared);
        Some(directory.join(&format!("./{up}{}", parts[shared..].join("/"))))
    }
}

impl Run {
    /// Whether every command is known.
    pub fn is_known(&self) -> bool {
        self.opaque.is_empty()
    }

    /// The commands that install a project's dependencies.
    pub fn installs(&self) -> impl Iterator<Item = &KnownCommand> {
        self.commands.iter().filter(|command| command.effect() == Effect::Install)
    }

    /// Places at which it makes links: what is reached through one stands elsewhere.
    pub fn links(&self) -> impl Iterator<Item = &StagePath> {
        let linking = self.commands.iter().filter(|command| command.makes_links());
        let written = linking.flat_map(|command| &command.accesses).filter(|access| access.access == Access::Write);
        written.map(|access| &access.path)
    }

    /// Whether a cache mount keeps what is written at a place between builds.
    pub fn keeps_downloads_at(&self, place: &StagePath) -> bool {
        let caches = self.mounts.iter().filter(|mount| mount.mount.kind == MountKind::Cache);
        caches.filter_map(|mount| mount.target.as_ref()).any(|target| place.below(target).is_some())
    }

    /// Seconds that a command saves because a cache mount has its downloads from an earlier build; nothing where it is told
    /// not to use them. `cost` is what it takes without.
    pub(super) fn saved_by_mount(&self, command: &KnownCommand, cost: Cost) -> Cost {
        let Some(cache) = command.known.pack.cache.as_ref().filter(|_| command.known.fills_cache()) else {
            return Cost::default();
        };
        // Of another user's home the last part is the same.
        let at_home = |path: &str| {
            let rest = path.strip_prefix("/root").filter(|rest| rest.starts_with('/'));
            let mut mounts = self.mounts.iter().filter(|mount| mount.mount.kind == MountKind::Cache);
            rest.is_some_and(|rest| {
                mounts.any(|mount| mount.target.as_ref().is_some_and(|target| target.as_str().ends_with(rest)))
            })
        };
        let kept =
            cache.all_directories().any(|path| self.keeps_downloads_at(&StagePath::root().join(path)) || at_home(path));
        let defeated = cache.defeated_by.iter().any(|name| name.starts_with('-') && command.known.has_option(name));
        let share = if kept && !defeated { 1.0 - cache.warm.clamp(0.0, 1.0) } else { 0.0 };
        Cost { low: share * cost.low, high: share * cost.high }
    }

    /// Whether a bind mount of the context shows this path.
    pub fn mounts_path(&self, path: &str) -> bool {
        let shown = self.mounts.iter().filter_map(|mount| mount.context.as_deref());
        shown.into_iter().any(|source| {
            source.is_empty() || path.strip_prefix(source).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}
