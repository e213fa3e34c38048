//! Files of the build context that may hold secrets, as far as copies take them: listed once for all copies of the same
//! sources and for all rules that ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::context::{EntryKind, Filtered, Selected, Selector, path};
use crate::ecosystem::secrets::{is_environment_file, secret_files};

/// Entries of one copy that are looked at, at most.
const MOST_ENTRIES: usize = 10_000;

/// Bytes of a file that is read, at most.
const MOST_BYTES: u64 = 64 * 1024;

/// What was listed so far, by what tells sources apart.
#[derive(Debug, Default)]
pub struct SecretFiles(Mutex<HashMap<String, Arc<Vec<Selected>>>>);

impl SecretFiles {
    /// The files that a copy takes, are not too large to read, and go by a name under which secrets are kept; in the order
    /// of the copy.
    pub(super) fn of(&self, context: &Filtered<'_>, selector: &Selector) -> Arc<Vec<Selected>> {
        let Some(key) = selector.selection_key() else { return Arc::new(list(context, selector)) };
        // A list is inserted in one step, so a panic elsewhere leaves the map whole.
        let known = |files: &Self| files.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(files) = known(self) {
            return files;
        }
        let files = Arc::new(list(context, selector));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&files));
        files
    }
}

fn list(context: &Filtered<'_>, selector: &Selector) -> Vec<Selected> {
    let (mut selected, _) = selector.selected(context, MOST_ENTRIES);
    selected.retain(|found| {
        found.entry.kind == EntryKind::File
            && found.entry.size <= MOST_BYTES
            && (is_environment_file(path::base(&found.path)) || secret_files(&found.path).next().is_some())
    });
    selected
}
