//! Parts of a project that depend on one another: members of a workspace.

use std::collections::{BTreeMap, BTreeSet};

use super::super::pack::Follow;
use super::super::{Need, PathKind, document, path};
use super::Build;

impl Build<'_> {
    /// Notes the part in a directory, where the pack says how parts are named.
    pub(super) fn part(&mut self, follow: &Follow, directory: &str, from: &str) {
        let Some(names) = &follow.names else { return };
        let manifest = follow.take.first().and_then(|name| path::join(directory, name));
        for file in manifest.into_iter().chain([from.to_owned()]) {
            if self.site.files.kind(&file) == Some(PathKind::File) {
                self.parts.entry(file).or_insert_with(|| names.clone());
            }
        }
    }

    /// Notes for each part which manifests depend on it.
    pub(super) fn relate_parts(&mut self) {
        let parts = self.parts.clone();
        let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (file, names) in &parts {
            let Some(tree) = self.tree(file) else { continue };
            let tables = names.used_in.iter().flat_map(|table| document::select(&tree, table));
            let used = tables.filter_map(|table| table.value.as_object()).flat_map(|table| table.keys());
            for name in used {
                users.entry(name.clone()).or_default().insert(file.clone());
            }
        }
        for (file, names) in &parts {
            let Some(tree) = self.tree(file) else { continue };
            let own = document::select(&tree, &names.own).first().and_then(document::Found::text);
            let Some(using) = own.and_then(|name| users.get(&name)) else { continue };
            let using: Vec<String> = using.iter().filter(|user| *user != file).cloned().collect();
            if let Some(read) = self.reads.get_mut(file)
                && let Need::Part { named_by, .. } = &mut read.need
            {
                *named_by = using;
            }
        }
    }
}
