//! A building site: what all stages of one build use together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

use super::arguments::Arguments;
use super::line::Line;
use super::named::Supply;
use super::plan::{Base, Plan};
use super::state::State;
use super::{BuildError, Request, StepReport, base};
use crate::runtime::image::Platform;
use crate::runtime::namespace::Ids;
use crate::runtime::progress::{Event, Sink};
use crate::runtime::registry::Client;
use crate::runtime::sandbox::Sandbox;
use crate::runtime::store::Store;
use crate::runtime::tree::Tree;

/// What all stages use.
pub(super) struct Site<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) plan: &'a Plan<'a>,
    pub(super) arguments: &'a Arguments,
    pub(super) store: &'a Store,
    pub(super) ids: &'a Ids,
    pub(super) sink: &'a dyn Sink,
    /// Started for the first step that runs a command.
    sandbox: OnceLock<Result<Sandbox, String>>,
    /// The build context.
    pub(super) context: Supply,
    /// The folders that have a name.
    pub(super) folders: BTreeMap<String, Supply>,
    /// Made for the first image that is not in the store.
    client: Client,
    /// When the image is made, in seconds since 1970.
    pub(super) created: i64,
    /// The stages' results.
    slots: Vec<Slot>,
    /// Images that steps copy from or that stages start from, by reference and platform.
    images: Mutex<HashMap<(String, String), Arc<Fetched>>>,
    /// Trees by the chain of their layers.
    trees: Mutex<HashMap<String, Arc<Tree>>>,
    stopped: AtomicBool,
    warned: Mutex<BTreeSet<String>>,
    pub(super) reports: Mutex<Vec<StepReport>>,
}

/// An image once it is there.
type Fetched = OnceLock<Result<Arc<State>, BuildError>>;

/// Where the result of a stage appears.
#[derive(Default)]
struct Slot {
    end: Mutex<End>,
    ready: Condvar,
}

/// How a stage ended.
#[derive(Default)]
pub(super) enum End {
    /// Not yet.
    #[default]
    Open,
    /// With this state.
    Built(Arc<State>),
    /// With an error.
    Failed,
    /// It is not built, as the target does not need it.
    Left,
}

/// What a site is made of.
pub(super) struct Parts<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) plan: &'a Plan<'a>,
    pub(super) arguments: &'a Arguments,
    pub(super) store: &'a Store,
    pub(super) ids: &'a Ids,
    pub(super) sink: &'a dyn Sink,
}

impl<'a> Site<'a> {
    /// A site with its context and the folders that have a name; `created` is the time of the image.
    pub(super) fn new(parts: &Parts<'a>, context: Supply, folders: BTreeMap<String, Supply>, created: i64) -> Self {
        let Parts { request, plan, arguments, store, ids, sink } = *parts;
        Self {
            request,
            plan,
            arguments,
            store,
            ids,
            sink,
            sandbox: OnceLock::new(),
            context,
            folders,
            client: Client::new(request.registries.clone()),
            created,
            slots: plan.stages.iter().map(|_| Slot::default()).collect(),
            images: Mutex::default(),
            trees: Mutex::default(),
            stopped: AtomicBool::new(false),
            warned: Mutex::default(),
            reports: Mutex::default(),
        }
    }

    /// Tells who waits how a stage ended.
    pub(super) fn settle(&self, stage: usize, end: End) {
        let slot = &self.slots[stage];
        *slot.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
        slot.ready.notify_all();
    }

    /// The result of a stage, once it is there.
    fn wait(&self, stage: usize, line: &Line<'_>) -> Result<Arc<State>, BuildError> {
        let slot = &self.slots[stage];
        let mut end = slot.end.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*end {
                End::Built(built) => return Ok(Arc::clone(built)),
                End::Failed => return Err(BuildError::Stopped),
                // Only a trigger of a base image can name such a stage.
                End::Left => return Err(line.error(format!("the stage {stage} is not built for this target"))),
                End::Open => end = slot.ready.wait(end).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// What a stage starts from or copies from.
    pub(super) fn state_of(&self, base: &Base, platform: &Platform, line: &Line<'_>) -> Result<Arc<State>, BuildError> {
        match base {
            Base::Scratch => Ok(Arc::new(State::scratch(platform))),
            Base::Stage(index) => self.wait(*index, line),
            Base::Image(reference) => {
                let key = (reference.clone(), platform.to_string());
                let cell =
                    Arc::clone(self.images.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
                cell.get_or_init(|| self.image(reference, platform, line).map(Arc::new)).clone()
            }
            Base::Folder(name) => Err(line.error(format!("the context `{name}` is a folder, not an image"))),
        }
    }

    fn image(&self, reference: &str, platform: &Platform, line: &Line<'_>) -> Result<State, BuildError> {
        let manifest = base::resolve(self.store, reference, platform, self.request.pull, &self.client)
            .map_err(|failed| line.error(failed.reason).with_help(failed.help))?;
        let (manifest, config) = self.store.manifest(&manifest)?;
        Ok(State::of_image(config, manifest.layers))
    }

    /// What runs commands; nothing any more once another stage failed.
    pub(super) fn sandbox(&self, line: &Line<'_>) -> Result<&Sandbox, BuildError> {
        let start = || Sandbox::start(self.ids).map_err(|error| error.to_string());
        let sandbox = self.sandbox.get_or_init(start).as_ref().map_err(|reason| line.error(reason))?;
        fence(Ordering::SeqCst);
        self.check()?;
        Ok(sandbox)
    }

    /// The folders of a state's layers, lowest first.
    pub(super) fn layers(&self, state: &State) -> Result<Vec<PathBuf>, BuildError> {
        let snapshots = self.store.ensure_unpacked(&state.image, &state.manifest())?;
        Ok(snapshots.into_iter().map(|snapshot| snapshot.path).collect())
    }

    /// The files of a state.
    pub(super) fn tree(&self, state: &State) -> Result<Arc<Tree>, BuildError> {
        let chain = state.chain().map(|chain| chain.to_string()).unwrap_or_default();
        let known = |trees: &HashMap<String, Arc<Tree>>| trees.get(&chain).cloned();
        if let Some(tree) = known(&self.trees.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(tree);
        }
        let tree = Arc::new(self.open_tree(state)?);
        self.trees.lock().unwrap_or_else(PoisonError::into_inner).insert(chain, Arc::clone(&tree));
        Ok(tree)
    }

    /// The same, opened anew and let go of after use.
    pub(super) fn open_tree(&self, state: &State) -> Result<Tree, BuildError> {
        Tree::stacked(self.layers(state)?.iter().rev(), self.store.owners())
            .map_err(|source| BuildError::Tree(source.to_string()))
    }

    /// Says something that the user should know, once in a build.
    pub(super) fn warn(&self, message: &str) {
        if self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(message.to_owned()) {
            self.sink.event(Event::Warned(message));
        }
    }

    /// Lets no further step begin, and ends the commands that run.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        // With the fence in `sandbox`, one of both sees what the other did.
        fence(Ordering::SeqCst);
        if let Some(Ok(sandbox)) = self.sandbox.get() {
            sandbox.stop();
        }
    }

    /// Whether another stage failed.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        if self.stopped.load(Ordering::SeqCst) { Err(BuildError::Stopped) } else { Ok(()) }
    }
}
