//! Analysis: one file in, its findings, its cache behaviour or its plan out; the one way in which every front end asks.
//!
//! A *project* is a build context seen together with its ignore file and with texts that are not written yet. A *session*
//! keeps what many files of one run share. Builds that `docker build` would refuse outright are a [`BuildError`].

mod build_error;
mod cache_report;
mod context_root;
mod costs;
mod neighbours;
mod project;
mod session;
mod touched_files;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::cache::Builder;
use crate::config::{FileSettings, Settings};
use crate::context::{Context, Filtered};
use crate::diagnostic::{Diagnostic, FileEdit, Safety};
use crate::ecosystem::{Catalog, PackError};
use crate::fix::{self, Outcome};
use crate::lint::{self, Numbers, SecretFiles, Subject};
use crate::model::{Build, Inputs};
use crate::optimize::{self, Plan, Request, Surroundings};
use crate::syntax::Dockerfile;

pub use build_error::BuildError;
pub use cache_report::{CacheReport, CacheRequest, EventReport, Question, StageReport, StepReport, cache_report};
pub use context_root::context_root;
pub use costs::{KeptStep, KeptTimes};
pub use project::{Project, ProjectError};
pub use session::Session;
pub use touched_files::touched_files;

/// A file to look at.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Where it stands, absolute; it need not exist. `None` where it stands nowhere: its build context is not known then.
    pub path: Option<&'a Path>,
    /// Its text.
    pub source: &'a str,
    /// What holds for it.
    pub settings: &'a FileSettings,
    /// What it shares with other files.
    pub session: &'a Session,
    /// New texts of files of the build context, which are not written yet.
    pub pending: &'a [FileEdit],
}

/// What is known of a file afterwards.
#[derive(Clone, Debug)]
pub struct Report {
    /// Findings, sorted by place.
    pub diagnostics: Vec<Diagnostic>,
    /// The root of the build context, where it is known.
    pub context: Option<PathBuf>,
}

/// Why a file cannot be checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Its surroundings cannot be read.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The user's packs are wrong.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Checks one file.
///
/// # Errors
/// [`CheckError`] where its surroundings or the user's packs cannot be read.
pub fn check(input: &Input<'_>) -> Result<Report, CheckError> {
    let file = Dockerfile::parse(input.source);
    let settings = &input.settings.settings;
    let catalog = input.session.catalog(settings)?;
    let root = match input.path {
        Some(path) => context_root(path, &file, input.settings, input.session)?,
        None => None,
    };
    let project = match (&root, input.path) {
        (Some(root), Some(path)) => Some(opened(input, root, path)?),
        _ => None,
    };
    let ignore = project.as_ref().and_then(Project::ignore_file);
    let context = project.as_ref().map(|project| Filtered::new(project, ignore.as_ref()));
    let inputs = Inputs { file: &file, context: context.as_ref(), catalog: &catalog, arguments: &input.settings.args };
    let build = Build::new(inputs);
    let limit = settings.history as usize;
    let waits = root.as_ref().is_some_and(|root| input.session.awaits_history(root, limit));
    let subject = Subject {
        file: &file,
        build: &build,
        numbers: &Numbers::new(&build, settings.builder.profile(), if waits { 0 } else { limit }),
        secret_files: &SecretFiles::default(),
        profile: settings.builder.profile(),
        ignore_path: project.as_ref().map_or(".dockerignore", |project| project.ignore_path.as_str()),
        ignore_text: project.as_ref().and_then(|project| project.ignore.as_deref()),
        options: &settings.options,
    };
    Ok(Report { diagnostics: lint::run(&subject, &input.settings.selection), context: root })
}

/// The surroundings of a file whose build context is known.
fn opened(input: &Input<'_>, root: &Path, path: &Path) -> Result<Project, ProjectError> {
    Ok(Project::open(input.session, root, path, input.pending)?.with_others(&input.settings.contexts))
}

/// A file with its fixes applied.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// What became of it.
    pub outcome: Outcome,
    /// The root of the build context, which the paths of other files are relative to.
    pub context: Option<PathBuf>,
}

/// Checks one file and applies its fixes, in memory.
///
/// # Errors
/// [`CheckError`] where its surroundings or the user's packs cannot be read.
pub fn check_and_fix(input: &Input<'_>, wanted: Safety) -> Result<Fixed, CheckError> {
    let Report { diagnostics, context } = check(input)?;
    // Fixing begins with the findings of the text as it is.
    let first = Cell::new(Some(diagnostics));
    let outcome = fix::fix(input.source, wanted, &|source, written| {
        first.take().unwrap_or_else(|| {
            let pending = overlaid(input.pending, written);
            // What could be read a moment ago is kept by `session`.
            let report = check(&Input { source, pending: &pending, ..*input });
            report.map(|report| report.diagnostics).unwrap_or_default()
        })
    });
    Ok(Fixed { outcome, context })
}

/// Texts that are not written yet, some of them replaced by newer ones.
fn overlaid(pending: &[FileEdit], newer: &[FileEdit]) -> Vec<FileEdit> {
    let kept = pending.iter().filter(|file| !newer.iter().any(|new| new.path == file.path));
    kept.chain(newer).cloned().collect()
}

/// What is asked of a plan.
#[derive(Clone, Copy, Debug)]
pub struct OptimizeRequest<'a> {
    /// How many of the newest changes stand for the changes to come.
    pub history: usize,
    /// The builder.
    pub builder: Builder,
    /// The stage to build; the last where `None`.
    pub target: Option<&'a str>,
    /// Values given with `--build-arg`.
    pub arguments: &'a BTreeMap<String, String>,
    /// What is known of programs.
    pub catalog: &'a Catalog,
    /// Moves that promise less are offered, not applied.
    pub wanted: Safety,
}

/// A plan and what its costs rest on.
#[derive(Clone, Debug)]
pub struct Planned<T = Plan> {
    /// What is to be done.
    pub plan: T,
    /// How many commits the rates of change rest on.
    pub commits: usize,
    /// Whether the history is that of a shallow clone.
    pub shallow: bool,
}

/// Plans one file.
///
/// # Errors
/// [`BuildError`] where there is no such build.
pub fn optimize(project: &Project, source: &str, request: &OptimizeRequest<'_>) -> Result<Planned, BuildError> {
    optimize_without(project, source, request, &BTreeSet::new())
}

/// Plans one file without some moves, which are named by [`optimize::Applied::key`].
///
/// # Errors
/// [`BuildError`] where there is no such build.
pub fn optimize_without(
    project: &Project,
    source: &str,
    request: &OptimizeRequest<'_>,
    without: &BTreeSet<String>,
) -> Result<Planned, BuildError> {
    with_plan(project, source, request, |request| optimize::plan_without(request, without))
}

/// Plans one file as long as `goes_on` says that anybody waits for it; `None` where nobody did in the end. Once it has said
/// no, it must not say yes again.
///
/// # Errors
/// [`BuildError`] where there is no such build.
pub fn optimize_while(
    project: &Project,
    source: &str,
    request: &OptimizeRequest<'_>,
    goes_on: &dyn Fn() -> bool,
) -> Result<Option<Planned>, BuildError> {
    let planned = with_plan(project, source, request, |request| optimize::plan_while(request, goes_on))?;
    Ok(planned.plan.map(|plan| Planned { plan, commits: planned.commits, shallow: planned.shallow }))
}

/// What a planner makes of the file, once it is known that there is such a build.
fn with_plan<T>(
    project: &Project,
    source: &str,
    request: &OptimizeRequest<'_>,
    planner: impl FnOnce(&Request<'_>) -> T,
) -> Result<Planned<T>, BuildError> {
    let history = (request.history > 0).then(|| project.history(request.history)).flatten();
    let surroundings = Surroundings {
        context: project,
        catalog: request.catalog,
        arguments: request.arguments,
        profile: request.builder.profile(),
        history: history.as_deref(),
        target: request.target,
    };
    let draft = project.draft(source);
    let ignore = project.ignore_file();
    draft.with_build(&surroundings, |build| {
        build_error::target(build, ignore.as_ref(), request.target, request.builder)
    })?;
    let request = Request { draft: &draft, surroundings, wanted: request.wanted };
    let plan = planner(&request);
    let history = history.unwrap_or_default();
    Ok(Planned { plan, commits: history.commits.len(), shallow: history.shallow })
}

/// What a change costs on average with a file as it is, and with the safe plan for it, in seconds of building; `None` where
/// the build or its context is not known.
pub fn rebuild_cost(input: &Input<'_>) -> Option<(f64, f64)> {
    let (path, settings) = (input.path?, &input.settings.settings);
    let file = Dockerfile::parse(input.source);
    let root = context_root(path, &file, input.settings, input.session).ok()??;
    let project = opened(input, &root, path).ok()?;
    let request = OptimizeRequest {
        history: settings.history as usize,
        builder: settings.builder,
        target: None,
        arguments: &input.settings.args,
        catalog: &*input.session.catalog(settings).ok()?,
        wanted: Safety::Safe,
    };
    let plan = optimize(&project, input.source, &request).ok()?.plan;
    Some((plan.before.mean, plan.after.mean))
}

/// Why the user's packs cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// A pack's file cannot be read.
    #[error("the pack `{}` cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A pack is wrong.
    #[error(transparent)]
    Pack(PackError),
    /// The file of measured times cannot be read.
    #[error("the measured times in `{}` cannot be read: {reason}", path.display())]
    Costs {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// The packs that come with the program and those that the configuration names, with the times that builds have shown, which
/// the file `costs` keeps.
///
/// # Errors
/// [`CatalogError`] for a pack, or a file of measured times, that cannot be read or is wrong.
pub fn catalog(settings: &Settings, costs: &Path) -> Result<Catalog, CatalogError> {
    let measured = KeptTimes::read(costs)?.measured();
    if settings.ecosystems.is_empty() {
        return Ok(Catalog::builtin().clone().with_measured(measured));
    }
    let read = |path: &PathBuf| match std::fs::read_to_string(path) {
        Ok(text) => Ok((path.to_string_lossy().into_owned(), text)),
        Err(error) => Err(CatalogError::Unreadable { path: path.clone(), reason: error.to_string() }),
    };
    let packs: Result<Vec<_>, _> = settings.ecosystems.iter().map(read).collect();
    Ok(Catalog::with_packs(&packs?).map_err(CatalogError::Pack)?.with_measured(measured))
}
