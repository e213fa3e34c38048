//! Whether anybody still waits for an answer: nobody does once the client has taken its request back, or what was asked about
//! has changed.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lsp_server::RequestId;

/// Requests that the client has taken back.
pub(super) type Cancelled = Arc<Mutex<HashSet<RequestId>>>;

/// Asked by long work from time to time.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Whether a document or a file has changed since.
    superseded: Arc<AtomicBool>,
    /// The request that is worked on.
    request: Option<(Cancelled, RequestId)>,
}

impl Wanted {
    /// The same for one request.
    pub(super) fn by(&self, cancelled: &Cancelled, id: &RequestId) -> Self {
        Self { superseded: Arc::clone(&self.superseded), request: Some((Arc::clone(cancelled), id.clone())) }
    }

    /// Tells all work on this state that it has changed.
    pub(super) fn supersede(&self) {
        self.superseded.store(true, Ordering::Relaxed);
    }

    /// Whether the work is of use. Once it is not it never is again.
    pub(super) fn goes_on(&self) -> bool {
        let taken_back = self
            .request
            .as_ref()
            .is_some_and(|(cancelled, id)| cancelled.lock().unwrap_or_else(PoisonError::into_inner).contains(id));
        !taken_back && !self.superseded.load(Ordering::Relaxed)
    }
}
