//! The images that builds start from.

use super::builtin;
use crate::runtime::fetch::Pull;
use crate::runtime::image::{Descriptor, Platform, Reference};
use crate::runtime::registry::Client;
use crate::runtime::store::Store;

/// Why an image is not there.
pub(super) struct NoImage {
    pub(super) reason: String,
    pub(super) help: String,
}

/// The manifest of an image: from the store, from what the program brings itself, else from where its name says.
pub(super) fn resolve(
    store: &Store,
    name: &str,
    platform: &Platform,
    pull: Pull,
    client: &Client,
) -> Result<Descriptor, NoImage> {
    if let Ok(reference) = name.parse::<Reference>()
        && builtin::is_meant(&reference)
        && !matches!(store.image(&reference, platform), Ok(Some(known)) if store.is_complete(&known.manifest))
    {
        return builtin::make(store, &reference).map_err(|reason| NoImage {
            reason,
            help: "install busybox-static, or import another base with `layerwise image import`".to_owned(),
        });
    }
    let name = name.strip_prefix("docker://").unwrap_or(name);
    let failed = |reason: String| NoImage {
        reason,
        help: format!(
            "import it: `layerwise image import oci:DIR {name}`, or `docker-archive:FILE` after `docker save`"
        ),
    };
    let found = store.resolve(name, platform, pull, client);
    let found = found.map_err(|error| failed(error.to_string()))?;
    Ok(found.manifest)
}
