//! Layers: what one step adds, changes and removes, as a tar and as a folder.
//!
//! As a *tar*, a removed file is an empty `.wh.NAME`, and a folder that hides all below it holds `.wh..wh..opq`. As a
//! *folder* it is what the kernel's overlay file system takes for a lower directory: a removed file is a character device
//! 0:0, and a folder that hides all below carries the attribute `overlay.opaque`. [`unpack()`] makes the second of the
//! first, [`pack()`] the first of the second. Tars come from strangers: nothing that they say reaches outside of the folder.
//!
//! Sources: <https://github.com/opencontainers/image-spec/blob/main/layer.md>,
//! <https://docs.kernel.org/filesystems/overlayfs.html>.

mod attributes;
mod below;
mod decompress;
mod flatten;
mod node;
mod pack;
mod same;
mod space;
mod tar_entry;
mod tar_reader;
mod tar_sparse;
mod tar_writer;
mod tree;
mod unpack;

use std::io;
use std::path::PathBuf;

use super::namespace::Ids;

pub(in crate::runtime) use attributes::is_private;
pub use attributes::{OWNER_ATTRIBUTE, copy_folder_metadata, recorded_owner, set_folder_metadata};
pub use decompress::{Decompressor, Hashed, detect};
pub use flatten::flatten;
pub use pack::{LayerInfo, PackOptions, pack};
pub(in crate::runtime) use space::Space;
pub(in crate::runtime) use tar_entry::{Entry, Kind};
pub(in crate::runtime) use tar_reader::TarReader;
pub(in crate::runtime) use tar_writer::TarWriter;
pub use unpack::{Below, Unpacked, unpack, unpack_waiting};

/// How the owners of a layer's files are kept on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owners {
    /// As they are: the process is root. Overlay attributes are `trusted.`.
    Kept,
    /// As the ids of a user namespace with a range of ids. Overlay attributes are `user.`.
    Mapped,
    /// All files belong to the user; other owners stand in the attribute [`OWNER_ATTRIBUTE`]. Overlay attributes are
    /// `user.`.
    Recorded,
}

impl From<&Ids> for Owners {
    fn from(ids: &Ids) -> Self {
        match ids {
            Ids::Root => Self::Kept,
            Ids::Mapped(_) => Self::Mapped,
            Ids::Single { .. } | Ids::None { .. } => Self::Recorded,
        }
    }
}

impl Owners {
    /// The name of the folder that keeps what was written so.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Mapped => "mapped",
            Self::Recorded => "recorded",
        }
    }

    /// The attribute of a folder that hides all below it.
    pub fn opaque_attribute(self) -> &'static str {
        match self {
            Self::Kept => "trusted.overlay.opaque",
            Self::Mapped | Self::Recorded => "user.overlay.opaque",
        }
    }
}

/// Why a layer cannot be unpacked or packed.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The tar breaks off.
    #[error("the layer's tar breaks off{}", .0.as_ref().map(|path| format!(" in `{path}`")).unwrap_or_default())]
    Truncated(Option<String>),
    /// The tar is damaged.
    #[error("the layer's tar is damaged: {0}")]
    Damaged(String),
    /// A name that leads out of the layer.
    #[error("the layer's entry `{path}` {reason}; the image is broken or hostile")]
    Hostile {
        /// The name as it stands in the tar.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Something that a tar can hold and that is not supported.
    #[error("the layer's entry `{path}` is {what}, which is not supported")]
    Unsupported {
        /// The name as it stands in the tar.
        path: String,
        /// What it is.
        what: String,
    },
    /// An owner that the user namespace does not have.
    #[error(
        "`{path}` belongs to {uid}:{gid}, and that id is not mapped; give the user more subordinate ids in `/etc/subuid` \
         and `/etc/subgid`"
    )]
    Unmapped {
        /// The path in the layer.
        path: String,
        /// The owner.
        uid: u32,
        /// The group.
        gid: u32,
    },
    /// The disk would be full.
    #[error(
        "the layer needs more than the disk of `{folder}` has left ({left} bytes); make room or name another store"
    )]
    Full {
        /// Where it was unpacked.
        folder: PathBuf,
        /// Free bytes.
        left: u64,
    },
    /// The disk.
    #[error("`{path}`: {source}")]
    Disk {
        /// The path in the layer.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// What the tar is read from or written to.
    #[error("the layer cannot be read or written: {0}")]
    Stream(#[source] io::Error),
    /// A lower layer that could not be unpacked.
    #[error("a layer below could not be unpacked")]
    Below,
}

/// Bytes of a stranger as a line of text.
pub(in crate::runtime) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).escape_debug().to_string()
}

#[cfg(test)]
mod tests;
