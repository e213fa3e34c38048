//! All packs: those that come with the program and those of the user.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, OnceLock};

use super::builtin::{PACKS, Packed};
use super::check;
use super::facts;
use super::measured::Measured;
use super::observed::Observed;
use super::outline::Outline;
use super::pack::Pack;
use super::pack_closure::take_in_all;
use super::pattern::name_matches;
use crate::text::{LineIndex, Position};

static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
    let entries = PACKS.iter().filter_map(|packed| {
        let outline = facts::read(packed.outline)?;
        Some(Arc::new(Entry { outline, packed: Some(packed), pack: OnceLock::new() }))
    });
    Catalog::new(entries.collect())
});

/// All known packs. One that comes with the program is read when a file first names one of its programs.
#[derive(Clone, Debug)]
pub struct Catalog {
    entries: Vec<Arc<Entry>>,
    /// Packs by the first word of their commands' programs; what holds a `*` is in `open`.
    by_program: HashMap<String, Vec<usize>>,
    open: Vec<(String, usize)>,
    measured: Measured,
    observed: Observed,
}

/// A pack, read or not.
#[derive(Debug)]
struct Entry {
    outline: Outline,
    /// For one that comes with the program.
    packed: Option<&'static Packed>,
    pack: OnceLock<Option<Arc<Pack>>>,
}

impl Entry {
    /// A pack of the user, which was read.
    fn read(pack: Pack) -> Self {
        let outline = Outline::of_pack(&pack);
        Self { outline, packed: None, pack: OnceLock::from(Some(Arc::new(pack))) }
    }

    fn pack(&self) -> Option<&Arc<Pack>> {
        let read = || {
            let mut pack: Pack = facts::read(self.packed?.pack)?;
            take_in_all(&mut pack.closure).ok()?;
            Some(Arc::new(pack))
        };
        self.pack.get_or_init(read).as_ref()
    }
}

/// A pack that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}:{column}: {message}")]
pub struct PackError {
    /// The pack's file.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, as a phrase.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl PackError {
    /// An error at a byte of the pack's text.
    pub(super) fn at(path: &str, text: &str, offset: usize, message: String, remedy: Option<String>) -> Self {
        let Position { line, column } = LineIndex::new(text).position(text, offset);
        Self { path: path.to_owned(), line, column, message, remedy }
    }
}

impl Catalog {
    /// The packs that come with the program.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// Those and the user's, each given as path and text. A pack takes the place of a built-in one of the same name.
    ///
    /// # Errors
    /// [`PackError`] for a pack that is no valid TOML, has unknown keys or wrong values, names an option set or closure
    /// that it does not have, or claims a command that another pack claims while no condition tells their projects apart.
    pub fn with_packs(user: &[(String, String)]) -> Result<Self, PackError> {
        let mut entries = Self::builtin().entries.clone();
        let mut names = BTreeMap::new();
        for (path, text) in user {
            let pack = read_pack(path, text)?;
            check::pack(path, text, &pack)?;
            let name = pack.name.get_ref().clone();
            if let Some(other) = names.insert(name.clone(), path) {
                let message = format!("the pack `{name}` is defined by `{other}` too");
                let remedy = Some("give one of them another name".to_owned());
                return Err(PackError::at(path, text, pack.name.span().start, message, remedy));
            }
            entries.retain(|known| known.outline.name != name);
            let others: Vec<&Arc<Pack>> = entries.iter().filter_map(|entry| entry.pack()).collect();
            check::claims(path, text, &pack, &others)?;
            entries.push(Arc::new(Entry::read(pack)));
        }
        entries.sort_by(|a, b| a.outline.name.cmp(&b.outline.name));
        Ok(Self::new(entries))
    }

    /// The same packs, with times of steps that builds have shown.
    #[must_use]
    pub fn with_measured(self, measured: Measured) -> Self {
        Self { measured, ..self }
    }

    /// The same packs, with what steps of traced builds have reached.
    #[must_use]
    pub fn with_observed(self, observed: Observed) -> Self {
        Self { observed, ..self }
    }

    /// What steps of traced builds have reached.
    pub fn observed(&self) -> &Observed {
        &self.observed
    }

    /// Times of steps that builds have shown.
    pub fn measured(&self) -> &Measured {
        &self.measured
    }

    fn new(entries: Vec<Arc<Entry>>) -> Self {
        let mut by_program: HashMap<String, Vec<usize>> = HashMap::new();
        let mut open = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            for first in &entry.outline.programs {
                if first.contains('*') {
                    open.push((first.clone(), index));
                } else {
                    by_program.entry(first.clone()).or_default().push(index);
                }
            }
        }
        Self { entries, by_program, open, measured: Measured::default(), observed: Observed::default() }
    }

    /// All packs, by name. This reads them all.
    pub fn packs(&self) -> impl Iterator<Item = &Arc<Pack>> {
        self.entries.iter().filter_map(|entry| entry.pack())
    }

    /// The pack of this name.
    pub fn pack(&self, name: &str) -> Option<&Arc<Pack>> {
        self.entries.iter().find(|entry| entry.outline.name == name)?.pack()
    }

    /// Whether a file of this name declares dependencies in some ecosystem.
    pub fn is_manifest(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.outline.manifests.iter().any(|known| known == name))
    }

    /// Whether a file of this name pins dependencies in some ecosystem.
    pub fn is_lockfile(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.outline.lockfiles.iter().any(|known| known == name))
    }

    /// Packs with a runner of which this may be the program.
    pub(super) fn packs_running(&self, program: &str) -> impl Iterator<Item = &Arc<Pack>> {
        let fitting = move |entry: &&Arc<Entry>| entry.outline.runners.iter().any(|name| name_matches(name, program));
        self.entries.iter().filter(fitting).filter_map(|entry| entry.pack())
    }

    /// Packs whose commands installs of other packs may run.
    pub(super) fn packs_with_triggers(&self) -> impl Iterator<Item = &Arc<Pack>> {
        self.entries.iter().filter(|entry| entry.outline.triggers).filter_map(|entry| entry.pack())
    }

    /// Whether a program of this name is one that the packs know.
    pub fn knows_program(&self, name: &str) -> bool {
        self.packs_for(name).next().is_some()
    }

    /// Packs that may know a program.
    pub(super) fn packs_for(&self, program: &str) -> impl Iterator<Item = &Arc<Pack>> {
        let mut indices = self.by_program.get(program).cloned().unwrap_or_default();
        indices.extend(self.open.iter().filter(|(name, _)| name_matches(name, program)).map(|(_, index)| *index));
        indices.sort_unstable();
        indices.dedup();
        indices.into_iter().filter_map(|index| self.entries.get(index)?.pack())
    }
}

/// Reads one pack as people write it.
///
/// # Errors
/// [`PackError`] for invalid TOML, unknown keys and wrong types, and closures that are like none.
pub(super) fn read_pack(path: &str, text: &str) -> Result<Pack, PackError> {
    let mut pack: Pack = toml::from_str(text).map_err(|error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        let message = error.message().lines().next().unwrap_or_default();
        let remedy = check::nearest_key(message);
        // The keys that would be known are many; the remedy names the one that was meant.
        let message = message.split_once(", expected").filter(|_| remedy.is_some()).map_or(message, |(what, _)| what);
        let message = message.to_owned();
        PackError::at(path, text, offset, message, remedy)
    })?;
    take_in_all(&mut pack.closure).map_err(|name| {
        let message = format!("there is no closure `{}` to be like", name.get_ref());
        let remedy = "name a closure of the pack that is not like this one".to_owned();
        PackError::at(path, text, name.span().start, message, Some(remedy))
    })?;
    Ok(pack)
}
