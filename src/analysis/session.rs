//! What the checks of many files share: folders that were looked into, and packs that were read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{CatalogError, ProjectError, catalog};
use crate::config::Settings;
use crate::context::Context;
use crate::ecosystem::Catalog;
use crate::source::{DiskContext, ReadHistories};

/// The files of packs, and that of measured times where there is one.
type CatalogFiles = (Vec<PathBuf>, Option<PathBuf>);

/// Packs that were read, or why they could not be.
type ReadCatalog = Result<Arc<Catalog>, CatalogError>;

/// Kept for as long as the files are taken to stay as they are.
#[derive(Debug, Default)]
pub struct Session {
    contexts: Mutex<HashMap<PathBuf, Arc<DiskContext>>>,
    /// By the files of packs and the file of measured times.
    catalogs: Mutex<HashMap<CatalogFiles, ReadCatalog>>,
    /// What an earlier session read, by the root of the context.
    earlier: HashMap<PathBuf, ReadHistories>,
    impatient: bool,
}

impl Session {
    /// A session whose checks go without a history that was not read yet, instead of waiting for it.
    /// [`Session::awaits_history`] tells of such, [`Session::read_history`] reads it.
    pub fn impatient() -> Self {
        Self { impatient: true, ..Self::default() }
    }

    /// A session that looks at every folder anew. Histories are kept where the same commit is still checked out.
    #[must_use]
    pub fn renewed(&self) -> Self {
        let contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut earlier = self.earlier.clone();
        earlier.extend(contexts.iter().filter_map(|(root, context)| Some((root.clone(), context.read_histories()?))));
        Self { earlier, impatient: self.impatient, ..Self::default() }
    }

    /// Whether a check of a file of this context goes without the newest `limit` changes, as they are not read yet.
    pub fn awaits_history(&self, root: &Path, limit: usize) -> bool {
        self.impatient
            && limit > 0
            && self
                .context(root)
                .is_ok_and(|context| !context.has_read_history(limit) && context.no_history().is_none())
    }

    /// Reads the newest `limit` changes of a context, which may take long.
    pub fn read_history(&self, root: &Path, limit: usize) {
        if let Ok(context) = self.context(root) {
            context.history(limit);
        }
    }

    /// The folder as a build context.
    ///
    /// # Errors
    /// [`ProjectError::NoContext`] where there is no such folder.
    pub fn context(&self, root: &Path) -> Result<Arc<DiskContext>, ProjectError> {
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = contexts.get(root) {
            return Ok(Arc::clone(known));
        }
        let opened = DiskContext::new(root)
            .map_err(|error| ProjectError::NoContext { path: root.to_owned(), reason: error.to_string() })?
            .with_histories(self.earlier.get(root).cloned());
        Ok(Arc::clone(contexts.entry(root.to_owned()).or_insert(Arc::new(opened))))
    }

    /// The packs that hold under these settings.
    ///
    /// # Errors
    /// [`CatalogError`] for a pack that cannot be read or is wrong.
    pub fn catalog(&self, settings: &Settings) -> Result<Arc<Catalog>, CatalogError> {
        let mut catalogs = self.catalogs.lock().unwrap_or_else(PoisonError::into_inner);
        let costs = settings.costs();
        let read = || catalog(settings, &costs).map(Arc::new);
        // Projects without measured times share their packs.
        let known = costs.exists().then(|| costs.clone());
        catalogs.entry((settings.ecosystems.clone(), known)).or_insert_with(read).clone()
    }
}
