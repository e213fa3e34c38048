//! A list of patterns in which the last one that matches decides.

use super::pattern::Matcher;
use crate::context::go_match::BadPattern;
use crate::context::path;

/// Characters that make a pattern more than plain text.
const PATTERN_CHARS: [char; 6] = ['*', '[', ']', '?', '^', '\\'];

/// Patterns in order, each of them matching or, with `!`, taking back.
#[derive(Clone, Debug, Default)]
pub(in crate::context) struct PatternSet {
    patterns: Vec<Compiled>,
    negations: bool,
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
        if !self.negations {
            return path::prefixes(path).any(|prefix| self.patterns.iter().any(|own| own.matcher.matches(prefix)));
        }
        self.matches_on_the_way(path) || self.matches_with_parents(path)
    }

    fn matches_on_the_way(&self, path: &str) -> bool {
        let mut held = vec![false; self.patterns.len()];
        let mut matched = false;
        for prefix in path::prefixes(path) {
            matched = false;
            for (pattern, held) in self.patterns.iter().zip(&mut held) {
                *held = *held || (pattern.negated == matched && pattern.matcher.matches(prefix));
                if *held {
                    matched = !pattern.negated;
                }
            }
        }
        matched
    }

    fn matches_with_parents(&self, path: &str) -> bool {
        let mut matched = false;
        for pattern in &self.patterns {
            if pattern.negated == matched && path::prefixes(path).any(|prefix| pattern.matcher.matches(prefix)) {
                matched = !pattern.negated;
            }
        }
        matched
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
