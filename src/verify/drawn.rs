//! Paths that one build has and another has under another name: times and random parts make them anew each time.
//!
//! They are counted by what they have in common: first by path without runs of digits, then, where that finds no partners,
//! by the folder that they stand in.

use std::collections::BTreeMap;

use super::compare::{Difference, DifferenceKind};
use super::noise::{Compared, Sizes};
use super::tree::{Node, NodeKind, Tree};

/// What paths drawn anew have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alike {
    /// A path, or a folder that ends in `/`, without what is drawn anew.
    place: String,
    kind: &'static str,
    mode: u32,
    owner: (u64, u64),
    target: String,
}

/// How many there are in each of two builds, and of which sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    first: usize,
    second: usize,
    sizes: Sizes,
}

/// The paths that only one of two builds has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Drawn(BTreeMap<Alike, Count>);

impl Alike {
    /// Text in which runs of digits and long runs of hexadecimal digits count as one.
    pub(super) fn masked(text: &str) -> String {
        const LONG: usize = 8;
        let characters: Vec<char> = text.chars().collect();
        let mut masked = String::new();
        let mut at = 0;
        while let Some(character) = characters.get(at) {
            let rest = &characters[at..];
            let hexadecimal = rest.iter().take_while(|next| next.is_ascii_hexdigit()).count();
            let digits = rest.iter().take_while(|next| next.is_ascii_digit()).count();
            let run = if hexadecimal >= LONG { hexadecimal } else { digits };
            masked.push(if run > 0 { '#' } else { *character });
            at += run.max(1);
        }
        masked
    }

    fn by_name(path: &str, node: &Node) -> Self {
        Self {
            place: Self::masked(path),
            kind: node.kind.name(),
            // The bits of a link mean nothing.
            mode: if node.kind == NodeKind::Link { 0 } else { node.mode },
            owner: node.owner,
            target: Self::masked(&node.target),
        }
    }

    /// The same by the folder alone.
    fn by_folder(self) -> Self {
        let folder = self.place.rsplit_once('/').map_or("", |(folder, _)| folder);
        Self { place: format!("{folder}/"), ..self }
    }
}

impl Drawn {
    /// Counts the paths among `found`, the differences between two builds, that only one of them has.
    pub(super) fn of(found: &[Difference], first: &Tree, second: &Tree) -> Self {
        let mut by_name: BTreeMap<Alike, Count> = BTreeMap::new();
        for found in found {
            let (tree, is_first) = match found.kind {
                DifferenceKind::Removed => (first, true),
                DifferenceKind::Added => (second, false),
                _ => continue,
            };
            let Some(node) = tree.node(found.path.trim_start_matches('/')) else { continue };
            let count = by_name.entry(Alike::by_name(&found.path, node)).or_default();
            *if is_first { &mut count.first } else { &mut count.second } += 1;
            count.sizes.add(node.size);
        }
        let (mut drawn, alone): (BTreeMap<_, _>, Vec<_>) = {
            let (paired, alone): (Vec<_>, Vec<_>) =
                by_name.into_iter().partition(|(_, count)| count.first > 0 && count.second > 0);
            (paired.into_iter().collect(), alone)
        };
        let mut by_folder: BTreeMap<Alike, Count> = BTreeMap::new();
        for (alike, count) in &alone {
            by_folder.entry(alike.clone().by_folder()).or_default().merge(count);
        }
        by_folder.retain(|_, count| count.first > 0 && count.second > 0);
        drawn.extend(alone.into_iter().filter(|(alike, _)| !by_folder.contains_key(&alike.clone().by_folder())));
        drawn.extend(by_folder);
        Self(drawn)
    }

    /// Tells apart the paths among `found` that only one of two trees has, the original's first.
    pub(super) fn sort(&self, found: Vec<Difference>, (before, after): (&Tree, &Tree), compared: &mut Compared) {
        let mut groups: BTreeMap<Alike, (Vec<Difference>, Vec<Difference>)> = BTreeMap::new();
        for found in found {
            let is_removed = found.kind == DifferenceKind::Removed;
            let tree = if is_removed { before } else { after };
            let node = tree.node(found.path.trim_start_matches('/'));
            let Some((alike, known)) = node.and_then(|node| self.known(&found.path, node)) else {
                compared.differences.push(found);
                continue;
            };
            if !is_removed && !known.sizes.allow(found.sizes.1) {
                // It counts as one of them all the same, so that no other is told to be missing.
                compared.differences.push(found.clone());
            }
            let group = groups.entry(alike).or_default();
            if is_removed { &mut group.0 } else { &mut group.1 }.push(found);
        }
        for (alike, (removed, added)) in groups {
            let known = self.0.get(&alike).copied().unwrap_or_default();
            let slack = known.first.abs_diff(known.second);
            let (short, more) = (removed.len().saturating_sub(added.len()), added.len().saturating_sub(removed.len()));
            if short > slack {
                compared.differences.extend(removed);
            } else if more > slack {
                compared.differences.extend(added);
            } else {
                compared.noise.extend(removed.into_iter().chain(added));
            }
        }
        compared.noise.retain(|found| !compared.differences.contains(found));
    }

    fn known(&self, path: &str, node: &Node) -> Option<(Alike, &Count)> {
        let alike = Alike::by_name(path, node);
        if let Some(count) = self.0.get(&alike) {
            return Some((alike, count));
        }
        let alike = alike.by_folder();
        self.0.get(&alike).map(|count| (alike.clone(), count))
    }
}

impl Count {
    fn merge(&mut self, other: &Self) {
        self.first += other.first;
        self.second += other.second;
        self.sizes.merge(other.sizes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_drawn_anew_are_one() {
        assert_eq!(Alike::masked("/var/log/2026-11-21T10_00-debug-0.log"), "/var/log/#-#-#T#_#-debug-#.log");
        assert_eq!(Alike::masked("b-deadbeef99.x"), "b-#.x");
        assert_eq!(Alike::masked("/a/beef"), "/a/beef");
    }
}
