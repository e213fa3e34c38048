//! All packs: those that come with the program and those of the user.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use super::builtin::PACKS;
use super::check;
use super::pack::{Kind, Pack};
use super::pattern::name_matches;
use crate::text::{LineIndex, Position};

static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
    let packs = PACKS.iter().filter_map(|(path, text)| read_pack(path, text).ok().map(Arc::new)).collect();
    Catalog::new(packs)
});

/// All known packs.
#[derive(Clone, Debug)]
pub struct Catalog {
    packs: Vec<Arc<Pack>>,
    /// Packs by the first word of their commands' programs; what holds a `*` is in `open`.
    by_program: HashMap<String, Vec<usize>>,
    open: Vec<(String, usize)>,
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
        let mut packs = Self::builtin().packs.clone();
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
            packs.retain(|known| *known.name.get_ref() != name);
            check::claims(path, text, &pack, &packs)?;
            packs.push(Arc::new(pack));
        }
        packs.sort_by(|a, b| a.name.get_ref().cmp(b.name.get_ref()));
        Ok(Self::new(packs))
    }

    fn new(packs: Vec<Arc<Pack>>) -> Self {
        let mut by_program: HashMap<String, Vec<usize>> = HashMap::new();
        let mut open = Vec::new();
        for (index, pack) in packs.iter().enumerate() {
            for program in pack.commands.iter().flat_map(|command| &command.programs) {
                let first = program.get_ref().split(' ').next().unwrap_or_default().to_owned();
                if first.contains('*') {
                    open.push((first, index));
                } else {
                    let known = by_program.entry(first).or_default();
                    if known.last() != Some(&index) {
                        known.push(index);
                    }
                }
            }
        }
        Self { packs, by_program, open }
    }

    /// All packs, by name.
    pub fn packs(&self) -> impl Iterator<Item = &Arc<Pack>> {
        self.packs.iter()
    }

    /// The pack of this name.
    pub fn pack(&self, name: &str) -> Option<&Arc<Pack>> {
        self.packs.iter().find(|pack| pack.name.get_ref() == name)
    }

    /// Packs of programming languages: those with manifests.
    pub fn languages(&self) -> impl Iterator<Item = &Arc<Pack>> {
        self.packs.iter().filter(|pack| pack.kind == Kind::Language)
    }

    /// Packs that may know a program.
    pub(super) fn packs_for(&self, program: &str) -> impl Iterator<Item = &Arc<Pack>> {
        let mut indices = self.by_program.get(program).cloned().unwrap_or_default();
        indices.extend(self.open.iter().filter(|(name, _)| name_matches(name, program)).map(|(_, index)| *index));
        indices.sort_unstable();
        indices.dedup();
        indices.into_iter().filter_map(|index| self.packs.get(index))
    }
}

/// Reads one pack.
///
/// # Errors
/// [`PackError`] for invalid TOML, unknown keys and wrong types.
pub(super) fn read_pack(path: &str, text: &str) -> Result<Pack, PackError> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        let message = error.message().lines().next().unwrap_or_default();
        let remedy = check::nearest_key(message);
        // The keys that would be known are many; the remedy names the one that was meant.
        let message = message.split_once(", expected").filter(|_| remedy.is_some()).map_or(message, |(what, _)| what);
        let message = message.to_owned();
        PackError::at(path, text, offset, message, remedy)
    })
}
