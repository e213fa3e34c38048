//! The project of a command: which files of the context stand where it looks for them.

use super::{Resolver, access_of};
use crate::{
    context::{Filtered, path},
    ecosystem::{Closure, Locking, Match, Recognition, Site, WarmUp},
    model::{files::ContextFiles, made::Made, path::StagePath, run::PathAccess},
    shell::SimpleCommand,
};

/// What the catalogue says of one command.
pub(super) struct Chosen {
    pub(super) known: Match,
    pub(super) closure: Option<Closure>,
    pub(super) locking: Option<Locking>,
    pub(super) warm_up: Option<WarmUp>,
    pub(super) made: Option<Made>,
}

impl Resolver<'_> {
    /// Files that the words name and that no file of the context is known to stand for.
    pub(super) fn reads_from_elsewhere(&self, known: &Match, directory: &StagePath) -> Vec<PathAccess> {
        let named = known.paths.iter().filter(|path| path.group.is_some());
        let elsewhere = named.filter(|path| {
            self.inputs.context.is_none_or(|context| self.context_path(context, directory, &path.path).is_none())
        });
        elsewhere.map(|path| access_of(path, directory)).collect()
    }

    /// The candidate that the project's files point to, with the closure it has there.
    pub(super) fn choose(
        &self,
        command: &SimpleCommand,
        recognition: &Recognition,
        directory: Option<&StagePath>,
    ) -> Option<Chosen> {
        let first = recognition.first()?;
        let unplaced =
            || Some(Chosen { known: first.clone(), closure: None, locking: None, warm_up: None, made: None });
        let (Some(context), Some(directory)) = (self.inputs.context, directory) else { return unplaced() };
        let mirrored = self.mirrored(context, directory, first);
        // Another copy may have put a file of its own where the project's would be.
        let covering = |path: &str| {
            let place = directory.join(&format!("./{}", path::below(path, mirrored.as_deref()?)?));
            self.view.origin(context, &place).filter(|origin| origin != path)
        };
        let files = ContextFiles::new(context, &covering);
        let resolve = |path: &str| self.context_path(context, directory, path);
        let lookup = |name: &str| self.lookup(command, name);
        let site = Site { directory: mirrored.as_deref(), files: &files, environment: &lookup, resolve: &resolve };
        let catalog = self.inputs.catalog;
        let Some(known) = catalog.resolve(recognition, &site) else { return unplaced() };
        Some(Chosen {
            known: known.clone(),
            closure: Some(catalog.closure(recognition, &site)),
            locking: catalog.locking(known, &site),
            warm_up: catalog.warm_up(recognition, &site),
            made: catalog.made(known, &site).map(|made| Made::new(made, directory)),
        })
    }

    /// Pairs of a place of the stage and the path of the context that it mirrors, by which the command's files are found:
    /// the paths in its words and their directories first, then the directory it works in.
    pub(super) fn anchors(&self, known: &Match, directory: Option<&StagePath>) -> Vec<(StagePath, String)> {
        let (Some(context), Some(directory)) = (self.inputs.context, directory) else { return Vec::new() };
        let mut anchors = Vec::new();
        for named in known.paths.iter().filter(|path| path.group.is_some()) {
            // A file may stand under another name than the one it has in the context.
            let place = directory.join(&named.path);
            anchors.extend(self.view.origin(context, &place).map(|origin| (place, origin)));
        }
        for named in known.paths.iter().filter(|path| path.group.is_some()) {
            let place = directory.join(&named.path).parent();
            anchors.extend(self.view.directory(context, &place).map(|mirrored| (place, mirrored)));
        }
        let named = known.project_directory().map(|path| directory.join(path));
        for place in named.into_iter().chain([directory.clone()]) {
            anchors.extend(self.mirrored(context, &place, known).map(|mirrored| (place, mirrored)));
        }
        anchors
    }

    /// The context directory that a directory of the stage mirrors: of several, the one whose manifest stands there.
    fn mirrored(&self, context: &Filtered<'_>, place: &StagePath, known: &Match) -> Option<String> {
        let directories = self.view.directories(context, place);
        let names = || known.pack.manifests.iter().chain(&known.pack.lockfiles);
        let holds = |directory: &&String| {
            names().any(|name| self.view.provides(&path::join(directory, name), &place.join(&format!("./{name}"))))
        };
        directories.iter().find(holds).or_else(|| directories.first()).cloned()
    }

    /// The context path behind a path that a command names: what a placement brings there, or would bring.
    fn context_path(&self, context: &Filtered<'_>, directory: &StagePath, path: &str) -> Option<String> {
        let place = directory.join(path);
        let beside = || {
            let mirrored = self.view.directory(context, &place.parent())?;
            Some(path::join(&mirrored, place.name()))
        };
        self.view.origin(context, &place).or_else(beside).or_else(|| self.view.expected(&place))
    }
}
