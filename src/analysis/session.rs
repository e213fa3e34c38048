//! What the checks of many files share: folders that were looked into, and packs that were read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{CatalogError, ProjectError, catalog};
use crate::config::Settings;
use crate::ecosystem::Catalog;
use crate::source::DiskContext;

/// Packs that were read, or why they could not be.
type ReadCatalog = Result<Arc<Catalog>, CatalogError>;

/// Kept for as long as the files are taken to stay as they are.
#[derive(Debug, Default)]
pub struct Session {
    contexts: Mutex<HashMap<PathBuf, Arc<DiskContext>>>,
    catalogs: Mutex<HashMap<Vec<PathBuf>, ReadCatalog>>,
}

impl Session {
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
            .map_err(|error| ProjectError::NoContext { path: root.to_owned(), reason: error.to_string() })?;
        Ok(Arc::clone(contexts.entry(root.to_owned()).or_insert(Arc::new(opened))))
    }

    /// The packs that hold under these settings.
    ///
    /// # Errors
    /// [`CatalogError`] for a pack that cannot be read or is wrong.
    pub fn catalog(&self, settings: &Settings) -> Result<Arc<Catalog>, CatalogError> {
        let mut catalogs = self.catalogs.lock().unwrap_or_else(PoisonError::into_inner);
        let read = || catalog(settings).map(Arc::new);
        catalogs.entry(settings.ecosystems.clone()).or_insert_with(read).clone()
    }
}
