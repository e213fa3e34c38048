//! What a walk knows at each directory, kept so that a directory's patterns are compared once and not for each path below.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Directories that are kept; with more, the keeping starts anew.
const MOST_DIRECTORIES: usize = 10_000;

/// The longest path of a directory that is kept: no longer one exists on disk.
const LONGEST: usize = 4_096;

/// What the walk knows of a path.
#[derive(Clone, Debug, Default)]
pub(super) struct Visit {
    /// Whether the path matches.
    pub(super) matched: bool,
    /// By pattern, whether it holds for the path and all below. Empty where no pattern takes back.
    pub(super) held: Vec<bool>,
    /// By pattern, whether it fits the path or a directory above. Empty where no pattern takes back.
    pub(super) fitted: Vec<bool>,
}

/// Visits by directory. A copy begins empty.
#[derive(Debug, Default)]
pub(super) struct Visited(Mutex<HashMap<String, Arc<Visit>>>);

impl Visited {
    /// The visit of a directory, made where it is not kept.
    pub(super) fn get_or(&self, directory: &str, make: impl FnOnce() -> Arc<Visit>) -> Arc<Visit> {
        if directory.len() > LONGEST {
            return make();
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(visit) = kept.get(directory) {
            return Arc::clone(visit);
        }
        if kept.len() >= MOST_DIRECTORIES {
            kept.clear();
        }
        let visit = make();
        kept.insert(directory.to_owned(), Arc::clone(&visit));
        visit
    }
}

impl Clone for Visited {
    fn clone(&self) -> Self {
        Self::default()
    }
}
