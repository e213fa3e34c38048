//! Images as the OCI image specification describes them: names, digests, platforms and their JSON documents.
//!
//! An image is a [`Manifest`]: it names a configuration ([`ImageConfig`]) and layers by digest ([`Descriptor`]). An
//! [`Index`] names one manifest for each [`Platform`]. Docker's own media types mean the same and are accepted; what is
//! written is OCI. Fields that are not known here are kept, so a document that is read and written again loses nothing.
//!
//! Source: <https://github.com/opencontainers/image-spec>.

mod archive;
mod config;
mod digest;
mod document;
mod platform;
mod reference;

pub use archive::ArchiveManifest;
pub use config::{ContainerConfig, Healthcheck, History, ImageConfig, Rootfs};
pub use digest::{ChainId, Digest, DigestError, Hasher};
pub(in crate::runtime) use document::LARGEST_DOCUMENT;
pub use document::{
    Compression, DESCRIPTOR_NAME, Descriptor, Document, DocumentError, Index, Manifest, MediaType, parse_document,
};
pub use platform::{Platform, PlatformError};
pub use reference::{Reference, ReferenceError};
