//! The images that builds start from.

use super::builtin;
use crate::runtime::image::{Descriptor, Platform, Reference};
use crate::runtime::store::Store;

/// When to ask a registry for an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pull {
    /// Where the store has no image of that name.
    #[default]
    Missing,
    /// Always: the name may mean another image by now.
    Always,
    /// Never.
    Never,
}

/// Why an image is not there.
pub(super) struct NoImage {
    pub(super) reason: String,
    pub(super) help: String,
}

/// The manifest of an image.
pub(super) fn resolve(store: &Store, name: &str, platform: &Platform, pull: Pull) -> Result<Descriptor, NoImage> {
    let failed = |reason: String| NoImage {
        reason,
        help: format!(
            "import it: `layerwise image import oci:DIR {name}`, or `docker-archive:FILE` after `docker save`"
        ),
    };
    let reference: Reference = name.parse().map_err(|error| failed(format!("{error}")))?;
    let found = store.image(&reference, platform).map_err(|error| failed(error.to_string()))?;
    if let Some(found) = found {
        return Ok(found.manifest);
    }
    if builtin::is_meant(&reference) {
        return builtin::make(store, &reference).map_err(|reason| NoImage {
            reason,
            help: "install busybox-static, or import another base with `layerwise image import`".to_owned(),
        });
    }
    let _ = pull;
    Err(failed(format!("the image `{name}` is not in the store, and no registry was asked")))
}
