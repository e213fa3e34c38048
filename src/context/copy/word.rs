//! One source of a `COPY` or `ADD`: which paths of the context it names.

use crate::context::glob::{Glob, Item};
use crate::context::ignore::PatternSet;
use crate::context::{go_match, path};

/// A source, its variables expanded.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// As written.
    pub(super) text: String,
    /// The path up to the first part with a wildcard.
    pub(super) folder: String,
    /// Where `folder` lies once links are followed, if that is elsewhere.
    pub(super) real_folder: Option<String>,
    /// Roots that are links, as the source names them, each with where it leads.
    pub(super) links: Vec<(String, String)>,
    /// What follows `folder`.
    pub(super) wild: Option<Wild>,
    /// With `--parents`: what is taken below the roots.
    pub(super) include: Option<Include>,
}

/// The parts of a source from the first wildcard on.
#[derive(Clone, Debug)]
pub(super) struct Wild {
    /// All of them at once.
    pub(super) whole: Glob,
    /// Each of them, where folders can be matched one by one: a class such as `[^a]` takes a `/` as well.
    pub(super) parts: Option<Vec<Glob>>,
}

/// The pattern that `--parents` takes below the roots.
#[derive(Clone, Debug)]
pub(super) struct Include {
    set: PatternSet,
    /// The pattern, where it is a plain path.
    pub(super) plain: Option<String>,
}

/// A context path, taken apart by a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split<'p> {
    /// The path that the source names: the path itself or a directory above.
    pub(super) root: &'p str,
    /// What follows it; empty for the root itself.
    pub(super) rest: &'p str,
}

impl Word {
    /// Reads a source; `None` for one that is not in the context.
    pub(super) fn new(text: &str, parents: bool) -> Option<Self> {
        if is_remote(text) {
            return None;
        }
        let (base, include) = if parents { split_parents(text) } else { (text, None) };
        let clean = path::clean(base);
        let parts: Vec<&str> = clean.split('/').collect();
        let plain = parts.iter().take_while(|part| !go_match::has_wildcard(part)).count();
        let (folder, wild) = parts.split_at(plain);
        Some(Self {
            text: text.to_owned(),
            folder: folder.join("/"),
            real_folder: None,
            links: Vec::new(),
            wild: (!wild.is_empty()).then(|| Wild::new(wild)),
            include: include.map(Include::new),
        })
    }

    /// Takes `path` apart in every way in which the source names it or a directory above it.
    pub(super) fn splits<'p>(&'p self, path: &'p str) -> Vec<Split<'p>> {
        let folders = [Some(&self.folder), self.real_folder.as_ref()].into_iter().flatten();
        let direct = folders.filter_map(|folder| self.split_below(folder, path));
        let linked = self.links.iter().filter_map(|(root, real)| Some(Split { root, rest: path::below(path, real)? }));
        direct.chain(linked).collect()
    }

    fn split_below<'p>(&self, folder: &str, path: &'p str) -> Option<Split<'p>> {
        let below = path::below(path, folder)?;
        let rest = match &self.wild {
            None => below,
            // The outermost match: what lies in a directory that matched is its content.
            Some(wild) => {
                let root = path::prefixes(below).find(|prefix| wild.whole.matches(prefix))?;
                below.get(root.len()..)?.trim_start_matches('/')
            }
        };
        let root = path.strip_suffix(rest)?.trim_end_matches('/');
        Some(Split { root, rest })
    }

    /// Whether `--parents` takes what lies at `rest` below a root; without it everything is taken.
    pub(super) fn includes(&self, rest: &str) -> bool {
        self.include.as_ref().is_none_or(|include| include.matches(rest))
    }
}

impl Wild {
    /// An unreadable pattern matches nothing.
    fn new(parts: &[&str]) -> Self {
        let nothing = || Glob::new(vec![Item::nothing()]);
        let one_by_one = |part: &&str| go_match::compile(part).ok().filter(|glob| !glob.crosses_folders());
        Self {
            whole: go_match::compile(&parts.join("/")).unwrap_or_else(|_| nothing()),
            parts: parts.iter().map(one_by_one).collect(),
        }
    }
}

impl Include {
    fn new(text: &str) -> Self {
        let pattern = path::clean(text);
        let plain = !pattern.contains(['*', '?', '[', ']', '\\', '!', '^']);
        Self { set: PatternSet::new([pattern.as_str()]), plain: plain.then_some(pattern) }
    }

    fn matches(&self, rest: &str) -> bool {
        self.set.is_empty() || (!rest.is_empty() && self.set.matches(rest))
    }
}

/// The directory whose content is copied and the pattern below it: the first `/./` parts them, else the root does.
fn split_parents(text: &str) -> (&str, Option<&str>) {
    match text.split_once("/./") {
        Some((base, pattern)) => (base, Some(pattern)),
        None => ("", Some(text)),
    }
}

/// Whether a source of `ADD` is fetched from elsewhere.
fn is_remote(text: &str) -> bool {
    ["http://", "https://", "git://", "ssh://", "git@"].iter().any(|start| text.starts_with(start))
}
