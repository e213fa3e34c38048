//! Unpacks the layers of images, each once, several at a time.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use super::{Snapshot, Store, StoreError};
use crate::runtime::image::{ChainId, Descriptor, Digest, ImageConfig, Manifest};
use crate::runtime::layer::{self, Decompressor, Hashed, LayerError};

/// Layers that are unpacked at a time. More would wait for the disk.
const AT_A_TIME: usize = 4;
/// Bytes that go from the thread that decompresses to the one that writes, at once.
const PIECE: usize = 256 << 10;

/// A layer of an image.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its blob.
    pub blob: Descriptor,
    /// The digest of its uncompressed tar.
    pub diff_id: Digest,
}

/// Where an unpacked layer is, for those above that ask.
#[derive(Default)]
struct Slot {
    place: Mutex<Place>,
    changed: Condvar,
}

#[derive(Clone, Default)]
enum Place {
    #[default]
    Pending,
    There(PathBuf),
    Failed,
}

impl Slot {
    fn set(&self, place: Place) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
        self.changed.notify_all();
    }

    fn wait(&self) -> Option<PathBuf> {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let place = self.changed.wait_while(place, |place| matches!(place, Place::Pending));
        match &*place.unwrap_or_else(PoisonError::into_inner) {
            Place::There(path) => Some(path.clone()),
            _ => None,
        }
    }
}

/// Fails a slot whose layer came to no end, whatever the reason: those above wait for it.
struct Promise<'a>(&'a Slot);

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        let pending = matches!(*self.0.place.lock().unwrap_or_else(PoisonError::into_inner), Place::Pending);
        if pending {
            self.0.set(Place::Failed);
        }
    }
}

impl Store {
    /// Device nodes of the layers unpacked since it was asked last that are missing, as this user cannot make them.
    pub fn devices_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }

    /// The snapshots of an image's layers, lowest first. Those that are missing are unpacked.
    pub fn ensure_unpacked(&self, config: &ImageConfig, manifest: &Manifest) -> Result<Vec<Snapshot>, StoreError> {
        let layers = manifest.layers.iter().zip(&config.rootfs.diff_ids);
        let layers: Vec<Layer> =
            layers.map(|(blob, diff_id)| Layer { blob: blob.clone(), diff_id: *diff_id }).collect();
        self.unpack_layers(&layers)
    }

    /// The snapshots of a stack of layers, lowest first. Those that are missing are unpacked.
    pub fn unpack_layers(&self, layers: &[Layer]) -> Result<Vec<Snapshot>, StoreError> {
        let diffs: Vec<Digest> = layers.iter().map(|layer| layer.diff_id).collect();
        let chains = ChainId::all(&diffs);
        let known: Option<Vec<Snapshot>> = chains.iter().map(|chain| self.snapshot(chain)).collect();
        if let Some(known) = known {
            return Ok(known);
        }
        let slots: Vec<Slot> = layers.iter().map(|_| Slot::default()).collect();
        let next = AtomicUsize::new(0);
        // The lowest go first, so whoever waits for a lower layer waits for one that somebody works on.
        let work = || -> Result<(), StoreError> {
            let mut outcome = Ok(());
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(layer) = layers.get(place) else { return outcome };
                let promise = Promise(&slots[place]);
                let unpacked = self.unpack_layer(layer, chains[place], &slots[..place]);
                if let Ok(snapshot) = &unpacked {
                    promise.0.set(Place::There(snapshot.path.clone()));
                }
                outcome = outcome.and(unpacked.map(drop));
            }
        };
        let outcomes: Vec<Result<(), StoreError>> = thread::scope(|scope| {
            let count = layers.len().min(AT_A_TIME);
            let workers: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or(Err(StoreError::InUse))).collect()
        });
        // A layer that failed because one below it did says nothing of the reason.
        let (derived, own): (Vec<_>, Vec<_>) = outcomes
            .into_iter()
            .filter_map(Result::err)
            .partition(|error| matches!(error, StoreError::Layer { source: LayerError::Below, .. }));
        if let Some(error) = own.into_iter().chain(derived).next() {
            return Err(error);
        }
        chains.iter().map(|chain| self.snapshot(chain).ok_or(StoreError::MissingBlob(chain.0))).collect()
    }

    fn unpack_layer(&self, layer: &Layer, chain: ChainId, below: &[Slot]) -> Result<Snapshot, StoreError> {
        if let Some(known) = self.snapshot(&chain) {
            return Ok(known);
        }
        // Another build may be at it.
        let _lock = self.named_lock(&format!("chain-{}", chain.0.hex()))?;
        if let Some(known) = self.snapshot(&chain) {
            return Ok(known);
        }
        let draft = self.new_snapshot(None)?;
        let wait = || below.iter().map(Slot::wait).collect::<Option<Vec<PathBuf>>>();
        let blob = self.open_blob(&layer.blob.digest)?;
        let unpacked = thread::scope(|scope| {
            let (sender, receiver) = sync_channel(8);
            let reader = scope.spawn(move || -> io::Result<Digest> {
                let mut plain = Hashed::new(Decompressor::new(blob)?);
                loop {
                    let mut piece = Vec::with_capacity(PIECE);
                    if (&mut plain).take(PIECE as u64).read_to_end(&mut piece)? == 0 {
                        return Ok(plain.finish().1);
                    }
                    // Whoever does not want more has failed; the digest is of no use then.
                    if sender.send(piece).is_err() {
                        return Ok(plain.finish().1);
                    }
                }
            });
            let mut pieces = Pieces { from: receiver, piece: Vec::new(), used: 0 };
            let written = layer::unpack_waiting(&mut pieces, &draft.upper, &wait, self.owners);
            // What follows the end of the tar belongs to the digest too.
            let drained = if written.is_ok() { io::copy(&mut pieces, &mut io::sink()).map(drop) } else { Ok(()) };
            drop(pieces);
            let digest = reader.join().unwrap_or_else(|_| Err(io::Error::other("the decoder broke off")));
            (written, drained.and(digest))
        });
        match unpacked {
            // A stream that cannot be decoded looks to the writer like one that ends.
            (_, Err(error)) => Err(self.damaged(layer, format!("it cannot be decompressed: {error}"))),
            (Err(source), Ok(_)) => Err(self.failed(layer, source)),
            (Ok(_), Ok(digest)) if digest != layer.diff_id => {
                Err(self.damaged(layer, format!("it unpacks to {digest} instead of {}", layer.diff_id)))
            }
            (Ok(unpacked), Ok(_)) => {
                self.left_out.fetch_add(unpacked.skipped_devices, Ordering::Relaxed);
                draft.commit(chain)
            }
        }
    }

    /// A tar that makes no sense may be a blob that rotted.
    fn failed(&self, layer: &Layer, source: LayerError) -> StoreError {
        match source {
            LayerError::Damaged(reason) => self.damaged(layer, reason),
            LayerError::Truncated(_) => self.damaged(layer, source.to_string()),
            source => StoreError::Layer { digest: layer.blob.digest, source },
        }
    }

    /// Whether the blob is damaged or was made so: only what differs from its name is removed.
    fn damaged(&self, layer: &Layer, reason: String) -> StoreError {
        let digest = layer.blob.digest;
        match self.verify_blob(&digest) {
            Ok(true) => StoreError::Layer { digest, source: LayerError::Damaged(reason) },
            Ok(false) => self.corrupt(&digest, reason),
            Err(error) => error,
        }
    }

    /// Whether a blob is what its name says.
    pub(super) fn verify_blob(&self, digest: &Digest) -> Result<bool, StoreError> {
        let mut hashed = Hashed::new(self.open_blob(digest)?);
        io::copy(&mut hashed, &mut io::sink()).map_err(StoreError::disk(self.blob_path(digest)))?;
        Ok(hashed.finish().1 == *digest)
    }
}

/// Pieces from another thread as one stream.
struct Pieces {
    from: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    used: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.used == self.piece.len() {
            match self.from.recv() {
                Ok(piece) => (self.piece, self.used) = (piece, 0),
                Err(_) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len() - self.used);
        buffer[..count].copy_from_slice(&self.piece[self.used..self.used + count]);
        self.used += count;
        Ok(count)
    }
}
