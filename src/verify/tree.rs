//! Trees: the files of an image after all its layers, by path.
//!
//! A *node* is what stands at a path. Times are no part of it: two builds never agree on them. Paths start from the root
//! of the image, without a leading `/`; the root itself is the empty path, where layers tell of it.

use std::collections::BTreeMap;

/// The mark that removes what a lower layer has at the rest of the name.
/// <https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts>
const WHITEOUT: &str = ".wh.";

/// The name that removes all that lower layers have in its directory.
const OPAQUE: &str = ".wh..wh..opq";

/// Bytes of a block of [`Node::blocks`].
pub const BLOCK: usize = 512;

/// Kinds of [`Node`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A character device, a block device, a pipe.
    Special,
}

impl NodeKind {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Link => "link",
            Self::Special => "special file",
        }
    }
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its kind.
    pub kind: NodeKind,
    /// Permission bits, `0o7777` at most.
    pub mode: u32,
    /// The numbers of its owner and its group.
    pub owner: (u64, u64),
    /// Bytes of a file, else 0.
    pub size: u64,
    /// The SHA-256 of a file's content, in hexadecimal; empty for other kinds.
    pub digest: String,
    /// The same with what only tells the time taken out; `None` where nothing of the kind is known.
    pub timeless: Option<String>,
    /// Of a program, a checksum of each block of [`BLOCK`] bytes; else empty.
    pub blocks: Vec<u32>,
    /// Where a link points, or the numbers of a device.
    pub target: String,
    /// Extended attributes by name.
    pub attributes: BTreeMap<String, Vec<u8>>,
    /// Equal for paths that are one file; unique within a tree otherwise.
    pub identity: u64,
    /// The index of the layer that wrote it.
    pub layer: usize,
}

/// An entry of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerEntry {
    /// Something stands there; `layer` and `identity` are still to be filled in.
    Node(Node),
    /// One more name for the file at this path.
    HardLink(String),
}

/// The entries of one layer, in the order of its archive.
pub type LayerEntries = Vec<(String, LayerEntry)>;

/// The files of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
    /// The layer that removed a path which lower layers had.
    removed: BTreeMap<String, usize>,
    layers: usize,
    identities: u64,
}

impl Tree {
    /// Puts a layer on top.
    pub fn add_layer(&mut self, entries: &[(String, LayerEntry)]) {
        let layer = self.layers;
        self.layers += 1;
        // Whiteouts hold for lower layers only, wherever they stand in the archive.
        for (path, _) in entries {
            self.white_out(path, layer);
        }
        for (path, entry) in entries.iter().filter(|(path, _)| !name(path).starts_with(WHITEOUT)) {
            self.put(path, entry, layer);
        }
    }

    fn white_out(&mut self, path: &str, layer: usize) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name == OPAQUE {
            self.remove_below(folder, layer);
        } else if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            let hidden = if folder.is_empty() { hidden.to_owned() } else { format!("{folder}/{hidden}") };
            self.remove_below(&hidden, layer);
            self.remove(&hidden, layer);
        }
    }

    fn put(&mut self, path: &str, entry: &LayerEntry, layer: usize) {
        let node = match entry {
            LayerEntry::Node(node) => {
                self.identities += 1;
                Node { layer, identity: self.identities, ..node.clone() }
            }
            // A link to what is not there is no file.
            LayerEntry::HardLink(target) => match self.nodes.get(target) {
                Some(node) => Node { layer, ..node.clone() },
                None => return,
            },
        };
        if node.kind != NodeKind::Directory {
            self.remove_below(path, layer);
        }
        self.removed.remove(path);
        self.nodes.insert(path.to_owned(), node);
    }

    fn remove(&mut self, path: &str, layer: usize) {
        if self.nodes.remove(path).is_some() {
            self.removed.insert(path.to_owned(), layer);
        }
    }

    fn remove_below(&mut self, folder: &str, layer: usize) {
        let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let below = self.nodes.range(start.clone()..).take_while(|(path, _)| path.starts_with(&start));
        let below: Vec<String> = below.map(|(path, _)| path.clone()).collect();
        for path in below {
            self.remove(&path, layer);
        }
    }

    /// What stands at a path.
    pub fn node(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// All paths with what stands there, sorted.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// The index of the layer that wrote or removed a path; `None` where no layer did.
    pub fn layer_of(&self, path: &str) -> Option<usize> {
        self.nodes.get(path).map(|node| node.layer).or_else(|| self.removed.get(path).copied())
    }

    /// How many layers there are.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// For each path of a file with several names, the first of them.
    pub fn hard_links(&self) -> BTreeMap<&str, &str> {
        let mut first: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
        for (path, node) in self.nodes().filter(|(_, node)| node.kind == NodeKind::File) {
            first.entry(node.identity).or_default().push(path);
        }
        let groups = first.into_values().filter(|paths| paths.len() > 1);
        groups.flat_map(|paths| paths.clone().into_iter().map(move |path| (path, paths[0]))).collect()
    }
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A file of that content, as a layer holds it.
    pub(crate) fn file(content: &str) -> Node {
        Node {
            kind: NodeKind::File,
            mode: 0o644,
            owner: (0, 0),
            size: content.len() as u64,
            digest: content.to_owned(),
            timeless: None,
            blocks: Vec::new(),
            target: String::new(),
            attributes: BTreeMap::new(),
            identity: 0,
            layer: 0,
        }
    }

    pub(crate) fn directory() -> Node {
        Node { kind: NodeKind::Directory, mode: 0o755, size: 0, digest: String::new(), ..file("") }
    }

    /// A tree of layers, each given by path and node.
    pub(crate) fn tree(layers: &[&[(&str, Node)]]) -> Tree {
        let mut tree = Tree::default();
        for layer in layers {
            let entries = layer.iter().map(|(path, node)| ((*path).to_owned(), LayerEntry::Node(node.clone())));
            tree.add_layer(&entries.collect::<Vec<_>>());
        }
        tree
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.nodes().map(|(path, _)| path).collect()
    }

    #[test]
    fn a_whiteout_removes_what_lower_layers_have() {
        let below: &[_] = &[("a", directory()), ("a/b", file("1")), ("a/c", file("2")), ("ab", file("3"))];
        let removed = tree(&[below, &[(".wh.a", file(""))]]);
        assert_eq!(paths(&removed), ["ab"]);
        assert_eq!(removed.layer_of("a/b"), Some(1));
        let opaque = tree(&[below, &[("a", directory()), ("a/d", file("4")), ("a/.wh..wh..opq", file(""))]]);
        assert_eq!(paths(&opaque), ["a", "a/d", "ab"]);
    }

    #[test]
    fn a_file_takes_the_place_of_a_directory() {
        let replaced = tree(&[&[("a", directory()), ("a/b", file("1"))], &[("a", file("2"))]]);
        assert_eq!(paths(&replaced), ["a"]);
        assert_eq!(replaced.layer_of("a"), Some(1));
    }

    #[test]
    fn names_of_one_file_are_told_apart_from_copies() {
        let mut tree = tree(&[&[("a", file("1")), ("c", file("1"))]]);
        tree.add_layer(&[("b".to_owned(), LayerEntry::HardLink("a".to_owned()))]);
        assert_eq!(tree.hard_links().into_iter().collect::<Vec<_>>(), [("a", "a"), ("b", "a")]);
        tree.add_layer(&[("x".to_owned(), LayerEntry::HardLink("nowhere".to_owned()))]);
        assert!(tree.node("x").is_none());
    }
}
