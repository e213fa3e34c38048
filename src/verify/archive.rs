//! Images as files: the archives that `docker save`, `buildah push` and `--output type=oci` write.
//!
//! Both forms are read: that of Docker (`manifest.json` names the layers) and that of OCI (`index.json` leads to a
//! manifest). Layers may be packed with gzip, and with zstd where this program has the runtime.
//! <https://github.com/moby/docker-image-spec> and <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::bounds::{Allowance, Bounded};
use super::image_config::ImageConfig;
use super::packed;
use super::tree::{LayerEntries, Tree};
use crate::text::size_in_words;

/// Bytes of a document, such as the configuration of an image, at most.
const DOCUMENT: u64 = 16 << 20;

/// Entries of an archive around documents and layers, and layers of an image, at most: builders allow about a hundred.
const ENTRIES: usize = 10_000;

/// Bytes that tell how a layer is packed.
const START: u64 = 4;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file or the archive in it is broken.
    #[error("the image in `{}` cannot be read: {source}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// It is no image.
    #[error("`{}` holds no image: {reason}", path.display())]
    NoImage {
        /// The file.
        path: PathBuf,
        /// What it does not have.
        reason: String,
    },
}

/// An image as it was read.
#[derive(Clone, Debug)]
pub struct ImageFiles {
    /// Its files.
    pub tree: Tree,
    /// What it says of itself.
    pub config: ImageConfig,
    /// Bytes of its layers, unpacked.
    pub bytes: u64,
    /// Bytes of each layer, the lowest first.
    pub layer_bytes: Vec<u64>,
}

/// Layers that were read, by the digest of their unpacked archive: most are those of the base image.
#[derive(Debug, Default)]
pub struct KnownLayers(Mutex<HashMap<String, KnownLayer>>);

/// The entries of a layer, and the bytes of its archive.
type KnownLayer = (Arc<LayerEntries>, u64);

/// Reads the image in an archive.
///
/// # Errors
/// [`ArchiveError`] where there is none, or it is broken.
pub fn read(path: &Path, known: &KnownLayers) -> Result<ImageFiles, ArchiveError> {
    let broken = |source| ArchiveError::Broken { path: path.to_owned(), source };
    let file = File::open(path).map_err(broken)?;
    let archive = Outer::index(file).map_err(broken)?;
    let no_image = |reason: &str| ArchiveError::NoImage { path: path.to_owned(), reason: reason.to_owned() };
    let (config, layers) = archive.image().map_err(|reason| no_image(&reason))?;
    let config = archive.json(&config).map_err(|reason| no_image(&reason))?;
    let config = config.ok_or_else(|| no_image("its configuration is missing"))?;
    if layers.len() > ENTRIES {
        return Err(no_image(&format!("it has more than {ENTRIES} layers")));
    }
    let digests = strings(&config["rootfs"]["diff_ids"]);
    let mut files =
        ImageFiles { tree: Tree::default(), config: ImageConfig::read(&config), bytes: 0, layer_bytes: Vec::new() };
    let allowance = Allowance::default();
    for (index, layer) in layers.iter().enumerate() {
        let read = || archive.layer(layer, &allowance);
        let (entries, bytes) = known.entries(digests.get(index), read).map_err(broken)?;
        files.tree.add_layer(&entries);
        files.bytes += bytes;
        files.layer_bytes.push(bytes);
    }
    Ok(files)
}

impl KnownLayers {
    /// The entries of a layer, read where they are not known.
    pub(super) fn entries(
        &self,
        digest: Option<&String>,
        read: impl FnOnce() -> io::Result<(LayerEntries, u64)>,
    ) -> io::Result<KnownLayer> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = digest.and_then(|digest| known().get(digest).cloned()) {
            return Ok(found);
        }
        let (entries, bytes) = read()?;
        let read = (Arc::new(entries), bytes);
        if let Some(digest) = digest {
            known().insert(digest.clone(), read.clone());
        }
        Ok(read)
    }
}

/// The archive around the documents and the layers.
struct Outer {
    file: File,
    /// Where the entries' bytes begin, and how many there are.
    entries: HashMap<String, (u64, u64)>,
}

impl Outer {
    fn index(file: File) -> io::Result<Self> {
        let mut entries = HashMap::new();
        let allowance = Allowance::default();
        allowance.expect_headers();
        let mut archive = tar::Archive::new(Bounded::file(BufReader::new(&file), &allowance));
        for (index, entry) in archive.entries_with_seek()?.enumerate() {
            let entry = entry?;
            allowance.expect_headers();
            if index == ENTRIES {
                let reason = format!("it has more than {ENTRIES} entries around its layers");
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            entries.insert(path.trim_start_matches("./").to_owned(), (entry.raw_file_position(), entry.size()));
        }
        drop(archive);
        Ok(Self { file, entries })
    }

    /// The bytes of an entry.
    fn open(&self, path: &str) -> Option<io::Take<&File>> {
        let (start, length) = *self.entries.get(path)?;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start)).ok()?;
        Some(file.take(length))
    }

    /// A document; none where there is no such entry.
    fn json(&self, path: &str) -> Result<Option<Value>, String> {
        let Some(bytes) = self.open(path) else { return Ok(None) };
        if bytes.limit() > DOCUMENT {
            return Err(format!("its `{path}` has more than {}", size_in_words(DOCUMENT)));
        }
        let document = serde_json::from_reader(BufReader::new(bytes));
        document.map(Some).map_err(|error| format!("its `{path}` is not JSON: {error}"))
    }

    /// The paths of the configuration and of the layers, the lowest first; or what is missing.
    fn image(&self) -> Result<(String, Vec<String>), String> {
        if let Some(manifest) = self.json("manifest.json")? {
            let config = manifest[0]["Config"].as_str().ok_or("its `manifest.json` names no configuration")?;
            return Ok((config.to_owned(), strings(&manifest[0]["Layers"])));
        }
        let mut document = self.json("index.json")?.ok_or("it has neither `manifest.json` nor `index.json`")?;
        // An index may lead to an index.
        for _ in 0..4 {
            if document["config"].is_object() {
                let config = blob(&document["config"]).ok_or("its manifest names no configuration")?;
                let layers = document["layers"].as_array().into_iter().flatten().filter_map(blob);
                return Ok((config, layers.collect()));
            }
            let manifests = document["manifests"].as_array().cloned().unwrap_or_default();
            // What tells of the build stands beside the image, for a platform `unknown`.
            let mut images = manifests.iter().filter(|manifest| manifest["platform"]["os"].as_str() != Some("unknown"));
            let nowhere = "its `index.json` leads to no manifest";
            let next = images.next().and_then(blob).ok_or(nowhere)?;
            document = self.json(&next)?.ok_or(nowhere)?;
        }
        Err("its `index.json` leads in a circle".to_owned())
    }

    fn layer(&self, path: &str, allowance: &Allowance) -> io::Result<(LayerEntries, u64)> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("there is no layer `{path}`"));
        // Both read the one file: the first is done with when the second begins.
        let mut start = Vec::new();
        self.open(path).ok_or_else(missing)?.take(START).read_to_end(&mut start)?;
        packed::unpacked(start.as_slice(), self.open(path).ok_or_else(missing)?, allowance)
    }
}

/// The path of the blob that a descriptor names.
fn blob(descriptor: &Value) -> Option<String> {
    let (algorithm, digest) = descriptor["digest"].as_str()?.split_once(':')?;
    Some(format!("blobs/{algorithm}/{digest}"))
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, bytes) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            builder.append_data(&mut header, path, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn read_bytes(bytes: &[u8]) -> Result<ImageFiles, ArchiveError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        read(file.path(), &KnownLayers::default())
    }

    const CONFIG: &[u8] = br#"{"config":{"User":"u"},"rootfs":{"diff_ids":["sha256:1","sha256:2"]},"history":[]}"#;

    #[test]
    fn reads_what_docker_saves() {
        let (low, high) = (packed(&[("a", b"1"), ("b", b"2")]), packed(&[(".wh.a", b"")]));
        let manifest = br#"[{"Config":"c.json","RepoTags":null,"Layers":["1/layer.tar","2/layer.tar"]}]"#;
        let files: [(&str, &[u8]); 4] =
            [("1/layer.tar", &low), ("2/layer.tar", &high), ("c.json", CONFIG), ("manifest.json", manifest)];
        let image = read_bytes(&packed(&files)).unwrap();
        assert_eq!(image.tree.nodes().map(|(path, _)| path).collect::<Vec<_>>(), ["b"]);
        assert_eq!(image.config.user, "u");
        assert_eq!(image.bytes, (low.len() + high.len()) as u64);
    }

    #[test]
    fn reads_what_oci_describes() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&packed(&[("a", b"1")])).unwrap();
        let layer = gzip.finish().unwrap();
        let index = br#"{"manifests":[{"digest":"sha256:no","platform":{"os":"unknown"}},{"digest":"sha256:m"}]}"#;
        let manifest = br#"{"config":{"digest":"sha256:c"},"layers":[{"digest":"sha256:l"}]}"#;
        let files: [(&str, &[u8]); 4] = [
            ("./index.json", index),
            ("blobs/sha256/m", manifest),
            ("blobs/sha256/c", CONFIG),
            ("blobs/sha256/l", &layer),
        ];
        let image = read_bytes(&packed(&files)).unwrap();
        assert_eq!(image.tree.nodes().map(|(path, _)| path).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn what_is_no_image_is_an_error() {
        let blank = vec![b' '; DOCUMENT as usize + 1];
        let many = format!(r#"[{{"Config":"c","Layers":[{}"1"]}}]"#, r#""1","#.repeat(ENTRIES));
        for (bytes, said) in [
            (packed(&[("x", b"")]), "neither `manifest.json` nor `index.json`"),
            (packed(&[("manifest.json", b"[]")]), "names no configuration"),
            (packed(&[("manifest.json", b"[")]), "`manifest.json` is not JSON"),
            (packed(&[("manifest.json", &blank)]), "`manifest.json` has more than"),
            (packed(&vec![("x", &b""[..]); ENTRIES + 1]), "more than 10000 entries"),
            (packed(&[("manifest.json", many.as_bytes()), ("c", b"{}")]), "more than 10000 layers"),
            (packed(&[("manifest.json", br#"[{"Config":"c"}]"#)]), "configuration is missing"),
            (packed(&[("index.json", br#"{"manifests":[]}"#)]), "leads to no manifest"),
            (b"no archive".repeat(60), "cannot be read"),
        ] {
            let error = read_bytes(&bytes).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
