//! The image in an OCI layout as a listing: what stands where, and the configuration. `tests/oracle/builds.py` makes the
//! same of what Docker builds.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tar::{Archive, Entry, EntryType};

const CONFIG: [&str; 12] = [
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "Healthcheck",
    "OnBuild",
    "Shell",
];

/// Rows by path.
pub(super) type Tree = BTreeMap<String, String>;

/// An image that was read.
pub(super) struct Image {
    pub(super) tree: Tree,
    pub(super) config: Value,
}

impl Image {
    /// Reads the only image of a layout.
    pub(super) fn read(layout: &Path) -> Self {
        let json = |path: PathBuf| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
        let blob = |digest: &Value| layout.join("blobs").join(digest.as_str().unwrap().replace(':', "/"));
        let index = json(layout.join("index.json"));
        let manifest = json(blob(&index["manifests"][0]["digest"]));
        let config = json(blob(&manifest["config"]["digest"]));
        let mut tree = Tree::new();
        for layer in manifest["layers"].as_array().unwrap() {
            apply(&mut tree, &blob(&layer["digest"]));
        }
        Self { tree, config }
    }

    /// The listing, without what the base has in the same way.
    pub(super) fn listing(&self, base: &Tree) -> String {
        let mut text = String::new();
        for (path, row) in self.tree.iter().filter(|(path, row)| base.get(*path) != Some(*row)) {
            writeln!(text, "{path} {row}").unwrap();
        }
        for path in base.keys().filter(|path| !self.tree.contains_key(*path)) {
            writeln!(text, "{path} removed").unwrap();
        }
        text.push_str("--\n");
        let entries = CONFIG.iter().map(|key| (*key, &self.config["config"][*key]));
        for (key, value) in entries.chain([("Author", &self.config["author"])]).filter(|(_, value)| is_set(value)) {
            writeln!(text, "{key} = {}", spaced(value)).unwrap();
        }
        text
    }
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// JSON as Python writes it, keys sorted.
fn spaced(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            let fields = sorted.iter().map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), spaced(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn apply(tree: &mut Tree, layer: &Path) {
    let mut rows: Vec<(String, Option<String>)> = Vec::new();
    let mut archive = Archive::new(File::open(layer).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = absolute(&entry.path_bytes());
        let first = entry.link_name_bytes().filter(|_| entry.header().entry_type() == EntryType::Link);
        let row = match first.map(|link| absolute(&link)) {
            Some(first) => {
                let own = rows.iter().rev().find(|(path, _)| *path == first).and_then(|(_, row)| row.clone());
                own.or_else(|| tree.get(&first).cloned()).unwrap_or_else(|| "hard link to nothing".to_owned())
            }
            None => row(&mut entry),
        };
        let is_directory = entry.header().entry_type() == EntryType::Directory;
        rows.push((path.clone(), Some(row)));
        if !is_directory {
            rows.push((format!("{path}/"), None));
        }
    }
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let paths: Vec<String> = rows.iter().filter(|(_, row)| row.is_some()).map(|(path, _)| path.clone()).collect();
    for path in &paths {
        let folder = &path[..path.rfind('/').unwrap()];
        if name(path) == ".wh..wh..opq" {
            tree.retain(|known, _| !known.starts_with(&format!("{folder}/")));
        } else if let Some(gone) = name(path).strip_prefix(".wh.") {
            let gone = format!("{folder}/{gone}");
            tree.retain(|known, _| *known != gone && !known.starts_with(&format!("{gone}/")));
        }
    }
    for (path, row) in rows {
        match row {
            None => tree.retain(|known, _| !known.starts_with(&path)),
            Some(_) if path == "/" || name(&path).starts_with(".wh.") => {}
            Some(row) => drop(tree.insert(path, row)),
        }
    }
}

fn absolute(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    format!("/{}", parts.join("/"))
}

fn row(entry: &mut Entry<'_, File>) -> String {
    let header = entry.header();
    let (mode, size) = (header.mode().unwrap(), header.size().unwrap());
    let (owner, kind) = (format!("{}:{}", header.uid().unwrap(), header.gid().unwrap()), header.entry_type());
    match kind {
        EntryType::Symlink => {
            format!("link {owner} -> {}", String::from_utf8_lossy(&entry.link_name_bytes().unwrap()))
        }
        EntryType::Directory => format!("directory {mode:04o} {owner}{}", capability(entry)),
        EntryType::Regular => {
            let capability = capability(entry);
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let digest = hexadecimal(&Sha256::digest(&bytes)[..8]);
            format!("file {mode:04o} {owner} {size} {digest}{capability}")
        }
        other => {
            // Pipes have no numbers.
            let device = |number: std::io::Result<Option<u32>>| number.ok().flatten().unwrap_or_default();
            let (major, minor) = (device(header.device_major()), device(header.device_minor()));
            format!("special {mode:04o} {owner} b'{}' {major}:{minor}", char::from(other.as_byte()))
        }
    }
}

fn capability(entry: &mut Entry<'_, File>) -> String {
    let Some(extensions) = entry.pax_extensions().unwrap() else { return String::new() };
    let found = extensions.map(Result::unwrap).find(|one| one.key() == Ok("SCHILY.xattr.security.capability"));
    found.map_or_else(String::new, |found| format!(" capability={}", hexadecimal(found.value_bytes())))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
