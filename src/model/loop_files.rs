//! Files that a loop goes through: `for plugin in plugins/*` stands for the plugins that the build context has.
//!
//! A pattern is known where everything in the directories that it looks into comes from the build context.

use super::{path::StagePath, view::View};
use crate::{
    context::{EntryKind, Filtered},
    shell::{Part, ShellWord},
};

/// Names that a pattern is matched with, at most.
const MOST_NAMES: usize = 1000;

/// The directories of a stage, as far as the build context fills them.
pub(super) struct Directories<'a> {
    pub(super) context: &'a Filtered<'a>,
    pub(super) view: &'a View<'a>,
    /// Whether something else than copies of context files may have put names into a directory.
    pub(super) is_changed: &'a dyn Fn(&StagePath) -> bool,
}

impl Directories<'_> {
    /// What the shell puts in the place of a word with a pattern, and the directories it looks into; `None` where that is
    /// not known.
    pub(super) fn matching(
        &self,
        word: &ShellWord,
        directory: &StagePath,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Option<(Vec<String>, Vec<StagePath>)> {
        let letters = letters_of(word, lookup)?;
        let mut components = letters.split(|letter| *letter == Letter::Char('/')).peekable();
        let absolute = components.peek().is_some_and(|first| first.is_empty()).then(|| components.next()).is_some();
        let (start, text) = if absolute { (StagePath::root(), "/") } else { (directory.clone(), "") };
        let mut found = vec![(start, text.to_owned())];
        let mut looked_into = Vec::new();
        while let Some(component) = components.next() {
            let is_last = components.peek().is_none();
            let end = if is_last { "" } else { "/" };
            let mut next = Vec::new();
            for (place, text) in found {
                if let Some(name) = plain(component) {
                    next.push((place.join(&format!("./{name}")), text + &name + end));
                    continue;
                }
                for (name, kind) in self.names(&place)? {
                    let kind = if is_last { None } else { Some(kind) };
                    if matches(component, &name) && kind.is_none_or(|kind| kind == EntryKind::Directory) {
                        next.push((place.join(&format!("./{name}")), format!("{text}{name}{end}")));
                    }
                }
                looked_into.push(place);
            }
            found = next;
        }
        let mut texts: Vec<String> = found.into_iter().map(|(_, text)| text).collect();
        texts.sort();
        // A pattern that fits nothing stays as it is.
        if texts.is_empty() {
            texts.push(letters.iter().map(|letter| letter.text()).collect());
        }
        Some((texts, looked_into))
    }

    /// What stands in a directory; `None` where not all of it is known.
    fn names(&self, place: &StagePath) -> Option<Vec<(String, EntryKind)>> {
        if (self.is_changed)(place) {
            return None;
        }
        let names = self.view.names(self.context, place)?;
        let is_link = names.iter().any(|(_, kind)| *kind == EntryKind::Link);
        (!is_link && names.len() <= MOST_NAMES).then_some(names)
    }
}

/// A character of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    Char(char),
    /// `?`
    One,
    /// `*`
    Many,
}

impl Letter {
    fn text(self) -> char {
        match self {
            Self::Char(char) => char,
            Self::One => '?',
            Self::Many => '*',
        }
    }
}

/// The letters of a word whose only patterns are `*` and `?`.
fn letters_of(word: &ShellWord, lookup: &dyn Fn(&str) -> Option<String>) -> Option<Vec<Letter>> {
    let mut letters = Vec::new();
    for part in &word.parts {
        match part {
            Part::Literal(text) => letters.extend(text.chars().map(Letter::Char)),
            Part::Variable { name, .. } => {
                // A value may hold patterns and blanks of its own.
                let value = lookup(name).filter(|value| !value.contains(['*', '?', '[', ' ', '\t', '\n']))?;
                letters.extend(value.chars().map(Letter::Char));
            }
            Part::Pattern(text) => {
                for char in text.chars() {
                    letters.push(match char {
                        '*' => Letter::Many,
                        '?' => Letter::One,
                        _ => return None,
                    });
                }
            }
            Part::Unknown => return None,
        }
    }
    // `**` goes below directories where the shell is told so.
    let goes_below = letters.windows(2).any(|pair| pair == [Letter::Many, Letter::Many]);
    (!goes_below).then_some(letters)
}

fn plain(component: &[Letter]) -> Option<String> {
    let chars = component.iter().map(|letter| match letter {
        Letter::Char(char) => Some(*char),
        _ => None,
    });
    chars.collect()
}

/// Whether a name fits; a dot at its start must be written.
fn matches(component: &[Letter], name: &str) -> bool {
    if name.starts_with('.') && component.first() != Some(&Letter::Char('.')) {
        return false;
    }
    // Which beginnings of the pattern fit what of the name has been read.
    let skip = |reached: &mut Vec<bool>| {
        for index in 0..component.len() {
            reached[index + 1] |= reached[index] && component[index] == Letter::Many;
        }
    };
    let mut reached = vec![false; component.len() + 1];
    reached[0] = true;
    skip(&mut reached);
    for char in name.chars() {
        let mut next = vec![false; component.len() + 1];
        for (index, letter) in component.iter().enumerate().filter(|(index, _)| reached[*index]) {
            match letter {
                Letter::Many => next[index] = true,
                Letter::One => next[index + 1] = true,
                Letter::Char(wanted) => next[index + 1] |= *wanted == char,
            }
        }
        skip(&mut next);
        reached = next;
    }
    reached.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_as_in_a_shell() {
        let letters = |pattern: &str| -> Vec<Letter> {
            let letter = |char| match char {
                '*' => Letter::Many,
                '?' => Letter::One,
                other => Letter::Char(other),
            };
            pattern.chars().map(letter).collect()
        };
        for (pattern, name, expected) in [
            ("*", "a", true),
            ("*", ".a", false),
            (".*", ".a", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt.in", false),
            ("?", "ab", false),
            ("a?c*", "abc", true),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1b2b3", false),
        ] {
            assert_eq!(matches(&letters(pattern), name), expected, "{pattern} {name}");
        }
    }
}
