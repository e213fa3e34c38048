//! Content digests: whether two states of a context are the same to a `COPY`.
//!
//! What counts is what `BuildKit` counts: names, kinds, permission bits, sizes, link targets and bytes; neither times nor
//! owners, which a local context does not keep. The values are our own, not `BuildKit`'s.
//! <https://github.com/moby/buildkit> `cache/contenthash`

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::{Context, Entry, EntryKind, Filtered, Selector, path};

/// Permission bits that every link counts with.
const LINK_MODE: u32 = 0o777;

/// The digest of what a selector takes from one state of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The digest of everything that `selector` copies. Equal digests mean that the step is a hit, as far as the context
/// decides.
pub fn digest(view: &Filtered<'_>, selector: &Selector) -> Digest {
    let mut hash = Sha256::new();
    let mut parents = BTreeSet::new();
    for selected in selector.selected(view, usize::MAX).0 {
        field(&mut hash, &selected.source.to_le_bytes());
        field(&mut hash, selected.name.as_bytes());
        entry(&mut hash, view, &selected.path, &selected.entry);
        if selector.keeps_paths() {
            parents.extend(path::prefixes(path::parent(&selected.path)).map(str::to_owned));
        }
    }
    for parent in parents {
        if let Some(own) = view.entry(&parent) {
            field(&mut hash, parent.as_bytes());
            entry(&mut hash, view, &parent, &own);
        }
    }
    Digest(hash.finalize().into())
}

fn entry(hash: &mut Sha256, view: &Filtered<'_>, path: &str, entry: &Entry) {
    let (kind, mode) = match entry.kind {
        EntryKind::File => (0, entry.mode),
        EntryKind::Directory => (1, entry.mode),
        EntryKind::Link => (2, LINK_MODE),
        EntryKind::Other => (3, entry.mode),
    };
    field(hash, &[kind]);
    field(hash, &mode.to_le_bytes());
    field(hash, entry.link.as_deref().unwrap_or_default().as_bytes());
    if entry.kind == EntryKind::File {
        field(hash, &entry.size.to_le_bytes());
        // What cannot be read fails the build; for the digest it is one more state.
        field(hash, &view.content_digest(path).unwrap_or_default());
    }
}

/// Adds bytes so that no two rows of fields run into each other.
fn field(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Destination, IgnoreFile, MemoryContext};

    fn context() -> MemoryContext {
        let mut context = MemoryContext::from_files([("app/a", "1"), ("app/sub/b", "2"), ("other", "3")]);
        context.link("app/link", "a");
        context
    }

    fn of(context: &MemoryContext, source: &str) -> Digest {
        let ignore = IgnoreFile::parse(".dockerignore", "**/*.log");
        digest(&Filtered::new(context, Some(&ignore)), &Selector::new(&[source], Destination::new("/x/", "/")))
    }

    #[test]
    fn changes_with_what_the_builder_counts() {
        type Change = fn(&mut MemoryContext) -> &mut MemoryContext;
        let cases: [(Change, bool); 8] = [
            (|context| context.file("other", b"4"), false),
            (|context| context.file("app/x.log", b"ignored"), false),
            (|context| context.file("app/a", b"2"), true),
            (|context| context.file_with_mode("app/a", b"1", 0o755), true),
            (|context| context.remove("app/a").file("app/c", b"1"), true),
            (|context| context.remove("app/link").link("app/link", "sub/b"), true),
            (|context| context.directory("app/empty"), true),
            (|context| context.remove("app/link").file("app/link", b"a"), true),
        ];
        for (index, (change, expected)) in cases.into_iter().enumerate() {
            let mut changed = context();
            change(&mut changed);
            for source in ["app", "ap*", "."] {
                let differs = of(&changed, source) != of(&context(), source);
                assert_eq!(differs, expected || (source == "." && index == 0), "case {index}, {source}");
            }
        }
    }

    #[test]
    fn a_source_that_is_a_link_counts_as_what_it_leads_to() {
        let mut context = context();
        context.link("top", "app/a");
        let before = of(&context, "top");
        context.file("app/a", b"new");
        assert_ne!(of(&context, "top"), before);
        assert_eq!(before.to_string().len(), 64);
    }
}
