//! One pattern of `.dockerignore`, of `--exclude` or of `--parents`, read as moby's `patternmatcher` reads it.
//!
//! That reader turns a pattern into text for Go's `regexp`, which shows where the two languages differ: a `*` inside a
//! class, `^` outside of one, `\d`. So this one writes the same text and reads it back as the few forms it can have.
//! <https://github.com/moby/patternmatcher>

use std::iter::Peekable;
use std::str::Chars;

use super::regexp;
use crate::context::glob::Glob;
use crate::context::go_match::{self, BadPattern};

/// How a pattern is compared with a path.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    /// The path is this text.
    Exact(String),
    /// The path begins with this text.
    Prefix(String),
    /// The path ends with this text; a leading `/` may be missing.
    Suffix(String),
    /// Everything else.
    Glob(Glob),
}

impl Matcher {
    /// Reads a clean pattern without its `!`.
    pub(super) fn new(pattern: &str) -> Result<Self, BadPattern> {
        go_match::compile(pattern)?;
        Translation::of(pattern).matcher(pattern)
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => ends_with(path, text) || text.strip_prefix('/') == Some(path),
            Self::Glob(glob) => glob.matches(path),
        }
    }
}

/// Whether `path` ends with `text`; the last byte, which nearly always tells, comes first.
fn ends_with(path: &str, text: &str) -> bool {
    let last = text.as_bytes().last();
    last.is_none() || path.as_bytes().last() == last && path.ends_with(text)
}

/// What kind of comparison the pattern needs, as far as it was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exact,
    Prefix,
    Suffix,
    Regexp,
}

/// A pattern on its way into a regular expression.
struct Translation {
    regexp: String,
    kind: Kind,
}

impl Translation {
    fn of(pattern: &str) -> Self {
        let mut translation = Self { regexp: String::new(), kind: Kind::Exact };
        let mut chars = pattern.chars().peekable();
        let mut first = true;
        while let Some(char) = chars.next() {
            match char {
                '*' if chars.next_if_eq(&'*').is_some() => translation.double_star(&mut chars, first),
                '*' => translation.wildcard("[^/]*"),
                '?' => translation.wildcard("[^/]"),
                '.' | '+' | '(' | ')' | '|' | '{' | '}' | '$' => translation.regexp.extend(['\\', char]),
                '\\' => match chars.next() {
                    Some(escaped) => translation.wildcard(&format!("\\{escaped}")),
                    None => translation.regexp.push('\\'),
                },
                '[' => translation.wildcard("["),
                ']' => translation.wildcard("]"),
                char => translation.regexp.push(char),
            }
            first = false;
        }
        translation
    }

    fn wildcard(&mut self, regexp: &str) {
        self.regexp.push_str(regexp);
        self.kind = Kind::Regexp;
    }

    /// `**`, with the `/` after it; `first` where it opens the pattern.
    fn double_star(&mut self, chars: &mut Peekable<Chars<'_>>, first: bool) {
        chars.next_if_eq(&'/');
        match (chars.peek(), self.kind) {
            (None, Kind::Exact) => self.kind = Kind::Prefix,
            (None, _) => self.wildcard(".*"),
            (Some(_), _) => self.wildcard("(.*/)?"),
        }
        if first {
            self.kind = Kind::Suffix;
        }
    }

    fn matcher(self, pattern: &str) -> Result<Matcher, BadPattern> {
        Ok(match self.kind {
            Kind::Exact => Matcher::Exact(pattern.to_owned()),
            Kind::Prefix => Matcher::Prefix(pattern.strip_suffix("**").unwrap_or(pattern).to_owned()),
            Kind::Suffix => Matcher::Suffix(pattern.strip_prefix("**").unwrap_or(pattern).to_owned()),
            Kind::Regexp => Matcher::Glob(Glob::new(regexp::read(&self.regexp)?)),
        })
    }
}
