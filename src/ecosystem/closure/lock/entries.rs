//! Whether a lock file of lines holds exactly the entries that the manifests need.

use std::collections::{HashMap, HashSet};

use super::super::super::pack::Entries;
use super::super::super::{document, path};
use super::super::Build;

impl Build<'_> {
    pub(super) fn holds_exactly(&mut self, entries: &Entries, file: &str) -> bool {
        let Some(text) = self.site.files.read(file) else { return false };
        let locked = read(entries, &text);
        let Some((wanted, own)) = self.wanted(entries) else { return false };
        let Some(mut open) = self.overridden(entries, &locked) else { return false };
        for (name, key) in wanted {
            if locked.by_key.contains_key(&key) {
                open.push(key);
            } else if !own.contains(&name) {
                return false;
            }
        }
        let mut reached: HashSet<String> = HashSet::new();
        while let Some(key) = open.pop() {
            let Some(index) = locked.by_key.get(&key) else { return false };
            if reached.insert(key) {
                open.extend(locked.needs[*index].iter().filter(|need| !reached.contains(*need)).cloned());
            }
        }
        reached.len() == locked.by_key.len()
    }

    /// The keys of overriding ranges that the lock file follows; `None` where it does not, or one cannot be followed.
    fn overridden(&mut self, entries: &Entries, locked: &Locked) -> Option<Vec<String>> {
        let Some(table) = &entries.overrides else { return Some(Vec::new()) };
        let mut keys = Vec::new();
        for manifest in self.files_of(&entries.groups, &entries.files) {
            let tree = self.tree(&manifest)?;
            let Some(overrides) = tree.get(table).and_then(|table| table.as_object()) else { continue };
            if path::parent(&manifest) != self.project {
                continue;
            }
            for (pattern, range) in overrides {
                let name = pattern.strip_prefix("**/").unwrap_or(pattern);
                let plain = !name.contains('*') && name.matches('/').count() == usize::from(name.starts_with('@'));
                let key = format!("{name}@{}", document::scalar_text(range).filter(|_| plain)?);
                let prefix = format!("{name}@");
                let mut borne = locked.by_key.iter().filter(|(other, _)| other.starts_with(&prefix));
                let index = locked.by_key.get(&key)?;
                if borne.any(|(_, other)| other != index) {
                    return None;
                }
                keys.push(key);
            }
        }
        Some(keys)
    }

    /// Names with their keys `name@range` of all manifests, and the names that the manifests themselves bear.
    fn wanted(&mut self, entries: &Entries) -> Option<(Vec<Wanted>, HashSet<String>)> {
        let mut wanted = Vec::new();
        let mut own = HashSet::new();
        for manifest in self.files_of(&entries.groups, &entries.files) {
            let tree = self.tree(&manifest)?;
            own.extend(tree.get("name").and_then(document::scalar_text));
            for table in entries.tables.iter().filter_map(|table| tree.get(table)) {
                for (name, range) in table.as_object()? {
                    wanted.push((name.clone(), format!("{name}@{}", document::scalar_text(range)?)));
                }
            }
        }
        // Only a workspace's own name may stand in for an entry.
        let workspace = self.members.iter().any(|(_, file)| path::parent(file) != self.project);
        Some((wanted, if workspace { own } else { HashSet::new() }))
    }
}

/// A dependency of a manifest: its name and its key `name@range`.
type Wanted = (String, String);

/// The entries of a lock file by their keys; one entry may have several.
struct Locked {
    by_key: HashMap<String, usize>,
    needs: Vec<Vec<String>>,
}

fn read(entries: &Entries, text: &str) -> Locked {
    let mut locked = Locked { by_key: HashMap::new(), needs: Vec::new() };
    for line in text.lines() {
        if let Some(heading) = entries.heading.capture(line) {
            let keys = heading.split(',').map(|key| bare(key).to_owned());
            locked.by_key.extend(keys.map(|key| (key, locked.needs.len())));
            locked.needs.push(Vec::new());
        } else if let Some((name, range)) = entries.needs.capture(line).and_then(|need| need.split_once(' '))
            && let Some(needs) = locked.needs.last_mut()
        {
            needs.push(format!("{}@{}", bare(name), bare(range)));
        }
    }
    locked
}

fn bare(text: &str) -> &str {
    text.trim().trim_matches('"')
}
