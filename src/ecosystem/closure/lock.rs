//! Whether a command leaves the lock file as it is.
//!
//! A lock file is *in step* when it repeats what the manifests say and stands as its manager would write it: then the
//! manager writes the same bytes or nothing. The claim is made only where every condition of the pack holds.

mod canonical;
mod entries;

use serde_json::Value;

use super::super::pack::{ClosureSpec, LockSpec, Mirror};
use super::super::{Locking, Need, WriteKind, document, path};
use super::Build;

impl Build<'_> {
    pub(super) fn is_locked(&mut self) -> bool {
        let spec = self.found.spec();
        spec.locked || spec.locked_when.iter().any(|condition| self.holds(condition).is_some())
    }

    /// The lock file that the project has.
    pub(super) fn lock_file(&self, lock: &LockSpec) -> Option<String> {
        let paths = lock.files.iter().filter_map(|name| path::join(&self.project, name));
        paths.into_iter().find(|path| self.site.files.kind(path).is_some())
    }

    pub(super) fn locking(&mut self, lock: &LockSpec) -> Option<Locking> {
        let file = self.lock_file(lock)?;
        let exact = self.is_locked();
        (exact || !self.is_left_alone(lock)).then_some(Locking { file, exact })
    }

    fn is_left_alone(&mut self, lock: &LockSpec) -> bool {
        lock.never_when.iter().any(|condition| self.holds(condition).is_some())
    }

    pub(super) fn lock(&mut self, spec: &ClosureSpec) {
        let Some(lock) = &spec.lock else { return };
        if self.is_locked() {
            if let Some(file) = self.lock_file(lock) {
                // A lock file belongs to the manifest beside it.
                let beside = |(group, path): &&(String, String)| {
                    group == "root" && *path != file && path::parent(path) == path::parent(&file)
                };
                let manifest = self.members.iter().find(beside).map(|(_, path)| path.clone());
                let from = manifest.unwrap_or_else(|| self.found.title.clone());
                self.need(&file, Need::Required { from });
            }
            return;
        }
        if self.is_left_alone(lock) {
            return;
        }
        match self.lock_file(lock) {
            Some(file) if !self.in_step(lock, &file) => self.write(file, WriteKind::MayRewrite),
            Some(_) => {}
            None => {
                if let Some(path) = lock.files.last().and_then(|name| path::join(&self.project, name)) {
                    self.write(path, WriteKind::Create);
                }
            }
        }
    }

    fn in_step(&mut self, lock: &LockSpec, file: &str) -> bool {
        if lock.settled_when.is_empty() && lock.mirrors.is_empty() && lock.entries.is_none() {
            return false;
        }
        !lock.unsettled_when.iter().any(|condition| self.holds(condition).is_some())
            && lock.settled_when.iter().all(|condition| self.holds(condition).is_some())
            && (lock.canonical.is_empty() || self.is_canonical(lock, file))
            && lock.mirrors.iter().all(|mirror| self.mirrors(mirror, file))
            && lock.entries.as_ref().is_none_or(|entries| self.holds_exactly(entries, file))
    }

    fn is_canonical(&self, lock: &LockSpec, file: &str) -> bool {
        let manifest = lock.indented_like.as_ref().and_then(|name| path::join(&self.project, name));
        let manifest = manifest.and_then(|path| self.site.files.read(&path)).unwrap_or_default();
        let text = self.site.files.read(file).unwrap_or_default();
        canonical::is_canonical(&text, &manifest, &lock.canonical)
    }

    fn mirrors(&mut self, mirror: &Mirror, file: &str) -> bool {
        let manifests = self.files_of(&mirror.groups, &mirror.files);
        manifests.iter().all(|manifest| match (&mirror.lock, &mirror.line) {
            (Some(lock), _) => self.mirrors_tables(mirror, manifest, file, lock),
            (None, Some(line)) => self.mirrors_lines(mirror, manifest, file, line),
            (None, None) => false,
        })
    }

    fn mirrors_tables(&mut self, mirror: &Mirror, manifest: &str, file: &str, lock: &str) -> bool {
        let (Some(tree), Some(locked)) = (self.tree(manifest), self.tree(file)) else { return false };
        let directory = match path::relative(&self.project, path::parent(manifest)) {
            None => return false,
            Some(".") => mirror.root.as_str(),
            Some(below) => below,
        };
        let selector = lock.replace("{directory}", directory);
        let Some(part) = document::select(&locked, &selector).first().map(|found| found.value.clone()) else {
            // Managers leave out the part of a manifest without dependencies.
            return mirror.tables.iter().all(|table| is_nothing(tree.get(table)));
        };
        let flags_agree = mirror.flags.iter().all(|flag| {
            let wanted = flag.any_of.iter().any(|selector| !document::select(&tree, selector).is_empty());
            wanted == part.get(&flag.lock).is_some_and(|value| *value == Value::Bool(true))
        });
        flags_agree
            && mirror.tables.iter().all(|table| {
                let named =
                    tree.get(table).filter(|_| mirror.named.contains(table)).and_then(|value| named(&tree, value));
                same(named.as_ref().or(tree.get(table)), part.get(table), mirror.key.as_deref())
            })
    }

    fn mirrors_lines(&mut self, mirror: &Mirror, manifest: &str, file: &str, line: &str) -> bool {
        let Some(entries) = self.manifest_entries(mirror, manifest) else { return false };
        let Some(text) = self.site.files.read(file) else { return false };
        entries.iter().all(|(name, value)| text.contains(&line.replace("{name}", name).replace("{value}", value)))
    }

    fn manifest_entries(&mut self, mirror: &Mirror, manifest: &str) -> Option<Vec<(String, String)>> {
        if let Some(pattern) = &mirror.pattern {
            let text = self.site.files.read(manifest)?;
            let lines = document::lines(&text);
            let found = lines.iter().filter_map(|(_, line)| pattern.capture(line)?.split_once(' '));
            return Some(found.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect());
        }
        let tree = self.tree(manifest)?;
        let tables = mirror.tables.iter().filter_map(|table| tree.get(table)?.as_object());
        tables.flatten().map(|(name, value)| Some((name.clone(), document::scalar_text(value)?))).collect()
    }
}

/// A text as a table of one entry that bears the manifest's own name.
fn named(manifest: &Value, value: &Value) -> Option<Value> {
    let name = manifest.get("name")?.as_str()?;
    let name = name.rsplit('/').next().unwrap_or(name);
    value.as_str().map(|text| Value::Object(std::iter::once((name.to_owned(), Value::from(text))).collect()))
}

fn is_nothing(value: Option<&Value>) -> bool {
    value.is_none_or(|value| value.as_object().is_some_and(serde_json::Map::is_empty))
}

/// Whether manifest and lock file say the same; with a key, entry by entry.
fn same(manifest: Option<&Value>, lock: Option<&Value>, key: Option<&str>) -> bool {
    if is_nothing(manifest) && is_nothing(lock) {
        return true;
    }
    let (Some(manifest), Some(lock)) = (manifest, lock) else { return false };
    let Some(key) = key else { return manifest == lock };
    let (Some(wanted), Some(locked)) = (manifest.as_object(), lock.as_object()) else { return false };
    wanted.len() == locked.len()
        && wanted.iter().all(|(name, value)| locked.get(name).and_then(|entry| entry.get(key)) == Some(value))
}
