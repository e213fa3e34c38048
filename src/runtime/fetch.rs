//! Where images come from: the store, a registry, an OCI layout, an archive of `docker save`, a root file system.
//!
//! Whatever comes is verified before it has a name in the store: documents and layers by their digests, layers also by
//! what they unpack to.

mod archive;
mod layout;
mod root;
mod source;
mod take;

use std::path::PathBuf;

pub use source::{Source, SourceError};
pub(in crate::runtime) use take::{Blobs, take_image};

use super::image::{Descriptor, Digest, DocumentError, Platform, Reference};
use super::registry::{Client, RegistryError};
use super::store::{Store, StoreError, Stored};

/// When a registry is asked for an image that the store has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pull {
    /// Not.
    #[default]
    Missing,
    /// Always: a tag may mean another image by now.
    Always,
    /// Not even for one that the store does not have.
    Never,
}

/// Why an image cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The registry.
    #[error("`{image}`: {source}{}", hint(image, source))]
    Registry {
        /// What people call the image.
        image: String,
        /// What went wrong.
        source: RegistryError,
    },
    /// It is not in the store and nobody else is asked.
    #[error(
        "the image `{0}` is not in the store; `layerwise image import SOURCE {0}` takes it from an OCI layout, an archive of \
         `docker save` or a root file system"
    )]
    NotStored(String),
    /// The place has no such image.
    #[error("`{place}` has no image {wanted}; it has: {}", list(found))]
    NoImage {
        /// The layout or archive.
        place: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        found: Vec<String>,
    },
    /// No image for the platform.
    #[error("there is no image for {wanted} but for: {}", list(found))]
    NoPlatform {
        /// What was asked for.
        wanted: Box<Platform>,
        /// What there is.
        found: Vec<String>,
    },
    /// An index that names indexes that name indexes.
    #[error("the index {0} leads to no image: indexes are nested too deep")]
    TooDeep(Digest),
    /// A document that is none.
    #[error("{place}: {source}")]
    Document {
        /// The file, or the digest.
        place: String,
        /// What is wrong.
        source: DocumentError,
    },
    /// A file.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something that is no image.
    #[error("`{}` is no image: {reason}", path.display())]
    NotAnImage {
        /// The file or folder.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
}

fn hint(image: &str, error: &RegistryError) -> String {
    if !error.is_unreachable() {
        return String::new();
    }
    format!(
        "; without a registry, `layerwise image import SOURCE {image}` takes it from an OCI layout, an archive of \
         `docker save` or a root file system"
    )
}

fn list(found: &[String]) -> String {
    const MOST: usize = 10;
    let more = if found.len() > MOST { format!(" and {} more", found.len() - MOST) } else { String::new() };
    if found.is_empty() { "nothing".to_owned() } else { found[..found.len().min(MOST)].join(", ") + &more }
}

impl Store {
    /// The image that a `FROM` names: a reference, `oci:FOLDER[:TAG]` or `docker-archive:FILE`. What the store does not have
    /// is fetched; a reference keeps its name there, the others have none.
    pub fn resolve(&self, text: &str, platform: &Platform, pull: Pull, client: &Client) -> Result<Stored, FetchError> {
        let source = Source::parse_from(text)
            .map_err(|error| FetchError::NotAnImage { path: text.into(), reason: error.to_string() })?;
        match source {
            Source::Registry(reference) => self.resolve_reference(&reference, platform, pull, client),
            other => {
                let manifest = self.take(&other, platform, client)?;
                let name = format!("imported:{}", manifest.digest.short());
                let reference = name.parse().map_err(|_| FetchError::NotStored(name))?;
                Ok(Stored { reference, manifest })
            }
        }
    }

    fn resolve_reference(
        &self,
        reference: &Reference,
        platform: &Platform,
        pull: Pull,
        client: &Client,
    ) -> Result<Stored, FetchError> {
        if pull != Pull::Always
            && let Some(known) = self.image(reference, platform)?
            && self.is_complete(&known.manifest)
        {
            return Ok(known);
        }
        if pull == Pull::Never {
            return Err(FetchError::NotStored(reference.short()));
        }
        let manifest = self.pull(reference, platform, client)?;
        Ok(Stored { reference: reference.clone(), manifest })
    }

    /// Whether all that an image needs to be built upon is there.
    pub(in crate::runtime) fn is_complete(&self, manifest: &Descriptor) -> bool {
        self.manifest(manifest).is_ok_and(|(manifest, _)| manifest.layers.iter().all(|layer| self.has_blob(layer)))
    }

    /// Fetches the image of a registry. Its manifest, and the index that it was chosen from.
    fn fetch(
        &self,
        reference: &Reference,
        platform: &Platform,
        client: &Client,
    ) -> Result<(Descriptor, Option<Digest>), FetchError> {
        let failed = |source| FetchError::Registry { image: reference.short(), source };
        let repository = client.repository(reference);
        let (top, bytes) = repository.manifest(reference).map_err(failed)?;
        take_image(self, &repository, &top, Some(bytes), platform).map_err(|error| match error {
            FetchError::Registry { source, .. } => failed(source),
            other => other,
        })
    }

    fn pull(&self, reference: &Reference, platform: &Platform, client: &Client) -> Result<Descriptor, FetchError> {
        let (manifest, index) = self.fetch(reference, platform, client)?;
        match index {
            Some(index) => self.tag_from_index(reference, &manifest, &index)?,
            None => self.tag(reference, &manifest)?,
        }
        Ok(manifest)
    }

    /// Takes an image from a source, without giving it a name.
    pub fn take(&self, source: &Source, platform: &Platform, client: &Client) -> Result<Descriptor, FetchError> {
        match source {
            Source::Registry(reference) => self.fetch(reference, platform, client).map(|(manifest, _)| manifest),
            Source::Layout { folder, name } => layout::take(self, folder, name.as_deref(), platform),
            Source::Archive { file, name } => archive::take(self, file, name.as_deref(), platform),
            Source::RootTar(file) => root::take_tar(self, file, platform),
            Source::RootFolder(folder) => root::take_folder(self, folder, platform),
        }
    }

    /// Takes an image from a source and gives it a name.
    pub fn import(
        &self,
        source: &Source,
        name: &Reference,
        platform: &Platform,
        client: &Client,
    ) -> Result<Stored, FetchError> {
        if *source == Source::Registry(name.clone()) {
            // With the index that it came from.
            let manifest = self.pull(name, platform, client)?;
            return Ok(Stored { reference: name.clone(), manifest });
        }
        let manifest = self.take(source, platform, client)?;
        self.tag(name, &manifest)?;
        Ok(Stored { reference: name.clone(), manifest })
    }
}
