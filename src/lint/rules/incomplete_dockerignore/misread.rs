//! Patterns of an ignore file that its language reads in another way than its author does.
//!
//! The language is moby's. Authors think of git's (a name without `/` matches at any depth), of a shell's (`{a,b}`, `[!a]`)
//! or of comments behind a line. <https://docs.docker.com/build/concepts/context/#dockerignore-files>

use crate::context::{IgnoreFile, IgnorePattern};

/// A pattern that is probably meant in another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misread {
    /// Its line, from 1.
    pub(super) line: usize,
    /// As it is written.
    pub(super) written: String,
    /// What would match what is meant.
    pub(super) meant: Vec<String>,
    /// What it matches instead.
    pub(super) kind: Kind,
}

/// Ways to misread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `foo # why`.
    TrailingComment,
    /// `[!a]`.
    NegatedClass,
    /// `*.{js,ts}`.
    Braces,
    /// `foo` for `**/foo`.
    RootOnly,
    /// `*/foo` for `**/foo`.
    OneDepth,
}

impl Kind {
    /// How the builder reads it.
    pub(super) const fn explanation(self) -> &'static str {
        match self {
            Self::TrailingComment => "takes the comment behind the pattern as part of it",
            Self::NegatedClass => "stands for one of the characters in the brackets, `!` included: `^` negates",
            Self::Braces => "takes the braces as characters",
            Self::RootOnly => "matches at the root of the context only",
            Self::OneDepth => "matches at one depth only",
        }
    }

    /// Whether the pattern does something sensible as it is read, so that it may be meant so.
    pub(super) const fn may_be_meant(self) -> bool {
        matches!(self, Self::RootOnly | Self::OneDepth)
    }
}

/// Every pattern that may be misread; `text` is that of the file.
pub(super) fn misread(ignore: &IgnoreFile, text: &str) -> Vec<Misread> {
    let patterns = ignore.patterns.iter().filter(|pattern| !pattern.negated);
    patterns.filter_map(|pattern| of_pattern(pattern, pattern.range.of(text))).collect()
}

fn of_pattern(pattern: &IgnorePattern, written: &str) -> Option<Misread> {
    // Who writes `/foo` means the root.
    let floats = !written.starts_with('/');
    let (kind, meant) = of_text(written).or_else(|| of_depth(&pattern.text).filter(|_| floats))?;
    Some(Misread { line: pattern.line, written: written.to_owned(), meant, kind })
}

fn of_text(written: &str) -> Option<(Kind, Vec<String>)> {
    let comment = [" #", "\t#"].iter().filter_map(|mark| written.find(mark)).min();
    if let Some(at) = comment {
        let meant = written[..at].trim_end();
        return (!meant.is_empty() && !meant.starts_with('#')).then(|| (Kind::TrailingComment, vec![meant.to_owned()]));
    }
    if written.contains("[!") {
        return Some((Kind::NegatedClass, vec![written.replace("[!", "[^")]));
    }
    let (before, rest) = written.split_once('{')?;
    let (inside, after) = rest.split_once('}')?;
    let plain = !inside.contains('{') && !after.contains(['{', '}']) && inside.contains(',');
    let alternatives = inside.split(',').take(20).map(|word| format!("{before}{word}{after}"));
    plain.then(|| (Kind::Braces, alternatives.collect()))
}

fn of_depth(text: &str) -> Option<(Kind, Vec<String>)> {
    let rest = text.trim_start_matches("*/");
    let kind = if rest.len() < text.len() { Kind::OneDepth } else { Kind::RootOnly };
    let names_something = rest.contains(|character: char| character.is_alphanumeric());
    let fits = names_something && !rest.starts_with('#') && !rest.contains('/') && !rest.contains("**");
    fits.then(|| (kind, vec![format!("**/{rest}")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_is_meant() {
        for (line, expected) in [
            ("node_modules # packages", Some((Kind::TrailingComment, vec!["node_modules"]))),
            (" # only a comment", None),
            ("[!a]*.log", Some((Kind::NegatedClass, vec!["[^a]*.log"]))),
            ("src/*.{js,ts}", Some((Kind::Braces, vec!["src/*.js", "src/*.ts"]))),
            ("a{b}", Some((Kind::RootOnly, vec!["**/a{b}"]))),
            ("node_modules/", Some((Kind::RootOnly, vec!["**/node_modules"]))),
            ("*/obj", Some((Kind::OneDepth, vec!["**/obj"]))),
            ("*/*/obj", Some((Kind::OneDepth, vec!["**/obj"]))),
            ("**/obj", None),
            ("*", None),
            ("src/obj", None),
            ("/obj", None),
            ("!obj", None),
        ] {
            let found = misread(&IgnoreFile::parse(".dockerignore", line), line).pop();
            let found = found.map(|found| (found.kind, found.meant));
            let expected = expected.map(|(kind, meant)| (kind, meant.into_iter().map(str::to_owned).collect()));
            assert_eq!(found, expected, "{line}");
        }
    }
}
