//! The folder of the store: ours, or free to become it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use super::{StoreError, settle};

/// What is made first, so that a store that others are making at this moment is known as one.
const FIRST: &str = "locks";
/// All that a store has, besides files that are being written.
const OWN: [&str; 10] =
    [FIRST, "blobs", "cache", "index.json", "mounts", "oci-layout", settle::NOTE, "snap", "store.lock", "tmp"];
/// How files begin that are being written.
const UNFINISHED: &str = ".tmp";
/// What a file system of its own has from the start.
const FOUND: &str = "lost+found";

/// Makes the folder a store, so that nobody else can enter it: what is unpacked holds other people's setuid programs and
/// devices.
///
/// # Errors
/// It holds what is none of a store's, and stays as it is.
pub(super) fn take(root: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::disk(root)(source);
    let mut builder = fs::DirBuilder::new();
    if let Some(above) = root.parent() {
        fs::create_dir_all(above).map_err(failed)?;
    }
    match builder.mode(0o700).create(root) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(failed)?,
    }
    if let Some(stranger) = stranger(root).map_err(failed)? {
        let reason = format!("it holds `{stranger}`, and a store must have its folder for itself");
        return Err(StoreError::Foreign { path: root.to_owned(), reason });
    }
    fs::set_permissions(root, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    let first = root.join(FIRST);
    fs::create_dir_all(&first).map_err(StoreError::disk(first))
}

/// Something in the folder that says that it is no store.
fn stranger(root: &Path) -> io::Result<Option<String>> {
    let names = fs::read_dir(root)?.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<String>>>()?;
    names.sort_unstable();
    names.retain(|name| name != FOUND && !name.starts_with(UNFINISHED));
    let has = |name: &str| names.iter().any(|other| other == name);
    // Once it was opened, what others put there is their affair.
    if has(FIRST) && has("store.lock") && has(settle::NOTE) {
        return Ok(None);
    }
    let unknown = names.iter().find(|name| !OWN.contains(&name.as_str()));
    let foreign = if has(FIRST) { unknown } else { unknown.or(names.first()) };
    Ok(foreign.cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn only_a_free_folder_becomes_a_store() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, files: &[&str]| {
            let root = folder.path().join(name);
            fs::create_dir(&root).unwrap();
            fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
            for name in files {
                let path = root.join(name);
                if matches!(*name, FIRST | "blobs") { fs::create_dir(path) } else { fs::write(path, "") }.unwrap();
            }
            root
        };
        // Somebody's files; an image layout, whose blobs `prune` would not know; a folder that happens to have locks.
        for (name, files) in [
            ("files", &["file"][..]),
            ("layout", &["oci-layout", "index.json", "blobs"]),
            ("locked", &["locks", "file"]),
        ] {
            let root = make(name, files);
            let error = take(&root).unwrap_err().to_string();
            assert!(error.contains("is not a store of this program: it holds `"), "{error}");
            assert_eq!(mode(&root), 0o755, "{name} stays as it is");
            assert_eq!(fs::read_dir(&root).unwrap().count(), files.len());
        }
        for (name, files) in [
            ("empty", &[][..]),
            ("disk", &["lost+found"]),
            ("half", &["locks", "blobs", "store.lock", ".tmpx"]),
            ("used", &["locks", "store.lock", "settled", "file"]),
        ] {
            let root = make(name, files);
            take(&root).unwrap();
            assert_eq!(mode(&root), 0o700, "{name}");
        }
        let new = folder.path().join("a/b");
        take(&new).unwrap();
        assert_eq!((mode(&new), take(&new).is_ok()), (0o700, true));
    }
}
