//! Regular expressions and name patterns in packs.
//!
//! A *pattern* is a regular expression that is compiled when it is first used, so that loading a pack costs nothing for
//! what is not needed. A *name pattern* is a word in which `*` stands for any characters.

use std::ops::Range;
use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer};

use super::located::Located;

/// A regular expression of a pack.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    span: Range<usize>,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Whether it matches somewhere in `text`; an invalid expression matches nothing.
    pub fn matches(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text.as_bytes()))
    }

    /// What its first group (without groups: the whole expression) matches in `text`.
    pub fn capture<'t>(&self, text: &'t str) -> Option<&'t str> {
        let captures = self.regex()?.captures(text.as_bytes())?;
        let found = captures.iter().skip(1).flatten().next().or_else(|| captures.get(0))?;
        text.get(found.range())
    }

    /// What its first group (without groups: the whole expression) matches at each place in `text`.
    pub fn captures(&self, text: &str) -> Vec<String> {
        let Some(regex) = self.regex() else { return Vec::new() };
        let found = regex.captures_iter(text.as_bytes());
        let found = found.filter_map(|captures| captures.get(1).or_else(|| captures.get(0)));
        found.filter_map(|found| text.get(found.range()).map(str::to_owned)).collect()
    }

    /// The expression as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it stands in the pack, and what is wrong with it; `None` for a valid one.
    pub fn error(&self) -> Option<(Range<usize>, String)> {
        let error = compile(&self.text).err()?;
        let last = error.to_string().lines().last().unwrap_or_default().to_owned();
        Some((self.span.clone(), last))
    }

    fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(&self.text).ok()).as_ref()
    }
}

/// An expression that knows only the letters, digits and blanks of ASCII, which takes a tenth of the time to compile; one
/// that cannot be read so knows all of Unicode.
fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).unicode(false).build().or_else(|_| Regex::new(text))
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let located = Located::deserialize(deserializer)?;
        let span = located.span();
        Ok(Self { text: located.into_inner(), span, compiled: OnceLock::new() })
    }
}

/// Whether `name` fits `pattern`, in which `*` stands for any characters.
pub(crate) fn name_matches(pattern: &str, name: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    while let Some((middle, after)) = rest.split_once('*') {
        let Some(at) = name.find(middle) else { return false };
        name = &name[at + middle.len()..];
        rest = after;
    }
    name.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, name, expected) in [
            ("pip3.*", "pip3.11", true),
            ("pip3.*", "pip3", false),
            ("npm_config_*", "npm_config_registry", true),
            ("*-config", "pg-config", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxc", false),
            ("é*", "é", true),
            ("go", "gofmt", false),
        ] {
            assert_eq!(name_matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
