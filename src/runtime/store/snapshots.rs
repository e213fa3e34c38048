//! Snapshots: unpacked layers, each one lower directory of overlay.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use tempfile::TempDir;

use super::{Store, StoreError, scratch};
use crate::runtime::image::{ChainId, Descriptor, Digest, MediaType};
use crate::runtime::layer::{self, LayerError, LayerInfo, Owners, PackOptions};

/// An unpacked layer. It is never written to again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The layer and all below it.
    pub chain: ChainId,
    /// The folder.
    pub path: PathBuf,
}

/// A layer that is being made. Dropped before it is committed, it is gone.
#[derive(Debug)]
pub struct SnapshotDraft {
    /// Where the layer's files go: overlay's upper directory.
    pub upper: PathBuf,
    /// Overlay's working directory.
    pub work: PathBuf,
    folder: TempDir,
    snapshots: PathBuf,
    /// The layer below, and how it keeps owners.
    below: Option<PathBuf>,
    owners: Owners,
}

impl SnapshotDraft {
    /// Gives the root folder the permissions and owner of the one below; those of a layer's own are in no tar.
    pub fn restore_root(&self) -> Result<(), StoreError> {
        let restore = || -> std::io::Result<()> {
            let opened = std::fs::File::open(&self.upper)?;
            match &self.below {
                Some(below) => layer::copy_folder_metadata(below, opened.as_fd(), self.owners),
                None => layer::set_folder_metadata(opened.as_fd(), self.owners),
            }
        };
        restore().map_err(StoreError::disk(&self.upper))
    }

    /// Gives the layer its name. Where somebody else was faster with the same layer, theirs stays.
    pub fn commit(self, chain: ChainId) -> Result<Snapshot, StoreError> {
        std::fs::create_dir_all(&self.snapshots).map_err(StoreError::disk(&self.snapshots))?;
        let path = self.snapshots.join(chain.0.hex());
        match scratch::rename(&self.upper, &path) {
            Ok(()) | Err(Errno::EXIST | Errno::NOTEMPTY) => Ok(Snapshot { chain, path }),
            Err(error) => Err(StoreError::disk(path)(error.into())),
        }
    }

    /// The folder in which both lie, for other things that live as long.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Store {
    fn snapshots(&self) -> PathBuf {
        self.root.join("snap").join(self.owners.name())
    }

    /// The unpacked layer of a chain; none where it is not unpacked.
    pub fn snapshot(&self, chain: &ChainId) -> Option<Snapshot> {
        let path = self.snapshots().join(chain.0.hex());
        path.is_dir().then_some(Snapshot { chain: *chain, path })
    }

    /// A layer to be made on top of `below`. Its root folder has the permissions and owner of that one's.
    pub fn new_snapshot(&self, below: Option<&Snapshot>) -> Result<SnapshotDraft, StoreError> {
        let scratch = self.scratch.folder()?;
        let folder = tempfile::Builder::new().prefix("s").tempdir_in(&scratch).map_err(StoreError::disk(&scratch))?;
        let (upper, work) = (folder.path().join("fs"), folder.path().join("work"));
        for path in [&upper, &work] {
            let mode = rustix::fs::Mode::from_raw_mode(0o755);
            rustix::fs::mkdir(path, mode).map_err(|error| StoreError::disk(path)(error.into()))?;
        }
        let below = below.map(|below| below.path.clone());
        let draft = SnapshotDraft { upper, work, folder, snapshots: self.snapshots(), below, owners: self.owners };
        // Whatever mask the process has.
        draft.restore_root()?;
        Ok(draft)
    }

    /// Packs a folder that lies on `below`, lowest first, as a layer: its blob, whose digest is also its diff ID.
    pub fn pack_layer(
        &self,
        upper: &Path,
        below: &[&Path],
        options: &PackOptions,
    ) -> Result<(Descriptor, LayerInfo), StoreError> {
        let mut out = std::io::BufWriter::with_capacity(256 << 10, self.blob_writer()?);
        let packed = layer::pack(upper, below, &mut out, options);
        let info = packed.map_err(|source| StoreError::Layer { digest: Digest::of(b""), source })?;
        let stream = |source| StoreError::Layer { digest: Digest::of(b""), source: LayerError::Stream(source) };
        let writer = out.into_inner().map_err(|error| stream(error.into_error()))?;
        Ok((writer.commit(MediaType::LAYER)?, info))
    }
}
