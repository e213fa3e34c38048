//! Cache mounts: the downloads of an install are kept between builds, outside of the image.
//!
//! A mount hides what stands in the image at its place and leaves nothing there. So it is only put over directories of
//! which the pack says that they hold downloads alone, which nothing else in the file names, and which the install fills
//! as a user whose home and number are known. What would make the mount useless, as an option that turns the cache off or a
//! command that empties it at the end, is taken away with it, or there is no mount.

mod builds;
mod clearing;
mod owner;

use super::moves::{Move, MoveKind, listed, quoted};
use crate::{
    cache::{Builder, has_flag},
    diagnostic::Safety,
    ecosystem::{Access, pack},
    model::{Base, Build, KnownCommand, Run, StagePath, StepId},
    syntax::{Dockerfile, ImageReference, Keyword},
    text::{Change, TextEdit, TextRange},
};

/// Installs that take less, in seconds at most, are not worth a mount.
const LEAST_SECONDS: f64 = 10.0;

/// The moves that give steps cache mounts for their downloads, in the order of the file.
pub fn cache_mounts(build: &Build<'_>, builder: Builder) -> Vec<Move> {
    build.steps().filter_map(|(id, _)| cache_mount(build, id, builder)).collect()
}

/// The move that gives a step a cache mount for the downloads of the first install in it, and with it the later steps that
/// need them.
pub fn cache_mount(build: &Build<'_>, id: StepId, builder: Builder) -> Option<Move> {
    let file = build.inputs.file;
    let run = build.step(id).run().filter(|run| run.is_known() && has_mounts(file, builder))?;
    let (command, cache) = run.commands.iter().find_map(|command| Some((command, downloads(command)?)))?;
    let first = Mounting::new(build, id, run, command, cache)?;
    let mountings = if cache.needed_by_builds { builds::mountings(first)? } else { vec![first] };
    let targets = mountings.first()?.targets()?;
    let mut changes = Vec::new();
    for mounting in &mountings {
        let free = mounting.targets()? == targets && targets.iter().all(|target| mounting.is_free(target));
        if !free || !mounting.finds_its_index() {
            return None;
        }
        changes.extend(mounting.changes(&targets)?);
    }
    let named = listed(targets.iter().map(StagePath::as_str));
    let settings = cache.settings_removed.as_ref().map_or(String::new(), |path| {
        format!(", nor `{path}`, so that installs without a mount leave their downloads in it")
    });
    let holds = if cache.needed_by_builds { "stage" } else { "image" };
    let step = if mountings.len() == 1 { "step finds" } else { "steps find" };
    Some(Move {
        kind: MoveKind::AddCacheMount,
        safety: Safety::Unsafe,
        title: format!("Keep the downloads of {} in a cache mount", quoted(build, id)),
        argument: format!(
            "the {holds} no longer holds {named}{settings}, and the {step} there what earlier builds on the same machine left"
        ),
        lines: mountings.iter().map(|mounting| build.instruction(mounting.id).lines.0).collect(),
        edit: TextEdit::new(changes).ok()?,
        ignore: Vec::new(),
        needs_history: false,
    })
}

/// The cache of a command that downloads into it, where it holds nothing that the image may need.
fn downloads(command: &KnownCommand) -> Option<&pack::Cache> {
    let known = &command.known;
    let kept = |cache: &&pack::Cache| (cache.disposable || cache.needed_by_builds) && !cache.holds_outputs;
    let cache = known.pack.cache.as_ref().filter(kept)?;
    // Twins have the same commands; only the project tells which one it is.
    let is_sure = known.pack.project.is_none() || command.closure.is_some();
    let vendored = command.closure.as_ref().is_some_and(|closure| closure.vendored);
    let dear = known.cost().is_some_and(|cost| cost.high >= LEAST_SECONDS);
    (is_sure && !vendored && dear && known.fills_cache()).then_some(cache)
}

/// Whether the builder, with the frontend that the file asks for, has `RUN --mount`. A frontend of somebody's own may not.
fn has_mounts(file: &Dockerfile, builder: Builder) -> bool {
    let known = file.directive("syntax").is_none_or(|directive| {
        let image = ImageReference::parse(&directive.text);
        let official = matches!(image.registry.as_deref(), None | Some("docker.io"));
        official && matches!(image.repository.as_str(), "docker/dockerfile" | "docker/dockerfile-upstream")
    });
    known && has_flag(file, builder, Keyword::Run, "mount")
}

/// A step that may get a mount.
struct Mounting<'b> {
    build: &'b Build<'b>,
    id: StepId,
    run: &'b Run,
    /// The install.
    command: &'b KnownCommand,
    cache: &'b pack::Cache,
    owner: owner::Owner,
}

impl<'b> Mounting<'b> {
    fn new(
        build: &'b Build<'b>,
        id: StepId,
        run: &'b Run,
        command: &'b KnownCommand,
        cache: &'b pack::Cache,
    ) -> Option<Self> {
        Some(Self { build, id, run, command, cache, owner: owner::owner(build, id, command)? })
    }

    fn text(&self, id: StepId) -> &str {
        self.build.instruction(id).range.of(self.build.inputs.file.source())
    }

    /// Where the downloads stand for the user that runs the step.
    fn targets(&self) -> Option<Vec<StagePath>> {
        let image = &self.owner.image;
        let directories = self.cache.directories_in(&image.repository, image.tag.as_deref().unwrap_or("latest"))?;
        let place = |path: &String| Some(StagePath::root().join(&self.owner.place_of(path)?));
        directories.iter().map(place).collect()
    }

    /// The flags, and the step without what makes them useless.
    fn changes(&self, targets: &[StagePath]) -> Option<Vec<Change>> {
        let sharing = match self.cache.sharing {
            pack::Sharing::Shared => "",
            pack::Sharing::Locked => ",sharing=locked",
        };
        let owner = self.owner.flags();
        let flags: Vec<String> =
            targets.iter().map(|target| format!(" --mount=type=cache,target={target}{sharing}{owner}")).collect();
        let instruction = self.build.instruction(self.id);
        let mut changes = clearing::clear(self, targets)?;
        changes.push(Change { range: TextRange::empty(instruction.keyword_range.end), replacement: flags.concat() });
        if let Some(path) = &self.cache.settings_removed {
            let start = clearing::plain_script(self.build, self.id)?.start;
            changes.push(Change { range: TextRange::empty(start), replacement: format!("rm -f {path} && ") });
        }
        Some(changes)
    }

    /// Whether nothing else in the file has to do with a place.
    fn is_free(&self, target: &StagePath) -> bool {
        let related = |place: &StagePath| place.below(target).is_some() || target.below(place).is_some();
        let mounted = self.run.mounts.iter().any(|mount| mount.target.as_ref().is_none_or(related));
        // What only empties it is taken away, or there is no mount.
        let touched = self
            .run
            .commands
            .iter()
            .flat_map(|command| &command.accesses)
            .any(|access| access.access != Access::Remove && !access.path.is_floating() && related(&access.path));
        let home = self.owner.below_home(target).map(|rest| [format!("~{rest}"), format!("$HOME{rest}")]);
        let named = |other: StepId| {
            let text = self.text(other);
            text.contains(target.as_str()) || home.iter().flatten().any(|home| text.contains(home.as_str()))
        };
        let harmless = |other: StepId| {
            let run = self.build.step(other).run();
            run.is_some_and(|run| run.keeps_downloads_at(target) || empties(run, target))
        };
        let mut others = self.build.steps().map(|(other, _)| other);
        !mounted && !touched && !others.any(|other| other != self.id && named(other) && !harmless(other))
    }

    /// Whether no install, here or later, looks packages up in an index that the mount would hide from it.
    fn finds_its_index(&self) -> bool {
        let Some(index) = &self.command.known.pack.index else { return true };
        let later: Vec<StepId> =
            self.build.steps().map(|(id, _)| id).filter(|id| *id > self.id && self.is_below(id.stage)).collect();
        let runs = || later.iter().filter_map(|id| self.build.step(*id).run());
        let refreshes = |run: &Run| {
            let own = || run.commands.iter().filter(|command| command.known.pack.name == self.command.known.pack.name);
            let first = own().find(|command| {
                command.known.is_any_of(&index.refreshed_by) || command.known.is_any_of(&index.read_by)
            });
            let refreshing = |command: &KnownCommand| {
                command.known.is_any_of(&index.refreshed_by)
                    || index.fresh_with.iter().any(|option| command.known.has_option(option))
            };
            first.is_none_or(refreshing)
        };
        refreshes(self.run) && runs().all(|run| run.is_known() && refreshes(run))
    }

    /// Whether a stage is the step's own, or starts from it.
    fn is_below(&self, mut stage: usize) -> bool {
        while stage > self.id.stage {
            match self.build.stages.get(stage).map(|stage| &stage.base) {
                Some(Base::Stage(parent)) if *parent < stage => stage = *parent,
                _ => return false,
            }
        }
        stage == self.id.stage
    }
}

/// Whether all that a step does at a place is to empty it.
fn empties(run: &Run, place: &StagePath) -> bool {
    let mut accesses = run.commands.iter().flat_map(|command| &command.accesses);
    run.is_known() && accesses.all(|access| access.access == Access::Remove || !access.path.may_overlap(place))
}

#[cfg(test)]
mod tests;
