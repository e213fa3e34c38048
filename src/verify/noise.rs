//! What differs between two builds of one file.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Difference, DifferenceKind, differences};
use super::tree::Tree;

/// Bytes by which the size of a noisy file may differ more than it did between the two builds of the original.
const SIZE_SLACK: u64 = 64;

/// What two builds of one file differ in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noise {
    /// The differences themselves.
    pub differences: Vec<Difference>,
    /// By masked path, how it differs, and the range of sizes seen.
    places: BTreeMap<String, Place>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    kinds: BTreeSet<DifferenceKind>,
    sizes: Option<(u64, u64)>,
}

/// The differences between two files, told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What is not noise.
    pub differences: Vec<Difference>,
    /// What is: the candidate has neither what the one build has there nor what the other has.
    pub noise: Vec<Difference>,
}

impl Noise {
    /// The noise of a file from two builds of it.
    pub fn between(first: &Tree, second: &Tree) -> Self {
        let mut noise = Self { differences: differences(first, second), places: BTreeMap::new() };
        for found in &noise.differences {
            let place = noise.places.entry(masked(&found.path)).or_default();
            place.kinds.insert(found.kind);
            let seen = match found.kind {
                DifferenceKind::Removed => (found.sizes.0, found.sizes.0),
                DifferenceKind::Added => (found.sizes.1, found.sizes.1),
                _ => (found.sizes.0.min(found.sizes.1), found.sizes.0.max(found.sizes.1)),
            };
            place.sizes = Some(place.sizes.map_or(seen, |known| (known.0.min(seen.0), known.1.max(seen.1))));
        }
        noise
    }

    /// Compares `after` with two builds of the original: what equals one of them is no difference.
    pub fn compare(&self, first: &Tree, second: &Tree, after: &Tree) -> Compared {
        let with_second: BTreeSet<(String, DifferenceKind)> =
            differences(second, after).into_iter().map(|found| (found.path, found.kind)).collect();
        let mut compared = Compared::default();
        for found in differences(first, after) {
            if !with_second.contains(&(found.path.clone(), found.kind)) {
                continue;
            }
            if self.holds(&found) {
                compared.noise.push(found);
            } else {
                compared.differences.push(found);
            }
        }
        compared
    }

    /// Whether the original differs from itself in this way at this place.
    pub(super) fn holds(&self, found: &Difference) -> bool {
        let Some(place) = self.places.get(&masked(&found.path)) else { return false };
        if !place.kinds.contains(&found.kind) {
            return false;
        }
        let (low, high) = place.sizes.unwrap_or_default();
        let spread = (high - low).max(SIZE_SLACK);
        let size = if found.kind == DifferenceKind::Removed { found.sizes.0 } else { found.sizes.1 };
        (low.saturating_sub(spread)..=high.saturating_add(spread)).contains(&size)
    }
}

/// A path in which runs of digits and long runs of hexadecimal digits of the last part count as one: names that are drawn
/// anew or tell the time.
fn masked(path: &str) -> String {
    const LONG: usize = 8;
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let characters: Vec<char> = name.chars().collect();
    let mut text = format!("{folder}/");
    let mut at = 0;
    while let Some(character) = characters.get(at) {
        let rest = &characters[at..];
        let hexadecimal = rest.iter().take_while(|next| next.is_ascii_hexdigit()).count();
        let digits = rest.iter().take_while(|next| next.is_ascii_digit()).count();
        let run = if hexadecimal >= LONG { hexadecimal } else { digits };
        text.push(if run > 0 { '#' } else { *character });
        at += run.max(1);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::tree::Node;
    use crate::verify::tree::tests::{file, tree};

    fn sized(digest: &str, size: u64) -> Node {
        Node { size, ..file(digest) }
    }

    fn compared(first: &[(&str, Node)], second: &[(&str, Node)], after: &[(&str, Node)]) -> (usize, usize) {
        let (first, second, after) = (tree(&[first]), tree(&[second]), tree(&[after]));
        let compared = Noise::between(&first, &second).compare(&first, &second, &after);
        (compared.differences.len(), compared.noise.len())
    }

    #[test]
    fn names_drawn_anew_are_one() {
        assert_eq!(masked("/var/log/2026-11-21T10_00-debug-0.log"), "/var/log/#-#-#T#_#-debug-#.log");
        assert_eq!(masked("/a1/b-deadbeef99.x"), "/a1/b-#.x");
        assert_eq!(masked("/a/beef"), "/a/beef");
    }

    #[test]
    fn noise_stays_noise_and_nothing_else_does() {
        let log = |name, text| (name, file(text));
        // A log with the time in its name.
        let after: &[_] = &[log("l/3.log", "c"), log("a", "1")];
        assert_eq!(
            compared(&[log("l/1.log", "a"), log("a", "1")], &[log("l/2.log", "b"), log("a", "1")], after),
            (0, 1)
        );
        // Content that differs by itself; mode that does not.
        let changed = Node { mode: 0o600, ..file("c") };
        assert_eq!(compared(&[("x", file("a"))], &[("x", file("b"))], &[("x", changed)]), (1, 1));
        // A file that one build of the original has as well.
        assert_eq!(compared(&[("x", file("a"))], &[], &[]), (0, 0));
        assert_eq!(compared(&[("x", file("a"))], &[("x", file("a"))], &[]), (1, 0));
    }

    #[test]
    fn a_program_that_differs_by_itself_may_not_be_another_one() {
        let (first, second) = (sized("a", 900_000), sized("b", 900_010));
        assert_eq!(
            compared(&[("app", first.clone())], &[("app", second.clone())], &[("app", sized("c", 900_030))]),
            (0, 1)
        );
        assert_eq!(compared(&[("app", first)], &[("app", second)], &[("app", sized("c", 400_000))]), (1, 0));
    }
}
