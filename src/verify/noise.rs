//! What differs between two builds of one file, and what of a candidate may be taken for the same.
//!
//! A path that both builds have is *unsteady* in the properties in which they differ: there the candidate must have
//! something of the same type, steady properties as they are, and content of about the size. Of a program, which is where a
//! stale build hides, all blocks that both builds agree on must be as they are.
//!
//! Paths that only one of the builds has are *drawn anew*: names with times and random parts. They are counted by what they
//! have in common, and the candidate must have as many of them as the builds of the original, of the same type, mode and
//! owner. What does not pair up is a difference.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Difference, DifferenceKind, differences};
use super::drawn::{Alike, Drawn};
use super::tree::{Node, Tree};

/// Bytes by which the size of an unsteady file may differ more than it did between the two builds of the original. A log is
/// longer by a line where the machine was slow.
const SIZE_SLACK: u64 = 64;
/// The same for large files: one part in so many, up to so many bytes.
const SIZE_SLACK_OF_LARGE: (u64, u64) = (50, 1024);

/// What two builds of one file differ in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noise {
    /// The differences themselves.
    pub differences: Vec<Difference>,
    /// By path without what is drawn anew in its last part: how it differs, and the sizes seen.
    unsteady: BTreeMap<String, Unsteady>,
    drawn: Drawn,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Unsteady {
    kinds: BTreeSet<DifferenceKind>,
    sizes: Sizes,
}

/// The smallest and the largest size seen, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes(Option<(u64, u64)>);

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
        let differences = differences(first, second);
        let mut unsteady: BTreeMap<String, Unsteady> = BTreeMap::new();
        for found in differences.iter().filter(|found| !is_one_sided(found)) {
            let place = unsteady.entry(without_drawn_name(&found.path)).or_default();
            place.kinds.insert(found.kind);
            place.sizes.add(found.sizes.0);
            place.sizes.add(found.sizes.1);
        }
        let drawn = Drawn::of(&differences, first, second);
        Self { differences, unsteady, drawn }
    }

    /// Compares `after` with two builds of the original: what equals one of them is no difference.
    pub fn compare(&self, first: &Tree, second: &Tree, after: &Tree) -> Compared {
        let with_second: BTreeSet<(String, DifferenceKind)> =
            differences(second, after).into_iter().map(|found| (found.path, found.kind)).collect();
        let mut compared = self.sort(first, after);
        let is_new = |found: &Difference| with_second.contains(&(found.path.clone(), found.kind));
        // Whether names that are drawn anew pair up does not depend on what either of them is.
        compared.differences.retain(|found| is_one_sided(found) || is_new(found));
        compared.noise.retain(is_new);
        let is_other_program = |found: &Difference| {
            let node = |tree: &Tree| tree.node(found.path.trim_start_matches('/')).cloned();
            found.kind == DifferenceKind::Content
                && matches!((node(first), node(second), node(after)), (Some(first), Some(second), Some(after))
                    if is_other_program(&first, &second, &after))
        };
        let (other, noise) = std::mem::take(&mut compared.noise).into_iter().partition(is_other_program);
        compared.noise = noise;
        compared.differences.extend::<Vec<_>>(other);
        compared.differences.sort_by(|one, other| (&one.path, one.kind).cmp(&(&other.path, other.kind)));
        compared
    }

    /// Tells apart the differences between a build of the original and one of the candidate.
    pub(super) fn sort(&self, before: &Tree, after: &Tree) -> Compared {
        let (one_sided, both): (Vec<_>, Vec<_>) = differences(before, after).into_iter().partition(is_one_sided);
        let mut compared = Compared::default();
        for found in both {
            let place = self.unsteady.get(&without_drawn_name(&found.path));
            let is_noise =
                place.is_some_and(|place| place.kinds.contains(&found.kind) && place.sizes.allow(found.sizes.1));
            if is_noise { &mut compared.noise } else { &mut compared.differences }.push(found);
        }
        self.drawn.sort(one_sided, (before, after), &mut compared);
        for found in [&mut compared.differences, &mut compared.noise] {
            found.sort_by(|one, other| (&one.path, one.kind).cmp(&(&other.path, other.kind)));
            found.dedup();
        }
        compared
    }
}

impl Sizes {
    pub(super) fn merge(&mut self, other: Self) {
        if let Some((low, high)) = other.0 {
            self.add(low);
            self.add(high);
        }
    }

    pub(super) fn add(&mut self, size: u64) {
        self.0 = Some(self.0.map_or((size, size), |(low, high)| (low.min(size), high.max(size))));
    }

    /// Whether something of this size may be of the same kind.
    pub(super) fn allow(self, size: u64) -> bool {
        let (low, high) = self.0.unwrap_or_default();
        let (part, most) = SIZE_SLACK_OF_LARGE;
        let spread = (high - low).max(SIZE_SLACK).max((high / part).min(most));
        (low.saturating_sub(spread)..=high.saturating_add(spread)).contains(&size)
    }
}

pub(super) fn is_one_sided(found: &Difference) -> bool {
    matches!(found.kind, DifferenceKind::Removed | DifferenceKind::Added)
}

/// Whether a program is another one in the blocks that do not differ by themselves: at the same places where all have one
/// size, else in what comes before the first that does.
fn is_other_program(first: &Node, second: &Node, after: &Node) -> bool {
    let steady: Vec<bool> = first.blocks.iter().zip(&second.blocks).map(|(one, other)| one == other).collect();
    let all_as_large = first.size == second.size && first.size == after.size;
    let end = if all_as_large { steady.len() } else { steady.iter().position(|steady| !steady).unwrap_or(0) };
    let mut places = steady.iter().take(end).enumerate().filter(|(_, steady)| **steady);
    places.any(|(at, _)| first.blocks.get(at) != after.blocks.get(at))
}

/// A path in which what is drawn anew of the last part counts as one.
fn without_drawn_name(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    format!("{folder}/{}", Alike::masked(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::tree::tests::{directory, file, tree};

    fn sized(digest: &str, size: u64) -> Node {
        Node { size, ..file(digest) }
    }

    fn program(digest: &str, blocks: &[u32]) -> Node {
        Node { size: 512 * blocks.len() as u64, blocks: blocks.to_vec(), ..file(digest) }
    }

    fn sorted(first: &[(&str, Node)], second: &[(&str, Node)], after: &[(&str, Node)]) -> Compared {
        let (first, second, after) = (tree(&[first]), tree(&[second]), tree(&[after]));
        Noise::between(&first, &second).compare(&first, &second, &after)
    }

    fn compared(first: &[(&str, Node)], second: &[(&str, Node)], after: &[(&str, Node)]) -> (usize, usize) {
        let compared = sorted(first, second, after);
        (compared.differences.len(), compared.noise.len())
    }

    #[test]
    fn noise_stays_noise_and_nothing_else_does() {
        let log = |name, text| (name, file(text));
        // A log with the time in its name.
        let (first, second) = ([log("l/1.log", "a"), log("a", "1")], [log("l/2.log", "b"), log("a", "1")]);
        assert_eq!(compared(&first, &second, &[log("l/3.log", "c"), log("a", "1")]), (0, 1));
        assert_eq!(compared(&first, &second, &second), (0, 0));
        // Content that differs by itself; mode that does not.
        let changed = Node { mode: 0o600, ..file("c") };
        assert_eq!(compared(&[("x", file("a"))], &[("x", file("b"))], &[("x", changed)]), (1, 1));
        // A file that differs by itself, and is gone.
        assert_eq!(compared(&[("x", file("a"))], &[("x", file("b"))], &[]), (1, 0));
        assert_eq!(compared(&[("x", file("a"))], &[("x", file("b"))], &[("x", directory())]), (1, 0));
        // A file that one build of the original has as well.
        assert_eq!(compared(&[("x", file("a"))], &[], &[]), (0, 0));
        assert_eq!(compared(&[("x", file("a"))], &[("x", file("a"))], &[]), (1, 0));
    }

    #[test]
    fn as_many_names_drawn_anew_must_be_there() {
        let app = |name: &'static str| (name, file("app"));
        let (first, second) = ([app("out/app-1111aaaa.js")], [app("out/app-2222bbbb.js")]);
        assert_eq!(compared(&first, &second, &[app("out/app-3333cccc.js")]), (0, 1));
        // The candidate has lost the step that makes them, or made one more, or other ones.
        let lost = sorted(&first, &second, &[]);
        assert_eq!(lost.differences.len(), 1);
        assert_eq!(lost.differences[0].path, "/out/app-1111aaaa.js");
        assert_eq!(compared(&first, &second, &[app("out/app-3333cccc.js"), app("out/app-4444dddd.js")]).0, 2);
        let runs = Node { mode: 0o755, ..file("app") };
        assert_eq!(compared(&first, &second, &[("out/app-3333cccc.js", runs)]).0, 2);
        assert_eq!(compared(&first, &second, &[app("out/web-3333cccc.js")]).0, 2);
        let empty = sized("none", 4000);
        assert_eq!(compared(&first, &second, &[("out/app-3333cccc.js", empty)]).0, 1);
    }

    #[test]
    fn folders_drawn_anew_pair_up_with_what_is_in_them() {
        let build = |folder: &'static str, inside: &'static str| [(folder, directory()), (inside, file("x"))];
        let (first, second) = (build("opt/build-17", "opt/build-17/x"), build("opt/build-18", "opt/build-18/x"));
        assert_eq!(compared(&first, &second, &build("opt/build-19", "opt/build-19/x")), (0, 2));
        assert_eq!(compared(&first, &second, &build("opt/build-19", "opt/build-19/y")).0, 2);
        assert_eq!(compared(&first, &second, &[("opt/build-19", directory())]).0, 1);
    }

    #[test]
    fn names_of_letters_pair_up_where_they_stand() {
        let at = |name: &'static str| [(name, file("x"))];
        assert_eq!(compared(&at("tmp/tmpabqu"), &at("tmp/tmpwxyz"), &at("tmp/tmpjklm")), (0, 1));
        assert_eq!(compared(&at("tmp/tmpabqu"), &at("tmp/tmpwxyz"), &[]).0, 1);
        // Nothing is known of what only one build has left.
        assert_eq!(compared(&at("tmp/tmpabqu"), &[], &at("tmp/other")).0, 1);
    }

    #[test]
    fn a_program_that_differs_by_itself_may_not_be_another_one() {
        let of_size = |first, second, after| {
            let app = |digest, size| [("app", sized(digest, size))];
            compared(&app("a", first), &app("b", second), &app("c", after))
        };
        assert_eq!(of_size(900_000, 900_010, 900_030), (0, 1));
        assert_eq!(of_size(900_000, 900_010, 400_000), (1, 0));
        // A log with a line less.
        assert_eq!(of_size(28_182, 28_181, 28_100), (0, 1));
        assert_eq!(of_size(28_182, 28_181, 26_000), (1, 0));
        let of_blocks = |after: &[u32]| {
            let (first, second) = (program("a", &[1, 2, 3, 4]), program("b", &[1, 9, 3, 4]));
            compared(&[("app", first)], &[("app", second)], &[("app", program("c", after))])
        };
        // The time stands in the second block; the rest is the program.
        assert_eq!(of_blocks(&[1, 7, 3, 4]), (0, 1));
        assert_eq!(of_blocks(&[1, 7, 3, 5]), (1, 0));
        assert_eq!(of_blocks(&[5, 7, 3, 4]), (1, 0));
    }
}
