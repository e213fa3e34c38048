//! Other Dockerfiles of a project: those whose builds are given the same context with the same ignore file.

use std::path::Path;

use ignore::{DirEntry, WalkBuilder};

use super::{
    context_root::{Fitness, copied_sources, fitness},
    project::Project,
};
use crate::{config::is_dockerfile_name, context::Context, source::DiskContext, syntax::Dockerfile};

/// How deep below the root of a context Dockerfiles are looked for.
const DEEPEST: usize = 4;

/// Entries that are looked at, at most.
const MOST_ENTRIES: usize = 20_000;

/// Path, relative to the root of the context, and text of each other Dockerfile with the same ignore file, sorted. A
/// Dockerfile with an ignore file of its own is none, and neither is one that stands in a folder below with all that it
/// copies.
pub(super) fn neighbours(project: &Project, ignore_file: &str) -> Vec<(String, String)> {
    if project.ignore_path != ignore_file {
        return Vec::new();
    }
    let root = project.disk.root();
    // What a user ignores in all repositories is no statement about this one.
    let mut walk = WalkBuilder::new(root);
    let walk = walk.max_depth(Some(DEEPEST)).hidden(false).git_global(false);
    let walk = walk.filter_entry(is_looked_into).build();
    let files = walk.filter_map(Result::ok).take(MOST_ENTRIES).filter(|entry| {
        entry.file_type().is_some_and(|kind| kind.is_file())
            && entry.file_name().to_str().is_some_and(is_dockerfile_name)
    });
    let paths = files.filter_map(|entry| Some(entry.path().strip_prefix(root).ok()?.to_str()?.replace('\\', "/")));
    let mut paths: Vec<String> = paths.filter(|path| *path != project.dockerfile).collect();
    paths.sort();
    let shared = paths.into_iter().filter_map(|path| {
        let text = String::from_utf8(project.read(&path).ok()?).ok()?;
        let has_own = project.entry(&format!("{path}.{}", ignore_file.trim_start_matches('.'))).is_some();
        (!has_own && shares_context(root, &path, &text)).then_some((path, text))
    });
    shared.collect()
}

fn is_looked_into(entry: &DirEntry) -> bool {
    entry.file_name() != ".git" && entry.file_name() != "node_modules"
}

/// Whether a Dockerfile is built from the root of the context: no folder between the two has all that it copies.
fn shares_context(root: &Path, path: &str, text: &str) -> bool {
    let wanted = copied_sources(&Dockerfile::parse(text));
    let file = root.join(path);
    let Some(own) = file.parent() else { return true };
    own.ancestors().take_while(|folder| *folder != root && folder.starts_with(root)).all(|folder| {
        let Ok(context) = DiskContext::new(folder) else { return true };
        fitness(&context, &file, &wanted, false) != Fitness::Root
    })
}
