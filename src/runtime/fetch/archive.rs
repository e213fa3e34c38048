//! Images of archives: what `docker save`, `podman save` and `skopeo` write into one tar.
//!
//! The tar is read in place; one that is compressed is unpacked first, to a file. Its own `manifest.json` says which files
//! make an image. An archive without one is an OCI layout in a tar.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use super::FetchError;
use super::take::{Blobs, take_image};
use crate::runtime::image::{
    ArchiveManifest, Compression, DESCRIPTOR_NAME, Descriptor, Digest, Document, DocumentError, ImageConfig,
    LARGEST_DOCUMENT, Manifest, MediaType, Platform, parse_document,
};
use crate::runtime::layer::{Decompressor, detect};
use crate::runtime::store::{Store, StoreError};

/// Bytes that a configuration may have.
const LARGEST_CONFIG: u64 = 16 << 20;
/// Symbolic links from one name to the next.
const MOST_LINKS: usize = 8;

/// A tar and where its files are.
struct Archive {
    path: PathBuf,
    file: File,
    places: HashMap<PathBuf, Place>,
}

enum Place {
    At { start: u64, size: u64 },
    Link(PathBuf),
}

pub(super) fn take(
    store: &Store,
    file: &Path,
    name: Option<&str>,
    platform: &Platform,
) -> Result<Descriptor, FetchError> {
    let archive = Archive::open(store, file)?;
    match archive.document("manifest.json", LARGEST_DOCUMENT)? {
        Some(bytes) => archive.take_saved(store, &bytes, name),
        None => archive.take_layout(store, name, platform),
    }
}

impl Archive {
    fn open(store: &Store, path: &Path) -> Result<Self, FetchError> {
        let failed = |source| FetchError::File { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let mut start = [0; 4];
        let length = file.read(&mut start).map_err(failed)?;
        file.rewind().map_err(failed)?;
        if detect(&start[..length]) != Compression::None {
            file = store.plain_copy(Decompressor::new(file).map_err(failed)?)?;
        }
        let mut places = HashMap::new();
        let mut archive = tar::Archive::new(&file);
        for entry in archive.entries_with_seek().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = plain(&entry.path().map_err(failed)?);
            let kind = entry.header().entry_type();
            if kind.is_file() {
                places.insert(name, Place::At { start: entry.raw_file_position(), size: entry.size() });
            } else if kind.is_symlink() || kind.is_hard_link() {
                let Ok(Some(target)) = entry.link_name() else { continue };
                // Old versions of Docker link to a layer that an image has twice.
                let folder = if kind.is_symlink() { name.parent().unwrap_or(Path::new("")) } else { Path::new("") };
                places.insert(name.clone(), Place::Link(plain(&folder.join(target))));
            }
        }
        Ok(Self { path: path.to_owned(), file, places })
    }

    /// Where a file is; none where it is not.
    fn find(&self, name: &str) -> Option<(u64, u64)> {
        let mut name = plain(Path::new(name));
        for _ in 0..MOST_LINKS {
            match self.places.get(&name)? {
                Place::At { start, size } => return Some((*start, *size)),
                Place::Link(target) => name.clone_from(target),
            }
        }
        None
    }

    /// A file's content. Threads read the same file at once, each from its own place.
    fn open_file(&self, name: &str) -> Option<impl Read + '_> {
        let (start, size) = self.find(name)?;
        Some(At { file: &self.file, place: start }.take(size))
    }

    fn document(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, FetchError> {
        let Some((_, size)) = self.find(name) else { return Ok(None) };
        if size > most {
            return Err(self.broken(format!("`{name}` has {size} bytes")));
        }
        let mut bytes = Vec::new();
        if let Some(mut file) = self.open_file(name) {
            file.read_to_end(&mut bytes).map_err(|source| FetchError::File { path: self.path.clone(), source })?;
        }
        Ok(Some(bytes))
    }

    fn broken(&self, reason: String) -> FetchError {
        FetchError::NotAnImage { path: self.path.clone(), reason }
    }

    /// An image of `manifest.json`.
    fn take_saved(&self, store: &Store, bytes: &[u8], name: Option<&str>) -> Result<Descriptor, FetchError> {
        let malformed = |what| move |reason| DocumentError::Malformed { what, reason };
        let document = |source| FetchError::Document { place: self.path.display().to_string(), source };
        let images: Vec<ArchiveManifest> =
            serde_json::from_slice(bytes).map_err(malformed("manifest")).map_err(document)?;
        let image = self.choose(&images, name)?;
        let config = self
            .document(&image.config, LARGEST_CONFIG)?
            .ok_or_else(|| self.broken(format!("`{}` is missing", image.config)))?;
        let parsed: ImageConfig =
            serde_json::from_slice(&config).map_err(malformed("configuration")).map_err(document)?;
        let (layers, diffs) = (image.layers.len(), parsed.rootfs.diff_ids.len());
        if layers != diffs {
            return Err(document(DocumentError::LayerCount { layers, diffs }));
        }
        let mut taken = Vec::with_capacity(layers);
        for (layer, diff) in image.layers.iter().zip(&parsed.rootfs.diff_ids) {
            taken.push(self.layer(store, layer, diff)?);
        }
        let config = store.put_bytes(&config, MediaType::CONFIG)?;
        Ok(store.put_manifest(&Manifest::new(config, taken), parsed.platform())?)
    }

    fn layer(&self, store: &Store, name: &str, diff: &Digest) -> Result<Descriptor, FetchError> {
        let missing = || self.broken(format!("the layer `{name}` is missing"));
        let mut start = [0; 4];
        let length = self.open_file(name).ok_or_else(missing)?.read(&mut start);
        let length = length.map_err(|source| FetchError::File { path: self.path.clone(), source })?;
        let (media_type, plain) = match detect(&start[..length]) {
            Compression::None => (MediaType::LAYER, true),
            Compression::Gzip => (MediaType::LAYER_GZIP, false),
            Compression::Zstd => (MediaType::LAYER_ZSTD, false),
        };
        let (_, size) = self.find(name).ok_or_else(missing)?;
        let expected = Descriptor::new(media_type, *diff, size);
        if plain && store.has_blob(&expected) {
            return Ok(expected);
        }
        let file = self.open_file(name).ok_or_else(missing)?;
        // A plain tar must be what the configuration says; what a compressed one unpacks to is verified when it is.
        let taken = store.put_blob(file, plain.then_some(&expected))?;
        Ok(Descriptor { media_type: media_type.to_owned(), ..taken })
    }

    fn choose<'a>(&self, images: &'a [ArchiveManifest], name: Option<&str>) -> Result<&'a ArchiveManifest, FetchError> {
        let fits = |image: &&ArchiveManifest| {
            name.is_none_or(|name| {
                image.repo_tags.iter().any(|tag| tag == name || tag.strip_suffix(":latest") == Some(name))
            })
        };
        let mut named = images.iter().filter(fits);
        if let (Some(one), None) = (named.next(), named.next()) {
            return Ok(one);
        }
        let place = self.path.display().to_string();
        let wanted = match name {
            Some(name) => format!("`{name}`"),
            None => format!("that is meant without a name (say `docker-archive:{place}:NAME`)"),
        };
        let found = images.iter().flat_map(|image| image.repo_tags.clone()).collect();
        Err(FetchError::NoImage { place, wanted, found })
    }

    /// An OCI layout in a tar.
    fn take_layout(&self, store: &Store, name: Option<&str>, platform: &Platform) -> Result<Descriptor, FetchError> {
        let bytes = self
            .document("index.json", LARGEST_DOCUMENT)?
            .ok_or_else(|| self.broken("it has neither `manifest.json` nor `index.json`".to_owned()))?;
        let parsed = parse_document(&bytes)
            .map_err(|source| FetchError::Document { place: self.path.display().to_string(), source })?;
        let Document::Index(index) = parsed else { return Err(self.broken("`index.json` is no index".to_owned())) };
        let called = |entry: &Descriptor| entry.annotation(DESCRIPTOR_NAME).map(str::to_owned);
        let fits = |entry: &&Descriptor| name.is_none_or(|name| called(entry).as_deref() == Some(name));
        let mut named = index.manifests.iter().filter(fits);
        let (Some(top), None) = (named.next(), named.next()) else {
            let wanted = name.map_or("that is meant without a name".to_owned(), |name| format!("`{name}`"));
            let found = index.manifests.iter().filter_map(called).collect();
            return Err(FetchError::NoImage { place: self.path.display().to_string(), wanted, found });
        };
        take_image(store, self, top, None, platform).map(|(manifest, _)| manifest)
    }
}

impl Blobs for Archive {
    fn bring(&self, store: &Store, blob: &Descriptor) -> Result<(), FetchError> {
        let name = format!("blobs/sha256/{}", blob.digest.hex());
        let file = self.open_file(&name).ok_or(StoreError::MissingBlob(blob.digest))?;
        store.put_blob(file, Some(blob))?;
        Ok(())
    }
}

/// A place in a file that does not move the file's own.
struct At<'a> {
    file: &'a File,
    place: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = std::os::unix::fs::FileExt::read_at(self.file, buffer, self.place)?;
        self.place += count as u64;
        Ok(count)
    }
}

/// A name of the archive without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(part) => found.push(part),
            std::path::Component::ParentDir => drop(found.pop()),
            _ => {}
        }
    }
    found
}
