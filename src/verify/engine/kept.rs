//! Images that an engine still has after it has handed them over, to be run.

use std::fmt;
use std::sync::Arc;

/// An image that the engine keeps as long as this, or a copy of it, lives.
#[derive(Clone)]
pub struct Kept(Arc<Named>);

struct Named {
    name: String,
    forget: Box<dyn Fn(&str) + Send + Sync>,
}

impl Kept {
    /// The image of that name; `forget` is called with the name at the end.
    pub fn new(name: String, forget: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Named { name, forget: Box::new(forget) }))
    }

    /// The name that the engine knows it by.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Kept").field(&self.0.name).finish()
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        (self.forget)(&self.name);
    }
}
