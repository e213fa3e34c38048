//! Contexts that a build is given by name (`--build-context`), and where files are copied from.
//!
//! A name takes the place of a stage of that name, or else of the image that a file means with it, as in `BuildKit`:
//! <https://docs.docker.com/reference/cli/docker/buildx/build/#build-context>.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::BuildError;
use super::plan::Base;
use crate::context::IgnoreFile;
use crate::runtime::image::Reference;
use crate::runtime::tree::Tree;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedContext {
    /// The files of a folder.
    Folder(PathBuf),
    /// An image, as a `FROM` of this program writes it: `docker://REFERENCE` or `oci:FOLDER[:TAG]`.
    Image(String),
}

/// Contexts by name, which [`context_name`] makes the same for all spellings.
pub type NamedContexts = BTreeMap<String, NamedContext>;

/// The one spelling of a name: as people write a reference, without `:latest`. `None` where it cannot be one.
pub fn context_name(text: &str) -> Option<String> {
    let short = text.to_lowercase().parse::<Reference>().ok()?.short();
    Some(short.strip_suffix(":latest").map_or(short.clone(), str::to_owned))
}

/// What a name of the file stands for among these contexts.
pub(super) fn base(contexts: &NamedContexts, name: &str) -> Option<Base> {
    if contexts.is_empty() {
        return None;
    }
    let name = context_name(name)?;
    Some(match contexts.get(&name)? {
        NamedContext::Folder(_) => Base::Folder(name),
        NamedContext::Image(text) => Base::Image(text.clone()),
    })
}

/// Where files are copied from.
#[derive(Clone, Debug)]
pub(super) struct Supply {
    pub(super) tree: Arc<Tree>,
    /// What of it is not to be seen.
    pub(super) ignore: Option<Arc<IgnoreFile>>,
    /// Whether the owners of its files count.
    pub(super) owners: bool,
    /// How people call it.
    pub(super) called: String,
}

impl Supply {
    /// The files of a folder, which are root's.
    pub(super) fn of_folder(tree: Tree, ignore: Option<IgnoreFile>, called: String) -> Self {
        Self { tree: Arc::new(tree), ignore: ignore.map(Arc::new), owners: false, called }
    }

    /// The files of a stage or an image.
    pub(super) fn of_layers(tree: Arc<Tree>, called: String) -> Self {
        Self { tree, ignore: None, owners: true, called }
    }
}

/// Opens the folders among the contexts.
pub(super) fn open(contexts: &NamedContexts) -> Result<BTreeMap<String, Supply>, BuildError> {
    let folders = contexts.iter().filter_map(|(name, context)| match context {
        NamedContext::Folder(path) => Some((name, path)),
        NamedContext::Image(_) => None,
    });
    folders.map(|(name, path)| Ok((name.clone(), folder(name, path)?))).collect()
}

fn folder(name: &str, path: &Path) -> Result<Supply, BuildError> {
    let unreadable = |error: std::io::Error| BuildError::Context { path: path.to_owned(), reason: error.to_string() };
    let tree = Tree::plain(path).map_err(unreadable)?;
    // Only a file of that name is asked for: the folder has no Dockerfile.
    let ignore = super::ignore_file(&tree, "", None)?;
    Ok(Supply::of_folder(tree, ignore, format!("the context `{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for (text, name) in [
            ("alpine", "alpine"),
            ("docker.io/library/alpine:latest", "alpine"),
            ("Base", "base"),
            ("alpine:3.20", "alpine:3.20"),
            ("ghcr.io/a/b", "ghcr.io/a/b"),
        ] {
            assert_eq!(context_name(text).as_deref(), Some(name));
        }
        assert_eq!(context_name("a b"), None);
    }
}
