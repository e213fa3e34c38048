//! Paths of the context as text: relative to its root, joined by `/`, the root itself is empty.

use globset::{GlobBuilder, GlobMatcher};

use super::pattern::name_matches;
use super::{PathKind, ProjectFiles};

/// Levels below which a pattern is not followed: links may make a tree endless.
const DEEPEST: usize = 40;
/// Entries after which the search for a pattern ends.
const MOST_ENTRIES: usize = 200_000;

/// `relative` seen from `directory`, with `.` and `..` resolved; `None` for one that leaves the context or is absolute.
pub(super) fn join(directory: &str, relative: &str) -> Option<String> {
    if relative.starts_with('/') || relative.starts_with('~') {
        return None;
    }
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The directory that holds `path`.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The last part of `path`.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `directory` and those above it, up to the root.
pub(super) fn ancestors(directory: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(directory), |at| (!at.is_empty()).then(|| parent(at)))
}

/// `path` relative to `base`, where it lies there; `.` for the base itself.
pub(super) fn relative<'p>(base: &str, path: &'p str) -> Option<&'p str> {
    if base.is_empty() {
        return Some(if path.is_empty() { "." } else { path });
    }
    match path.strip_prefix(base)? {
        "" => Some("."),
        rest => rest.strip_prefix('/'),
    }
}

/// Whether the text is a pattern rather than a name.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// What a pattern finds below a directory, sorted; `None` where the search was too long to finish.
pub(super) fn find(files: &dyn ProjectFiles, base: &str, pattern: &str) -> Option<Vec<(String, PathKind)>> {
    if !is_pattern(pattern) {
        let path = join(base, pattern)?;
        return Some(files.kind(&path).map(|kind| (path, kind)).into_iter().collect());
    }
    let (fixed, rest) = split_fixed(pattern);
    let start = join(base, fixed)?;
    let parts: Vec<Part> = rest.split('/').filter(|part| !part.is_empty() && *part != ".").map(Part::new).collect();
    let mut search = Search { files, found: Vec::new(), entries: 0 };
    search.below(&start, &parts, 0);
    search.found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    search.found.dedup();
    (search.entries <= MOST_ENTRIES).then_some(search.found)
}

/// The directories before the first pattern, and the rest.
fn split_fixed(pattern: &str) -> (&str, &str) {
    let special = pattern.find(['*', '?', '[', '{']).unwrap_or(pattern.len());
    match pattern[..special].rfind('/') {
        Some(at) => (&pattern[..at], &pattern[at + 1..]),
        None => ("", pattern),
    }
}

/// One part of a pattern.
enum Part {
    Name(String),
    /// With no sign but `*`: there is nothing to compile.
    Starred(String),
    One(Option<GlobMatcher>),
    Any,
}

impl Part {
    fn new(text: &str) -> Self {
        if text == "**" {
            return Self::Any;
        }
        if !is_pattern(text) {
            return Self::Name(text.to_owned());
        }
        if !text.contains(['?', '[', '{', '\\']) {
            return Self::Starred(text.to_owned());
        }
        Self::One(GlobBuilder::new(text).literal_separator(true).build().ok().map(|glob| glob.compile_matcher()))
    }
}

struct Search<'f> {
    files: &'f dyn ProjectFiles,
    found: Vec<(String, PathKind)>,
    entries: usize,
}

impl Search<'_> {
    fn below(&mut self, directory: &str, parts: &[Part], depth: usize) {
        let Some((part, rest)) = parts.split_first() else {
            if let Some(kind) = self.files.kind(directory) {
                self.found.push((directory.to_owned(), kind));
            }
            return;
        };
        if depth > DEEPEST || self.entries > MOST_ENTRIES {
            return;
        }
        match part {
            Part::Name(name) => self.below(&inside(directory, name), rest, depth + 1),
            Part::Any => {
                self.below(directory, rest, depth + 1);
                // Managers leave out what other installs filled.
                self.each(directory, |search, name, kind| {
                    if kind == PathKind::Directory && name != "node_modules" && name != ".git" {
                        search.below(&inside(directory, name), parts, depth + 1);
                    }
                });
            }
            Part::Starred(pattern) => self.fitting(directory, rest, depth, |name| name_matches(pattern, name)),
            Part::One(Some(matcher)) => self.fitting(directory, rest, depth, |name| matcher.is_match(name)),
            Part::One(None) => {}
        }
    }

    fn fitting(&mut self, directory: &str, rest: &[Part], depth: usize, fits: impl Fn(&str) -> bool) {
        self.each(directory, |search, name, _| {
            if fits(name) {
                search.below(&inside(directory, name), rest, depth + 1);
            }
        });
    }

    fn each(&mut self, directory: &str, mut visit: impl FnMut(&mut Self, &str, PathKind)) {
        let entries = self.files.list(directory);
        self.entries += entries.len() + 1;
        for (name, kind) in entries {
            visit(self, &name, kind);
        }
    }
}

fn inside(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_and_stays_in_the_context() {
        assert_eq!(join("a/b", "../c/./d").as_deref(), Some("a/c/d"));
        assert_eq!(join("", "./x/").as_deref(), Some("x"));
        assert_eq!(join("a", "../..").as_deref(), None);
        assert_eq!(join("a", "/etc/x").as_deref(), None);
        assert_eq!(ancestors("a/b").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(relative("a", "a/b"), Some("b"));
        assert_eq!(relative("a", "ab"), None);
        assert_eq!(relative("a", "a"), Some("."));
    }
}
