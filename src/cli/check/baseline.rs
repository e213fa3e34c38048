//! Baselines: findings that a project has accepted, so that only new ones count.
//!
//! A baseline is a JSON file; docs/outputs.md describes it. Its paths start from its own folder, so that it holds
//! wherever the program is started.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::{CheckedFile, Results};
use crate::cli::failure::Failure;
use crate::cli::{read, shown, write};
use crate::config::normalize;
use crate::diagnostic::Diagnostic;

/// A new number means that older baselines cannot be read.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    findings: Vec<Entry>,
}

/// Only the number, of whatever version.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object with `version` and `findings`")]
struct Versioned {
    version: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    rule: String,
    fingerprint: String,
}

/// An opened baseline.
#[derive(Debug)]
pub(super) struct Baseline {
    entries: HashSet<Entry>,
    folder: PathBuf,
}

/// What a baseline did to the results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Applied {
    /// How many findings it holds.
    pub(super) known: usize,
    /// How many of its findings of the checked files are there no more.
    pub(super) gone: usize,
}

impl Baseline {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let name = shown(path);
        let text = read::file(path, &name).map_err(|failure| match failure {
            Failure::Missing(path) => Failure::Baseline { path, reason: "it does not exist".to_owned() },
            Failure::Folder(path) => Failure::Baseline { path, reason: "it is a folder".to_owned() },
            Failure::Binary { path, reason } => Failure::Baseline { path, reason },
            other => other,
        })?;
        let broken = |reason: String| Failure::Baseline { path: name.clone(), reason };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let Versioned { version } = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
        if version != VERSION {
            return Err(broken(format!("it is of version {version}, and this program reads version {VERSION}")));
        }
        let document: Document = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
        Ok(Self { entries: document.findings.into_iter().collect(), folder: folder_of(path) })
    }

    /// Takes out of the results what the baseline holds.
    pub(super) fn apply(&self, results: &mut Results) -> Applied {
        let mut applied = Applied::default();
        for file in &mut results.files {
            let path = path_from(&self.folder, file);
            let mut expected: HashSet<&Entry> = self.entries.iter().filter(|entry| entry.path == path).collect();
            for (diagnostic, print) in file.entries() {
                expected.remove(&entry(&path, diagnostic, print));
            }
            applied.gone += expected.len();
            applied.known +=
                file.retain(|_, diagnostic, print| !self.entries.contains(&entry(&path, diagnostic, print)));
        }
        results.baselined = applied.known;
        applied
    }
}

/// Writes a baseline of all findings; gives their number.
pub(super) fn write(path: &Path, results: &Results) -> Result<usize, Failure> {
    let folder = folder_of(path);
    let entries =
        results.entries().map(|(file, diagnostic, print)| entry(&path_from(&folder, file), diagnostic, print));
    let findings: BTreeSet<Entry> = entries.collect();
    let document = Document { version: VERSION, findings: findings.into_iter().collect() };
    write::file(path, &shown(path), &crate::cli::to_json(&document))?;
    Ok(document.findings.len())
}

fn entry(path: &str, diagnostic: &Diagnostic, print: &Fingerprint) -> Entry {
    Entry { path: path.to_owned(), rule: diagnostic.rule.to_owned(), fingerprint: print.in_file.clone() }
}

/// The folder of a file, absolute.
fn folder_of(path: &Path) -> PathBuf {
    let full = normalize(&std::env::current_dir().unwrap_or_default().join(path));
    full.parent().unwrap_or(&full).to_owned()
}

/// The way from a folder to a file, with `..` where it leads up.
fn path_from(folder: &Path, file: &CheckedFile) -> String {
    let full = normalize(&std::env::current_dir().unwrap_or_default().join(&file.name));
    let shared = folder.components().zip(full.components()).take_while(|(left, right)| left == right).count();
    let up = folder.components().skip(shared).map(|_| "..".to_owned());
    let down = full.components().skip(shared).map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}
