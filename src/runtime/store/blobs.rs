//! Blobs: content by its digest. It is hashed while it is written, once.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use tempfile::NamedTempFile;

use super::{Store, StoreError};
use crate::runtime::image::{Descriptor, Digest, Hasher};

/// Writes a blob whose digest is not known yet. Dropped before it is committed, it is gone.
#[derive(Debug)]
pub struct BlobWriter {
    file: NamedTempFile,
    hasher: Hasher,
    size: u64,
    blobs: PathBuf,
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.as_file_mut().write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

impl BlobWriter {
    /// How many bytes were written.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Gives the blob its name.
    pub fn commit(self, media_type: &str) -> Result<Descriptor, StoreError> {
        let digest = self.hasher.finish();
        let path = self.blobs.join(digest.hex());
        self.file.persist(&path).map_err(|error| StoreError::disk(path)(error.error))?;
        Ok(Descriptor::new(media_type, digest, self.size))
    }

    /// Gives the blob its name if it is what was expected.
    pub fn commit_expected(self, expected: &Descriptor) -> Result<Descriptor, StoreError> {
        let mismatch = |what, got| StoreError::Mismatch { digest: expected.digest, what, got };
        if self.size != expected.size {
            return Err(mismatch("size", format!("{} bytes instead of {}", self.size, expected.size)));
        }
        let got = self.hasher.clone().finish();
        if got != expected.digest {
            return Err(mismatch("digest", got.to_string()));
        }
        self.commit(&expected.media_type)
    }
}

impl Store {
    /// The file of a blob; none where it is not there.
    pub fn blob(&self, digest: &Digest) -> Option<PathBuf> {
        let path = self.blob_path(digest);
        path.is_file().then_some(path)
    }

    /// Whether a blob is there with the size that its descriptor says.
    pub fn has_blob(&self, blob: &Descriptor) -> bool {
        let found = std::fs::metadata(self.blob_path(&blob.digest));
        found.is_ok_and(|found| found.is_file() && found.len() == blob.size)
    }

    pub(super) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs/sha256").join(digest.hex())
    }

    /// A blob to be written.
    pub fn blob_writer(&self) -> Result<BlobWriter, StoreError> {
        let folder = self.scratch.folder()?;
        let mut builder = tempfile::Builder::new();
        let file = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644)).tempfile_in(&folder);
        let file = file.map_err(StoreError::disk(folder))?;
        Ok(BlobWriter { file, hasher: Hasher::default(), size: 0, blobs: self.root.join("blobs/sha256") })
    }

    /// Takes a blob. Where its descriptor is known, it is read no further than that says, and kept only if it is that.
    pub fn put_blob(&self, from: impl Read, expected: Option<&Descriptor>) -> Result<Descriptor, StoreError> {
        let mut writer = self.blob_writer()?;
        // One byte too many is enough to know.
        let most = expected.map_or(u64::MAX, |expected| expected.size.saturating_add(1));
        copy(&mut from.take(most), &mut writer)?;
        match expected {
            Some(expected) => writer.commit_expected(expected),
            None => writer.commit("application/octet-stream"),
        }
    }

    /// Takes a small blob.
    pub fn put_bytes(&self, bytes: &[u8], media_type: &str) -> Result<Descriptor, StoreError> {
        let known = Descriptor::new(media_type, Digest::of(bytes), bytes.len() as u64);
        // One that is damaged is written anew: here is what it should be.
        if std::fs::read(self.blob_path(&known.digest)).is_ok_and(|there| there == bytes) {
            return Ok(known);
        }
        let mut writer = self.blob_writer()?;
        let path = writer.file.path().to_owned();
        writer.write_all(bytes).map_err(StoreError::disk(path))?;
        writer.commit(media_type)
    }

    /// Opens a blob.
    pub fn open_blob(&self, digest: &Digest) -> Result<File, StoreError> {
        match File::open(self.blob_path(digest)) {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::MissingBlob(*digest)),
            Err(source) => Err(StoreError::disk(self.blob_path(digest))(source)),
        }
    }

    /// The bytes of a small blob, verified.
    pub(super) fn read_blob(&self, blob: &Descriptor, most: u64) -> Result<Vec<u8>, StoreError> {
        let too_large =
            || StoreError::Mismatch { digest: blob.digest, what: "size", got: format!("over {most} bytes") };
        let mut bytes = Vec::new();
        let mut file = self.open_blob(&blob.digest)?.take(most.saturating_add(1));
        file.read_to_end(&mut bytes).map_err(StoreError::disk(self.blob_path(&blob.digest)))?;
        if bytes.len() as u64 > most {
            return Err(too_large());
        }
        let got = Digest::of(&bytes);
        if got == blob.digest {
            return Ok(bytes);
        }
        Err(self.corrupt(&blob.digest, format!("its digest is {got}")))
    }

    /// A blob that nothing names yet is of no use.
    pub(in crate::runtime) fn forget_blob(&self, digest: &Digest) {
        // What stays is collected later.
        let _ = std::fs::remove_file(self.blob_path(digest));
    }

    /// A stream as a file that has no name and goes when it is closed.
    pub(in crate::runtime) fn plain_copy(&self, mut from: impl Read) -> Result<File, StoreError> {
        let folder = self.scratch.folder()?;
        let mut file = tempfile::tempfile_in(&folder).map_err(StoreError::disk(&folder))?;
        let copied = io::copy(&mut from, &mut file).and_then(|_| io::Seek::rewind(&mut file));
        copied.map_err(StoreError::disk(folder))?;
        Ok(file)
    }

    /// Whether what was read of a blob is what its name says, where `wanted` is the digest that it should have had.
    pub(in crate::runtime) fn verified(
        &self,
        digest: &Digest,
        wanted: &Digest,
        got: &Digest,
    ) -> Result<(), StoreError> {
        if got == wanted { Ok(()) } else { Err(self.corrupt(digest, format!("{got} was read instead of {wanted}"))) }
    }

    /// A blob turned out to be damaged: it goes, so that it can be fetched again.
    pub(super) fn corrupt(&self, digest: &Digest, reason: String) -> StoreError {
        let _ = std::fs::remove_file(self.blob_path(digest));
        StoreError::Corrupt { digest: *digest, reason }
    }
}

/// Copies, and tells whose fault it is when it fails.
fn copy(from: &mut impl Read, to: &mut BlobWriter) -> Result<(), StoreError> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(StoreError::Source(error)),
        };
        let path = to.file.path().to_owned();
        to.write_all(&buffer[..count]).map_err(StoreError::disk(path))?;
    }
}
