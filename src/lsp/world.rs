//! All that requests are answered from: an immutable snapshot of documents, settings and what was read from disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ls_types::Uri;

use super::client::Client;
use super::documents::{Document, Documents};
use super::request::Failure;
use super::settings::EditorSettings;
use super::wanted::Wanted;
use crate::analysis::{self, CacheReport, CacheRequest, Input, OptimizeRequest, Planned, Project, Question, Session};
use crate::config::{Discovery, FileSettings};
use crate::diagnostic::{Diagnostic, FileEdit, Safety};
use crate::syntax::Dockerfile;

/// A snapshot.
#[derive(Clone, Debug)]
pub(super) struct World {
    /// Counts snapshots.
    pub(super) revision: u64,
    pub(super) client: Arc<Client>,
    pub(super) settings: Arc<EditorSettings>,
    /// The folder that relative paths of the settings start from.
    pub(super) root: Arc<PathBuf>,
    pub(super) discovery: Arc<Discovery>,
    pub(super) session: Arc<Session>,
    pub(super) documents: Documents,
    /// Whether anybody still waits for what is worked out from the snapshot.
    pub(super) wanted: Wanted,
    pub(super) known: Arc<Known>,
}

/// Answers that were worked out for some snapshot, each kept until it is asked for in a later one.
#[derive(Debug, Default)]
pub(super) struct Known {
    checked: Kept<Result<Checked, String>>,
    fixed: Kept<Result<analysis::Fixed, String>>,
    reports: Kept<Option<CacheReport>>,
    plans: Kept<Option<Planned>>,
}

/// By document, with the revision that it holds for.
type Kept<T> = Mutex<HashMap<String, (u64, Arc<T>)>>;

/// What is known of a Dockerfile.
#[derive(Debug)]
pub(super) struct Checked {
    /// Findings, sorted by place.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The root of the build context, where it is known.
    pub(super) context: Option<PathBuf>,
    /// How many changes it has to be checked with again, once those were read.
    pub(super) awaits: Option<usize>,
}

/// A Dockerfile with its surroundings.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) project: Project,
    pub(super) settings: FileSettings,
}

impl World {
    /// An open document.
    pub(super) fn document(&self, uri: &Uri) -> Result<&Arc<Document>, Failure> {
        self.documents.get(uri.as_str()).ok_or_else(|| Failure::params(&format!("`{}` is not open", uri.as_str())))
    }

    /// Open Dockerfiles.
    pub(super) fn dockerfiles(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.documents.values().filter(|document| document.is_dockerfile)
    }

    /// The findings of a document, or why there are none to be had.
    pub(super) fn checked(&self, document: &Document) -> Arc<Result<Checked, String>> {
        self.keep(&self.known.checked, document, || self.check(document))
    }

    fn check(&self, document: &Document) -> Result<Checked, String> {
        let settings = self.settings_of(document)?;
        let pending = self.pending(document, self.context_of(document, &settings)?.as_deref());
        let input = self.input(document, &settings, &pending);
        let report = analysis::check(&input).map_err(|error| error.to_string())?;
        let limit = settings.settings.history as usize;
        let awaits = report.context.as_ref().is_some_and(|root| self.session.awaits_history(root, limit));
        Ok(Checked { diagnostics: report.diagnostics, context: report.context, awaits: awaits.then_some(limit) })
    }

    /// The document with its safe fixes applied, and the root of its build context.
    pub(super) fn fixed(&self, document: &Document) -> Arc<Result<analysis::Fixed, String>> {
        self.keep(&self.known.fixed, document, || {
            let settings = self.settings_of(document)?;
            let pending = self.pending(document, self.context_of(document, &settings)?.as_deref());
            let input = self.input(document, &settings, &pending);
            analysis::check_and_fix(&input, Safety::Safe).map_err(|error| error.to_string())
        })
    }

    /// What becomes of every step over the history; `None` where there is no build or no context. It waits for the
    /// history.
    pub(super) fn cache_report(&self, document: &Document) -> Arc<Option<CacheReport>> {
        self.keep(&self.known.reports, document, || {
            let opened = self.open(document)?;
            self.with_question(&opened, |question| {
                analysis::cache_report(&opened.project, &document.text, question).ok()
            })
        })
    }

    /// A plan for the document; `None` where there is no build or no context. It waits for the history.
    ///
    /// # Errors
    /// [`Failure`] where nobody waits for it any longer.
    pub(super) fn plan(&self, document: &Document) -> Result<Arc<Option<Planned>>, Failure> {
        let plan = self.keep(&self.known.plans, document, || {
            let opened = self.open(document)?;
            let settings = &opened.settings.settings;
            let catalog = self.session.catalog(settings).ok()?;
            let request = OptimizeRequest {
                history: settings.history as usize,
                builder: settings.builder,
                target: None,
                arguments: &opened.settings.args,
                catalog: &catalog,
                wanted: Safety::Safe,
            };
            let goes_on = || self.wanted.goes_on();
            analysis::optimize_while(&opened.project, &document.text, &request, &goes_on).ok()?
        });
        if self.wanted.goes_on() { Ok(plan) } else { Err(Failure::outdated()) }
    }

    /// Asks something about the cache behaviour of an opened document over its history.
    pub(super) fn with_question<T>(
        &self,
        opened: &Opened,
        ask: impl FnOnce(&CacheRequest<'_>) -> Option<T>,
    ) -> Option<T> {
        let settings = &opened.settings.settings;
        let catalog = self.session.catalog(settings).ok()?;
        ask(&CacheRequest {
            question: Question::History(settings.history as usize),
            builder: settings.builder,
            target: None,
            arguments: &opened.settings.args,
            catalog: &catalog,
        })
    }

    /// The document with its build context, where that is known.
    pub(super) fn open(&self, document: &Document) -> Option<Opened> {
        let settings = self.settings_of(document).ok()?;
        let root = self.context_of(document, &settings).ok()??;
        let pending = self.pending(document, Some(&root));
        let path = document.path.as_deref()?;
        let project = Project::open(&self.session, &root, path, &pending).ok()?.with_others(&settings.contexts);
        Some(Opened { project, settings })
    }

    fn input<'a>(&'a self, document: &'a Document, settings: &'a FileSettings, pending: &'a [FileEdit]) -> Input<'a> {
        Input { path: document.path.as_deref(), source: &document.text, settings, session: &self.session, pending }
    }

    /// What holds for a document, or what is wrong with its configuration.
    pub(super) fn settings_of(&self, document: &Document) -> Result<FileSettings, String> {
        let path = document.path.clone().unwrap_or_else(|| self.root.join("Dockerfile"));
        self.discovery.for_file(&path).map_err(|error| error.sentence())
    }

    fn context_of(&self, document: &Document, settings: &FileSettings) -> Result<Option<PathBuf>, String> {
        let Some(path) = &document.path else { return Ok(None) };
        let file = Dockerfile::parse(&document.text);
        analysis::context_root(path, &file, settings, &self.session).map_err(|error| error.to_string())
    }

    /// The other open documents of the context, as the editor has them.
    fn pending(&self, document: &Document, root: Option<&Path>) -> Vec<FileEdit> {
        let Some(context) = root.and_then(|root| self.session.context(root).ok()) else { return Vec::new() };
        let others = self.documents.values().filter(|other| other.uri != document.uri);
        let edits = others.filter_map(|other| {
            let path = resolved(other.path.as_deref()?);
            let relative = path.strip_prefix(context.root()).ok()?.to_string_lossy();
            Some(FileEdit { path: relative.replace(std::path::MAIN_SEPARATOR, "/"), text: other.text.clone() })
        });
        edits.collect()
    }

    /// The open document at that path.
    pub(super) fn open_at(&self, path: &Path) -> Option<&Arc<Document>> {
        let path = resolved(path);
        self.documents.values().find(|document| document.path.as_deref().map(resolved).as_deref() == Some(&*path))
    }

    fn keep<T>(&self, kept: &Kept<T>, document: &Document, make: impl FnOnce() -> T) -> Arc<T> {
        let name = document.uri.as_str();
        // An entry is inserted in one step, so a panic elsewhere leaves the map whole.
        if let Some((revision, answer)) = kept.lock().unwrap_or_else(PoisonError::into_inner).get(name)
            && *revision == self.revision
        {
            return Arc::clone(answer);
        }
        let answer = Arc::new(make());
        // What nobody waits for may have been cut short.
        if !self.wanted.goes_on() {
            return answer;
        }
        let entry = (self.revision, Arc::clone(&answer));
        kept.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), entry);
        answer
    }
}

/// The path with links followed, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let parent = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(parent).unwrap_or_else(|| path.to_owned())
}
