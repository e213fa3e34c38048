//! The state of a folder: what each file holds, so that two states can be told apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::layer::hex;

/// By path relative to the folder: kind, permission bits and content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot(BTreeMap<String, String>);

impl Snapshot {
    /// Looks at a folder. Repositories in it are left out.
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        let mut found = BTreeMap::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                let metadata = entry.path().symlink_metadata()?;
                if metadata.is_dir() {
                    if path != ".git" {
                        folders.push(path.clone());
                    }
                } else {
                    found.insert(path, state_of(&entry.path(), &metadata)?);
                }
            }
        }
        Ok(Self(found))
    }

    /// Paths of files that are not the same in both, sorted.
    pub(super) fn changed(&self, other: &Self) -> Vec<String> {
        let paths: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        paths.into_iter().filter(|path| self.0.get(*path) != other.0.get(*path)).cloned().collect()
    }
}

fn state_of(path: &Path, metadata: &fs::Metadata) -> io::Result<String> {
    if metadata.is_symlink() {
        return Ok(format!("link {}", fs::read_link(path)?.display()));
    }
    if !metadata.is_file() {
        return Ok("special".to_owned());
    }
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = io::Read::read(&mut file, &mut buffer)?;
        if count == 0 {
            return Ok(format!("{:o} {}", bits(metadata), hex(&hash.finalize())));
        }
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}

#[cfg(unix)]
fn bits(metadata: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
fn bits(_: &fs::Metadata) -> u32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_states_apart() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("a", "1");
        write("d/b", "1");
        write("d/c", "1");
        write(".git/x", "1");
        let before = Snapshot::of(folder.path()).unwrap();
        write("d/b", "2");
        write("e", "1");
        write(".git/x", "2");
        fs::remove_file(folder.path().join("d/c")).unwrap();
        let after = Snapshot::of(folder.path()).unwrap();
        assert_eq!(before.changed(&after), ["d/b", "d/c", "e"]);
        assert_eq!(before.changed(&before), Vec::<String>::new());
    }
}
