//! A list of patterns in which the last one that matches decides.

use std::sync::Arc;

use super::pattern::Matcher;
use super::visited::{Visit, Visited};
use crate::context::go_match::BadPattern;
use crate::context::path;

/// Characters that make a pattern more than plain text.
const PATTERN_CHARS: [char; 6] = ['*', '[', ']', '?', '^', '\\'];

/// Patterns in order, each of them matching or, with `!`, taking back.
#[derive(Clone, Debug, Default)]
pub(in crate::context) struct PatternSet {
    patterns: Vec<Compiled>,
    negations: bool,
    visited: Visited,
}

#[derive(Clone, Debug)]
struct Compiled {
    matcher: Matcher,
    negated: bool,
    /// The path up to the first part that is more than plain text.
    plain: String,
}

impl PatternSet {
    /// Reads patterns as `--exclude` and `--parents` bring them. What cannot be read fails the build, so it is left
    /// out here.
    pub(in crate::context) fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Self {
        let mut set = Self::default();
        for pattern in patterns {
            if let Some(Ok((text, negated))) = normal(pattern) {
                set.push(&text, negated).unwrap_or_default();
            }
        }
        set
    }

    /// Adds a clean pattern.
    pub(super) fn push(&mut self, text: &str, negated: bool) -> Result<(), BadPattern> {
        let matcher = Matcher::new(text)?;
        let plain: Vec<&str> = text.split('/').take_while(|part| !part.contains(PATTERN_CHARS)).collect();
        self.patterns.push(Compiled { matcher, negated, plain: plain.join("/") });
        self.negations |= negated;
        self.visited = Visited::default();
        Ok(())
    }

    /// Whether there is no pattern.
    pub(in crate::context) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether any pattern takes back what others matched.
    pub(in crate::context) fn has_negations(&self) -> bool {
        self.negations
    }

    /// Whether `path` matches, as `BuildKit` finds when it walks the context: from the outermost directory down, a
    /// pattern that matched a directory holds for all below, unless an earlier one had settled the directory already.
    ///
    /// Before it sends a file, it asks again whether any pattern matches the path *or a directory above*, in which case
    /// the file arrives empty. Both count as a match here. <https://github.com/tonistiigi/fsutil> `filter.go`
    pub(in crate::context) fn matches(&self, path: &str) -> bool {
        if self.patterns.is_empty() || path.is_empty() {
            return false;
        }
        let Some((directory, _)) = path.rsplit_once('/') else {
            return self.enter(&Visit::default(), path).matched;
        };
        let above = self.visited.get_or(directory, || {
            path::prefixes(path)
                .take_while(|prefix| prefix.len() <= directory.len())
                .fold(Arc::default(), |visit, prefix| Arc::new(self.enter(&visit, prefix)))
        });
        self.enter(&above, path).matched
    }

    /// The walk one step further down, to `path`.
    fn enter(&self, above: &Visit, path: &str) -> Visit {
        if !self.negations {
            let matched = above.matched || self.patterns.iter().any(|own| own.matcher.matches(path));
            return Visit { matched, ..Visit::default() };
        }
        let (mut on_the_way, mut with_parents) = (false, false);
        let mut next = Visit { matched: false, held: Vec::new(), fitted: Vec::new() };
        next.held.reserve_exact(self.patterns.len());
        next.fitted.reserve_exact(self.patterns.len());
        for (index, pattern) in self.patterns.iter().enumerate() {
            let at = |list: &[bool]| list.get(index).copied().unwrap_or_default();
            let fits = pattern.matcher.matches(path);
            let held = at(&above.held) || (pattern.negated == on_the_way && fits);
            if held {
                on_the_way = !pattern.negated;
            }
            let fitted = at(&above.fitted) || fits;
            if pattern.negated == with_parents && fitted {
                with_parents = !pattern.negated;
            }
            next.held.push(held);
            next.fitted.push(fitted);
        }
        next.matched = on_the_way || with_parents;
        next
    }

    /// The index of the pattern to which a path that matches owes it: the last one without `!` that matches it or a
    /// directory above.
    pub(super) fn decisive(&self, path: &str) -> Option<usize> {
        let fits = |own: &Compiled| !own.negated && path::prefixes(path).any(|prefix| own.matcher.matches(prefix));
        self.patterns.iter().rposition(fits).filter(|_| self.matches(path))
    }

    /// Whether a pattern with `!` could match something below `directory`.
    pub(super) fn may_take_back_below(&self, directory: &str) -> bool {
        self.negations
            && self.patterns.iter().filter(|pattern| pattern.negated).any(|pattern| {
                path::below(&pattern.plain, directory).is_some() || path::below(directory, &pattern.plain).is_some()
            })
    }
}

/// The text of a pattern after trimming and cleaning, and whether it takes back; `None` where nothing is left, and an
/// error for a lone `!`.
pub(super) fn normal(pattern: &str) -> Option<Result<(String, bool), BadPattern>> {
    let trimmed = pattern.trim();
    if trimmed.is_empty() {
        return None;
    }
    let cleaned = path::go_clean(trimmed);
    Some(match cleaned.strip_prefix('!') {
        Some("") => Err(BadPattern),
        Some(text) => Ok((text.to_owned(), true)),
        None => Ok((cleaned, false)),
    })
}
