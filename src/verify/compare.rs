//! Trees compared, path by path.
//!
//! *Self-noise* is what differs between two builds of one file: contents that hold the time or a random number, names that
//! are drawn anew. A difference between two files is noise where two builds of the first differ in the same way at the same
//! place (`noise`); it is reported as such, never dropped.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Node, NodeKind, Tree};

/// How a path differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceKind {
    /// It stands there before and not after.
    Removed,
    /// It stands there after and not before.
    Added,
    /// A file, a directory, a link: another one.
    Type,
    /// Other bytes.
    Content,
    /// Other permission bits.
    Mode,
    /// Another owner or group.
    Owner,
    /// A link that points elsewhere, or another device.
    Target,
    /// One file under several names on one side only.
    HardLink,
    /// Other extended attributes, such as capabilities.
    Attributes,
}

impl DifferenceKind {
    /// The name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Added => "added",
            Self::Type => "type",
            Self::Content => "content",
            Self::Mode => "mode",
            Self::Owner => "owner",
            Self::Target => "target",
            Self::HardLink => "hard-link",
            Self::Attributes => "attributes",
        }
    }
}

/// A path at which two trees differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The path, from the root of the image, with a leading `/`.
    pub path: String,
    /// How.
    pub kind: DifferenceKind,
    /// What stands there before; empty where nothing does.
    pub before: String,
    /// What stands there after.
    pub after: String,
    /// The sizes of both sides in bytes.
    pub sizes: (u64, u64),
}

/// What builders and runtimes put over the files of an image.
/// <https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-filesystems>
const OVERLAID: [&str; 3] = ["dev", "proc", "sys"];

/// Files that are mounted into every step, and may leave an empty file behind.
const STUBS: [&str; 5] = ["etc/resolv.conf", "etc/hosts", "etc/hostname", ".dockerenv", "run/.containerenv"];

/// The name of the file that gives a replay its own cache.
pub(super) const SALT: &str = ".layerwise-salt";

/// All paths at which two trees differ, sorted by path, then by kind.
pub fn differences(before: &Tree, after: &Tree) -> Vec<Difference> {
    let (links_before, links_after) = (before.hard_links(), after.hard_links());
    let paths: BTreeSet<&str> = before.nodes().chain(after.nodes()).map(|(path, _)| path).collect();
    let mut found = Vec::new();
    for path in paths {
        let (old, new) = (before.node(path), after.node(path));
        if is_overlaid(path) || is_stub(path, old) && is_stub(path, new) {
            continue;
        }
        // Where layers do not tell of the root, it is as builders make it.
        let plain = path.is_empty().then(plain_root);
        let (old, new) = (old.or(plain.as_ref()), new.or(plain.as_ref()));
        let mut pair = Pair { path, found: &mut found };
        match (old, new) {
            (Some(old), Some(new)) => {
                pair.compare(old, new);
                let group =
                    |links: &BTreeMap<&str, &str>| links.get(path).map_or(String::new(), |first| format!("/{first}"));
                pair.check(DifferenceKind::HardLink, (old, new), group(&links_before), group(&links_after));
            }
            (Some(old), None) => pair.one_sided(DifferenceKind::Removed, old),
            (None, Some(new)) => pair.one_sided(DifferenceKind::Added, new),
            (None, None) => {}
        }
    }
    found
}

fn plain_root() -> Node {
    Node {
        kind: NodeKind::Directory,
        mode: 0o755,
        owner: (0, 0),
        size: 0,
        digest: String::new(),
        timeless: None,
        blocks: Vec::new(),
        target: String::new(),
        attributes: BTreeMap::new(),
        identity: 0,
        layer: 0,
    }
}

fn is_overlaid(path: &str) -> bool {
    path.split_once('/').is_some_and(|(top, _)| OVERLAID.contains(&top)) || path.rsplit('/').next() == Some(SALT)
}

/// Nothing, or an empty file at a place where one is left behind.
fn is_stub(path: &str, node: Option<&Node>) -> bool {
    let empty = node.is_none_or(|node| node.kind == NodeKind::File && node.size == 0);
    empty && STUBS.contains(&path)
}

/// A path with the differences found so far.
struct Pair<'a> {
    path: &'a str,
    found: &'a mut Vec<Difference>,
}

impl Pair<'_> {
    fn compare(&mut self, old: &Node, new: &Node) {
        let both = (old, new);
        if old.kind != new.kind {
            self.check(DifferenceKind::Type, both, old.kind.name().to_owned(), new.kind.name().to_owned());
            return;
        }
        if old.digest != new.digest && !(old.timeless.is_some() && old.timeless == new.timeless) {
            self.check(DifferenceKind::Content, both, content(old), content(new));
        }
        // The bits of a link mean nothing.
        if old.kind != NodeKind::Link {
            self.check(DifferenceKind::Mode, both, format!("{:04o}", old.mode), format!("{:04o}", new.mode));
        }
        let owner = |node: &Node| format!("{}:{}", node.owner.0, node.owner.1);
        self.check(DifferenceKind::Owner, both, owner(old), owner(new));
        self.check(DifferenceKind::Target, both, old.target.clone(), new.target.clone());
        self.check(DifferenceKind::Attributes, both, attributes(old), attributes(new));
    }

    fn check(&mut self, kind: DifferenceKind, both: (&Node, &Node), before: String, after: String) {
        if before != after {
            let sizes = (both.0.size, both.1.size);
            self.found.push(Difference { path: format!("/{}", self.path), kind, before, after, sizes });
        }
    }

    fn one_sided(&mut self, kind: DifferenceKind, node: &Node) {
        let said = match node.kind {
            NodeKind::File => content(node),
            kind => kind.name().to_owned(),
        };
        let (before, after) =
            if kind == DifferenceKind::Removed { (said, String::new()) } else { (String::new(), said) };
        let sizes = if kind == DifferenceKind::Removed { (node.size, 0) } else { (0, node.size) };
        self.found.push(Difference { path: format!("/{}", self.path), kind, before, after, sizes });
    }
}

fn content(node: &Node) -> String {
    format!("{} bytes, sha256:{}", node.size, node.digest.get(..12).unwrap_or(&node.digest))
}

fn attributes(node: &Node) -> String {
    let shown = node.attributes.iter().map(|(name, value)| format!("{name}={}", super::layer::hex(value)));
    shown.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::tree::tests::{directory, file, tree};

    fn found(before: &[(&str, Node)], after: &[(&str, Node)]) -> Vec<String> {
        let found = differences(&tree(&[before]), &tree(&[after]));
        found
            .iter()
            .map(|found| format!("{} {} [{}] [{}]", found.kind.name(), found.path, found.before, found.after))
            .collect()
    }

    fn link(target: &str) -> Node {
        Node { kind: NodeKind::Link, target: target.to_owned(), digest: String::new(), ..file("") }
    }

    #[test]
    fn each_property_of_a_path_counts() {
        let changed = Node { mode: 0o755, owner: (1, 2), ..file("xy") };
        assert_eq!(
            found(&[("a", file("x"))], &[("a", changed)]),
            ["content /a [1 bytes, sha256:x] [2 bytes, sha256:xy]", "mode /a [0644] [0755]", "owner /a [0:0] [1:2]",],
        );
        assert_eq!(found(&[("a", link("b"))], &[("a", link("c"))]), ["target /a [b] [c]"]);
        assert_eq!(found(&[("a", directory())], &[("a", file(""))]), ["type /a [directory] [file]"]);
        assert_eq!(found(&[("a", file("x"))], &[]), ["removed /a [1 bytes, sha256:x] []"]);
        assert_eq!(found(&[], &[("a", directory())]), ["added /a [] [directory]"]);
        let capable = Node { attributes: BTreeMap::from([("security.capability".to_owned(), vec![1])]), ..file("x") };
        assert_eq!(found(&[("a", file("x"))], &[("a", capable)]), ["attributes /a [] [security.capability=01]"]);
    }

    #[test]
    fn the_root_counts_where_layers_tell_of_it() {
        assert_eq!(found(&[("", directory())], &[]), Vec::<String>::new());
        let open = Node { mode: 0o777, ..directory() };
        assert_eq!(found(&[], &[("", open)]), ["mode / [0755] [0777]"]);
    }

    #[test]
    fn what_only_tells_the_time_does_not_count() {
        let at = |digest: &str| Node { timeless: Some("same".to_owned()), digest: digest.to_owned(), ..file("x") };
        assert_eq!(found(&[("a.pyc", at("1"))], &[("a.pyc", at("2"))]), Vec::<String>::new());
    }

    #[test]
    fn what_is_mounted_does_not_count_unless_it_has_content() {
        let stub: &[_] = &[("etc/hosts", file("")), ("dev/null", file("x"))];
        assert_eq!(found(stub, &[]), Vec::<String>::new());
        assert_eq!(found(stub, &[("etc/hosts", file("1"))]).len(), 1);
    }
}
