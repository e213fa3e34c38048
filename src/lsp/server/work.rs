//! Checking documents: the newest state of each, as soon as the lane is free, and again when its history was read.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ls_types::PublishDiagnosticsParams;

use super::{Event, Mouth};
use crate::lsp::diagnostics;
use crate::lsp::documents::Document;
use crate::lsp::lane::Lane;
use crate::lsp::world::World;

const PUBLISH: &str = "textDocument/publishDiagnostics";

/// The lane that checks documents, and what it needs.
pub(super) struct Work {
    lane: Lane,
    task: Task,
}

#[derive(Clone)]
struct Task {
    /// The state that requests are answered from.
    latest: Arc<Mutex<Arc<World>>>,
    /// Documents whose findings have to be sent.
    dirty: Arc<Mutex<BTreeSet<String>>>,
    /// Build contexts whose history is being read.
    reading: Arc<Mutex<HashSet<PathBuf>>>,
    mouth: Mouth,
    events: Sender<Event>,
}

impl Work {
    pub(super) fn new(world: World, mouth: Mouth, events: Sender<Event>) -> Self {
        let task = Task {
            latest: Arc::new(Mutex::new(Arc::new(world))),
            dirty: Arc::default(),
            reading: Arc::default(),
            mouth,
            events,
        };
        Self { lane: Lane::start(), task }
    }

    pub(super) fn lane(&self) -> &Lane {
        &self.lane
    }

    pub(super) fn latest(&self) -> Arc<World> {
        self.task.latest()
    }

    pub(super) fn set_latest(&self, world: World) {
        *self.task.latest.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(world);
    }

    /// Has these documents checked. Several requests that wait are one.
    pub(super) fn check(&self, documents: impl IntoIterator<Item = String>) {
        self.task.dirty.lock().unwrap_or_else(PoisonError::into_inner).extend(documents);
        let task = self.task.clone();
        self.lane.add(move || task.check());
    }

    /// Takes back the findings of a document that is no longer open.
    pub(super) fn forget(&self, document: &Arc<Document>) {
        let (task, uri) = (self.task.clone(), document.uri.clone());
        // In the lane, so that no check that is under way comes after it.
        self.lane.add(move || {
            if !task.latest().documents.contains_key(uri.as_str()) {
                task.mouth.notify(PUBLISH, PublishDiagnosticsParams { uri, diagnostics: Vec::new(), version: None });
            }
        });
    }
}

impl Task {
    fn latest(&self) -> Arc<World> {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn check(&self) {
        let dirty = std::mem::take(&mut *self.dirty.lock().unwrap_or_else(PoisonError::into_inner));
        for name in dirty {
            let world = self.latest();
            let Some(document) = world.documents.get(&name) else { continue };
            if !world.client.pulls {
                self.mouth.notify(PUBLISH, diagnostics::published(&world, document));
            }
            if let Ok(checked) = &*world.checked(document)
                && let Some((root, limit)) = checked.context.clone().zip(checked.awaits)
            {
                self.read_history(&world, root, limit);
            }
        }
    }

    /// Reads the history of a build context beside everything else.
    fn read_history(&self, world: &Arc<World>, root: PathBuf, limit: usize) {
        if !self.reading.lock().unwrap_or_else(PoisonError::into_inner).insert(root.clone()) {
            return;
        }
        let (session, task) = (Arc::clone(&world.session), self.clone());
        thread::spawn(move || {
            session.read_history(&root, limit);
            task.reading.lock().unwrap_or_else(PoisonError::into_inner).remove(&root);
            // The server may be gone by now.
            let _ = task.events.send(Event::HistoryRead);
        });
    }
}
