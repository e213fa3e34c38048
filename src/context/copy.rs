//! What a `COPY` or `ADD` takes from the context, and where it lands in the stage.
//!
//! A *source* is one word before the destination. The paths it names are its *roots*: one, or with wildcards any number.
//! A root that is a directory gives its content, not itself, so the content of several directories flows together.
//! With `--parents` a source is a pattern below the context's root, or below the part before `/./`, and what matches
//! keeps its path. After `BuildKit`: `convert_copy.go`, `solver/llbsolver/file/backend.go`, and fsutil's `copy.go`.

mod destination;
mod resolve;
mod word;

#[cfg(test)]
mod tests;

pub use destination::Destination;
pub use resolve::{Root, Selected};

use super::ignore::PatternSet;
use super::{EntryKind, Filtered, path};
use resolve::Collector;
use word::{Split, Word};

/// Names of local files that `ADD` unpacks. `BuildKit` looks at the bytes; a path that is gone has only its name left.
const ARCHIVES: [&str; 12] = [
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.bz2",
    ".tbz",
    ".tbz2",
    ".tar.xz",
    ".txz",
    ".tar.zst",
    ".tzst",
    ".tar.lzma",
    ".tlz",
];

/// The sources, flags and destination of one `COPY` or `ADD`.
#[derive(Clone, Debug)]
pub struct Selector {
    words: Vec<Word>,
    exclude: PatternSet,
    destination: Destination,
    parents: bool,
    unpacks: bool,
}

/// What stands at a path of the context, links followed; `None` where nothing is, or it is not known.
pub type Kinds<'k> = &'k dyn Fn(&str) -> Option<EntryKind>;

impl Selector {
    /// A `COPY` of `sources`, their variables expanded. Sources that are fetched from elsewhere take nothing from the
    /// context and are left out.
    pub fn new<S: AsRef<str>>(sources: &[S], destination: Destination) -> Self {
        let words = sources.iter().filter_map(|source| Word::new(source.as_ref(), false)).collect();
        Self { words, exclude: PatternSet::default(), destination, parents: false, unpacks: false }
    }

    /// With `--parents`.
    #[must_use]
    pub fn with_parents(mut self) -> Self {
        self.parents = true;
        self.words = self.words.iter().filter_map(|word| Word::new(&word.text, true)).collect();
        self
    }

    /// With `--exclude`: patterns of the ignore file's language, relative to each root. A root itself is never excluded.
    #[must_use]
    pub fn with_excludes<'p>(mut self, patterns: impl IntoIterator<Item = &'p str>) -> Self {
        self.exclude = PatternSet::new(patterns);
        self
    }

    /// As `ADD` does, with local archives unpacked.
    #[must_use]
    pub fn with_unpacking(mut self) -> Self {
        self.unpacks = true;
        self
    }

    /// With links on the way to a source followed as they are now, so that changes of what they lead to count.
    #[must_use]
    pub fn with_links(mut self, view: &Filtered<'_>) -> Self {
        for word in &mut self.words {
            word.real_folder = path::resolve(view, &word.folder).filter(|real| *real != word.folder);
            if word.wild.is_some() {
                let roots = resolve::roots(view, 0, word).into_iter().filter(|root| root.real != root.path);
                word.links = roots.map(|root| (root.path, root.real)).collect();
            }
        }
        self
    }

    /// The sources in the context, as written.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| word.text.as_str())
    }

    /// What tells the sources of one context apart: two selectors with the same key take the same files, and no key is that
    /// of one that leaves some out.
    pub fn selection_key(&self) -> Option<String> {
        let words = self.words.iter().map(|word| word.text.as_str());
        self.exclude
            .is_empty()
            .then(|| words.chain([if self.parents { "--parents" } else { "" }]).collect::<Vec<_>>().join("\0"))
    }

    /// Where the copies go.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Whether a change of the context path `path` changes what is copied, no matter whether it exists.
    pub fn selects(&self, path: &str) -> bool {
        let path = path::clean(path);
        self.words.iter().any(|word| self.splits(word, &path).next().is_some() || is_link_on_the_way(word, &path))
    }

    /// Where the context path `path` lands: an absolute path in the stage. `None` where it is not selected, or is an
    /// archive that is unpacked. A path that two sources select gives the place of the first.
    pub fn destination_of(&self, path: &str, kinds: Kinds<'_>) -> Option<String> {
        self.destinations_of(path, kinds).into_iter().next()
    }

    /// Every place where the context path `path` lands, in the order of the sources.
    pub fn destinations_of(&self, path: &str, kinds: Kinds<'_>) -> Vec<String> {
        let path = path::clean(path);
        let splits = self.words.iter().flat_map(|word| self.splits(word, &path).map(move |split| (word, split)));
        let mut places: Vec<String> = splits.filter_map(|(word, split)| self.place(word, split, kinds)).collect();
        let mut seen = std::collections::HashSet::new();
        places.retain(|place| seen.insert(place.clone()));
        places
    }

    /// The paths that the sources name in the context as it is.
    pub fn roots(&self, view: &Filtered<'_>) -> Vec<Root> {
        let words = self.words.iter().enumerate();
        words.flat_map(|(source, word)| resolve::roots(view, source, word)).collect()
    }

    /// The entries that the sources name in the context as it is, links followed: with `--parents` the outermost ones
    /// that match.
    pub fn selected_roots(&self, view: &Filtered<'_>) -> Vec<(String, EntryKind)> {
        if !self.parents {
            return self.roots(view).into_iter().map(|root| (root.path, root.kind)).collect();
        }
        let mut outermost: Vec<Selected> = Vec::new();
        for selected in self.selected(view, usize::MAX).0 {
            let inside = |outer: &Selected| path::below(&selected.path, &outer.path).is_some();
            if !outermost.last().is_some_and(inside) {
                outermost.push(selected);
            }
        }
        outermost.into_iter().map(|selected| (selected.path, selected.entry.kind)).collect()
    }

    /// Everything that is copied from the context as it is, `limit` entries at most, ordered by source and name; and
    /// whether there was more.
    pub fn selected(&self, view: &Filtered<'_>, limit: usize) -> (Vec<Selected>, bool) {
        let mut collector = Collector::new(view, self, limit);
        for (source, word) in self.words.iter().enumerate() {
            for root in resolve::roots(view, source, word) {
                collector.root(word, &root);
            }
        }
        let key = |selected: &Selected| (selected.source, selected.name.replace('/', "\0"));
        collector.found.sort_by_cached_key(key);
        (collector.found, collector.cut)
    }

    /// Everything that is copied of one of the [roots](Selector::roots), in the order of the names, a directory before what
    /// lies in it.
    pub fn selected_from(&self, view: &Filtered<'_>, root: &Root) -> Vec<Selected> {
        let Some(word) = self.words.get(root.source) else { return Vec::new() };
        let mut collector = Collector::new(view, self, usize::MAX);
        collector.root(word, root);
        collector.found.sort_by_cached_key(|selected| selected.path.replace('/', "\0"));
        collector.found
    }

    /// Whether a source that takes nothing is no reason to fail: it has wildcards.
    pub fn may_take_nothing(&self) -> bool {
        let is_open =
            |word: &Word| word.wild.is_some() || word.include.as_ref().is_some_and(|include| include.plain.is_none());
        self.words.iter().all(is_open)
    }

    /// Sources that take nothing from the context as it is: the build fails for one without wildcards.
    pub fn unmatched(&self, view: &Filtered<'_>) -> Vec<&str> {
        let takes_nothing = |(source, word): &(usize, &Word)| {
            let roots = resolve::roots(view, *source, word);
            if word.include.is_none() {
                return roots.is_empty();
            }
            let mut collector = Collector::new(view, self, 1);
            for root in &roots {
                collector.root(word, root);
            }
            collector.found.is_empty()
        };
        self.words.iter().enumerate().filter(takes_nothing).map(|(_, word)| word.text.as_str()).collect()
    }

    /// Sources without wildcards that the context as it is does not have.
    pub fn absent(&self, view: &Filtered<'_>) -> Vec<&str> {
        let plain = self.words.iter().filter(|word| word.wild.is_none() && word.include.is_none());
        plain.filter(|word| resolve::roots(view, 0, word).is_empty()).map(|word| word.text.as_str()).collect()
    }

    /// Whether no source takes anything from the context as it is; false where there is no source in the context.
    pub fn matches_nothing(&self, view: &Filtered<'_>) -> bool {
        !self.words.is_empty() && self.unmatched(view).len() == self.words.len()
    }

    /// Whether paths are kept (`--parents`).
    pub(super) fn keeps_paths(&self) -> bool {
        self.parents
    }

    fn splits<'p>(&'p self, word: &'p Word, path: &'p str) -> impl Iterator<Item = Split<'p>> {
        word.splits(path).into_iter().filter(|split| {
            let excluded = !split.rest.is_empty() && self.exclude.matches(split.rest);
            !excluded && word.includes(split.rest)
        })
    }

    fn place(&self, word: &Word, split: Split<'_>, kinds: Kinds<'_>) -> Option<String> {
        let destination = &self.destination;
        if !split.rest.is_empty() {
            return Some(destination.below(split.rest));
        }
        if kinds(split.root) == Some(EntryKind::Directory) {
            return Some(destination.path.clone());
        }
        if self.unpacks && ARCHIVES.iter().any(|end| split.root.ends_with(end)) {
            return None;
        }
        // A wildcard does not make it a directory: each file then overwrites the one before.
        let into = destination.is_directory || self.words.len() > 1;
        let name = if word.wild.is_some() { path::base(split.root) } else { path::base(&word.folder) };
        Some(if into { destination.below(name) } else { destination.path.clone() })
    }
}

/// Whether a link stands, or may stand, at `path` on the way to what the word names.
fn is_link_on_the_way(word: &Word, path: &str) -> bool {
    word.real_folder.is_some() && path::below(&word.folder, path).is_some()
}
