//! Build: a Dockerfile executed, as `BuildKit` would.
//!
//! [`build`] reads the file's *plan* (stages, and which of them the target needs), runs the needed stages side by side and
//! writes the image of the target. A stage is a *state* (configuration, layers, variables) that its *lines* change one
//! after the other. A step that makes a layer first looks for its *key* in the store: what decides its result, the layers
//! below by their content among it.

mod arguments;
mod base;
mod builtin;
mod error;
mod history;
mod inline;
mod key;
mod layer;
mod line;
mod metadata;
mod mounts;
mod named;
mod output;
mod plan;
mod ports;
mod remote;
mod run;
mod site;
mod stage;
mod state;
mod transfer;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use error::BuildError;
pub use named::{NamedContext, NamedContexts, context_name};

pub use super::fetch::Pull;
use super::image::{ChainId, Descriptor, Digest, ImageConfig, Platform};
use super::namespace::Ids;
use super::progress::{Event, Sink, Status, StepName};
use super::sandbox::{Limits, Network, Trace};
use super::store::Store;
use super::tree::Tree;
use crate::config::Registries;
use crate::context::IgnoreFile;
use crate::syntax::Dockerfile;
use arguments::Arguments;
use named::Supply;
use plan::Plan;
use site::{End, Site};

/// What is to be built.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub struct Request<'a> {
    /// The file.
    pub file: &'a Dockerfile,
    /// Its path relative to the context, which names its ignore file.
    pub path: &'a str,
    /// The text of an ignore file that stands beside a Dockerfile outside of the context.
    pub ignore_beside: Option<&'a str>,
    /// The folder that is the build context.
    pub context: &'a Path,
    /// The stage; the last where none is named.
    pub target: Option<&'a str>,
    /// Values of `--build-arg`.
    pub arguments: &'a BTreeMap<String, String>,
    /// For which platform.
    pub platform: Platform,
    /// Other contexts by name.
    pub contexts: &'a NamedContexts,
    /// Execute every step, whatever the store has.
    pub no_cache: bool,
    /// The same for the steps of these stages.
    pub no_cache_stages: &'a [String],
    /// How registries are asked.
    pub registries: Registries,
    /// When to ask the registry.
    pub pull: Pull,
    /// Labels of the image, besides those of the file.
    pub labels: &'a BTreeMap<String, String>,
    /// Secrets by their id.
    pub secrets: &'a BTreeMap<String, Secret>,
    /// Sockets of SSH agents by their id.
    pub ssh: &'a BTreeMap<String, PathBuf>,
    /// What steps see of the network unless they say so.
    pub network: Network,
    /// Whether steps may ask for the machine's network where [`Request::network`] is another.
    pub allow_host_network: bool,
    /// Whether steps may ask for all rights of the build.
    pub allow_insecure: bool,
    /// Names that steps resolve, besides those of the machine.
    pub extra_hosts: Vec<(String, IpAddr)>,
    /// How long a step may take.
    pub timeout: Option<Duration>,
    /// What a step may use.
    pub limits: Limits,
    /// `SOURCE_DATE_EPOCH`: the time of the image, and the latest of its files, in seconds since 1970.
    pub epoch: Option<i64>,
    /// Whether it is seen which files the commands reach.
    pub traced: bool,
}

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum Secret {
    /// A file.
    File(PathBuf),
    /// A value that is known, such as that of an environment variable.
    Value(Vec<u8>),
}

impl Secret {
    fn read(&self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::File(path) => std::fs::read(path),
            Self::Value(value) => Ok(value.clone()),
        }
    }
}

/// What was built.
#[derive(Debug)]
pub struct Built {
    /// The manifest.
    pub manifest: Descriptor,
    /// The digest of the configuration: what Docker calls the image's id.
    pub image_id: Digest,
    /// The configuration.
    pub config: ImageConfig,
    /// The steps of the stages that were needed, in the order of the file.
    pub steps: Vec<StepReport>,
    /// How long it took.
    pub seconds: f64,
}

/// What became of a step.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Where it stands.
    pub name: StepName,
    /// Hit, executed or failed.
    pub status: Status,
    /// Its cache key; empty where it makes no layer.
    pub key: String,
    /// How long it took.
    pub seconds: f64,
    /// Bytes of its layer.
    pub bytes: u64,
    /// The layers after it.
    pub chain: Option<ChainId>,
    /// Which files its command reached, where it was executed and traced.
    pub trace: Option<Arc<Trace>>,
}

/// Builds an image and keeps it in the store, without a name.
///
/// # Errors
/// [`BuildError`] says at which line the build stops and why. What went before stays in the cache.
pub fn build(request: &Request<'_>, store: &Store, ids: &Ids, sink: &dyn Sink) -> Result<Built, BuildError> {
    let started = Instant::now();
    let file = request.file;
    if let Some(error) = file.errors().first() {
        let line = file.line_index().line(error.range.start);
        return Err(BuildError::Syntax { line, message: error.message.clone(), help: error.help.clone() });
    }
    let arguments = Arguments::read(file, request.arguments, &request.platform, request.target.unwrap_or_default())?;
    let plan = Plan::read(file, &arguments, request.target, request.contexts)?;
    for name in arguments.unused(file) {
        sink.event(Event::Warned(&format!("the build argument `{name}` is declared nowhere")));
    }
    let context = Tree::plain(request.context)
        .map_err(|error| BuildError::Context { path: request.context.to_owned(), reason: error.to_string() })?;
    let ignore = ignore_file(&context, request.path, request.ignore_beside)?;
    let context = Supply::of_folder(context, ignore, "the build context".to_owned());
    let created = request.epoch.unwrap_or_else(now);
    let parts = site::Parts { request, plan: &plan, arguments: &arguments, store, ids, sink };
    let site = Site::new(&parts, context, named::open(request.contexts)?, created);
    for name in request.no_cache_stages {
        if !(0..plan.stages.len()).any(|index| plan.is_called(index, name)) {
            site.warn(&format!("`--no-cache-filter {name}` names no stage"));
        }
    }
    store.settle_now_and_then();
    let state = run(&site)?;
    let mut image = state.image.clone();
    image.config.labels.extend(request.labels.clone());
    history::settle(&mut image);
    let manifest = store.put_image(&image, state.layers.clone())?;
    let image_id = store.manifest(&manifest)?.0.config.digest;
    let seconds = started.elapsed().as_secs_f64();
    sink.event(Event::Built(&manifest.digest, seconds));
    let mut steps = std::mem::take(&mut *site.reports.lock().unwrap_or_else(PoisonError::into_inner));
    steps.sort_by_key(|step| (step.name.line, step.name.number));
    Ok(Built { manifest, image_id, config: image, steps, seconds })
}

/// The time now, in seconds since 1970.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

fn ignore_file(context: &Tree, dockerfile: &str, beside: Option<&str>) -> Result<Option<IgnoreFile>, BuildError> {
    let file = IgnoreFile::of_dockerfile(context, dockerfile, beside)
        .map_err(|error| BuildError::Ignore(error.to_string()))?;
    if let Some((file, error)) = file.as_ref().and_then(|file| Some((file, file.errors.first()?))) {
        return Err(BuildError::Ignore(format!("`{}`, line {}: {}", file.path, error.line, error.message)));
    }
    Ok(file)
}

/// Builds the stages that are needed, each on a thread of its own; gives the state of the target.
fn run(site: &Site<'_>) -> Result<Arc<state::State>, BuildError> {
    let needed = site.plan.needed();
    for index in (0..needed.len()).filter(|index| !needed[*index]) {
        site.settle(index, End::Left);
    }
    let build = |index: usize| {
        // Whoever waits must hear of the end, also of one that nobody foresaw.
        let mut settling = Settling { site, index, end: Some(End::Failed) };
        let result = stage::build(site, index);
        match &result {
            Ok(state) => settling.end = Some(End::Built(Arc::clone(state))),
            Err(_) => site.stop(),
        }
        result
    };
    let results: Vec<Result<_, BuildError>> = std::thread::scope(|scope| {
        let others: Vec<_> = (0..needed.len())
            .filter(|index| needed[*index] && *index != site.plan.target)
            .map(|index| scope.spawn(move || build(index)))
            .collect();
        let target = build(site.plan.target);
        let stopped = |_| Err(BuildError::Stopped);
        others.into_iter().map(|thread| thread.join().unwrap_or_else(stopped)).chain([target]).collect()
    });
    // The first error that is the cause, not the consequence, of the end.
    let cause = results.iter().find_map(|result| match result {
        Err(BuildError::Stopped) | Ok(_) => None,
        Err(error) => Some(error.clone()),
    });
    match (cause, results.into_iter().next_back()) {
        (Some(cause), _) => Err(cause),
        (None, Some(result)) => result,
        (None, None) => Err(BuildError::NoStage),
    }
}

/// Tells how a stage ended when it is dropped.
struct Settling<'s, 'a> {
    site: &'s Site<'a>,
    index: usize,
    end: Option<End>,
}

impl Drop for Settling<'_, '_> {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            self.site.settle(self.index, end);
        }
    }
}
