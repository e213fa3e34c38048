//! Files to edit where a project has no history to replay: one source and one manifest.

use std::collections::BTreeMap;

use crate::context::{EntryKind, path};
use crate::model::Build;

/// Bytes of the largest file that is edited.
const EDITABLE: u64 = 1024 * 1024;

/// Files that are looked at.
const MOST_FILES: usize = 5000;

/// Files of the context that steps copy, to be edited one after the other: a source, then a manifest that an install
/// reads; fewer where there are none. The source is of the kind that most copied files are of.
pub fn files_to_edit(build: &Build<'_>) -> Vec<String> {
    let Some(context) = build.inputs.context else { return Vec::new() };
    // What an install only wants to be there is a source.
    let manifests: Vec<&str> =
        build.manifest_reads().filter(|read| !read.presence).map(|read| read.path.as_str()).collect();
    let is_copied = |path: &str| {
        let mut transfers = build.steps().filter_map(|(_, step)| step.transfer());
        transfers.any(|transfer| transfer.selects(path))
    };
    let is_editable = |path: &str| {
        let entry = context.entry(path).filter(|entry| entry.kind == EntryKind::File && entry.size < EDITABLE);
        entry.is_some() && is_copied(path) && context.read(path).is_ok_and(|bytes| !bytes.contains(&0))
    };
    let walk = context.walk("", MOST_FILES);
    let sources = walk.found.iter().filter(|(path, entry)| {
        entry.kind == EntryKind::File
            && !manifests.contains(&path.as_str())
            && !is_of_the_build(path)
            && is_editable(path)
    });
    let mut kinds: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for (path, _) in sources {
        kinds.entry(ending(path)).or_default().push(path);
    }
    let source = kinds.values().max_by_key(|paths| paths.len()).and_then(|paths| paths.first());
    // A lock file is written by a program: with another line break it is none that any commit would have.
    let (locks, plain): (Vec<&str>, Vec<&str>) =
        manifests.iter().copied().partition(|path| build.inputs.catalog.is_lockfile(path::base(path)));
    let manifest = plain.into_iter().chain(locks).find(|path| is_editable(path));
    source.map(|path| (*path).clone()).into_iter().chain(manifest.map(|path| (*path).to_owned())).collect()
}

fn ending(path: &str) -> &str {
    path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, ending)| ending)
}

/// Dockerfiles and ignore files: an edit of them is another build. What is hidden is nobody's source: settings, the
/// repository itself.
fn is_of_the_build(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    path.split('/').any(|part| part.starts_with('.')) || name.contains("dockerfile") || name.contains("containerfile")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Filtered, MemoryContext};
    use crate::ecosystem::Catalog;
    use crate::model::Inputs;
    use crate::syntax::Dockerfile;

    #[test]
    fn a_source_and_a_manifest() {
        let file = Dockerfile::parse("FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n");
        let memory = MemoryContext::from_files([
            ("Dockerfile", ""),
            (".eslintrc", "{}"),
            (".git/hooks/commit-msg.sample", ""),
            (".git/hooks/pre-commit.sample", ""),
            (".git/hooks/update.sample", ""),
            ("README.md", ""),
            ("b.js", ""),
            ("lib/a.js", ""),
            ("package.json", r#"{"name":"a","version":"1.0.0"}"#),
            ("package-lock.json", r#"{"name":"a","version":"1.0.0","lockfileVersion":3,"packages":{}}"#),
        ]);
        let context = Filtered::new(&memory, None);
        let arguments = BTreeMap::new();
        let catalog = Catalog::builtin();
        let build = Build::new(Inputs { file: &file, context: Some(&context), catalog, arguments: &arguments });
        assert_eq!(files_to_edit(&build), ["b.js", "package.json"]);
    }
}
