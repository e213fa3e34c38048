//! Files replaced whole or not at all.

use std::fs;
use std::path::Path;

use layerwise::source::atomic::write;
use tempfile::TempDir;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn replaces_and_creates() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("Dockerfile");
    write(&path, b"FROM a\n").unwrap();
    write(&path, b"FROM b\n").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"FROM b\n");
    assert_eq!(names(folder.path()), ["Dockerfile"]);
}

#[test]
fn a_failure_names_the_path_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("Dockerfile")).unwrap();
    let error = write(&folder.path().join("Dockerfile"), b"").unwrap_err();
    assert!(error.to_string().contains("Dockerfile"), "{error}");
    assert!(write(&folder.path().join("none/Dockerfile"), b"").is_err());
    assert_eq!(names(folder.path()), ["Dockerfile"]);
}

#[cfg(unix)]
#[test]
fn keeps_permission_bits_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = TempDir::new().unwrap();
    let real = folder.path().join("real");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    fs::write(&real, "old").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real", folder.path().join("link")).unwrap();
    write(&folder.path().join("link"), b"new").unwrap();
    assert_eq!((fs::read(&real).unwrap(), mode(&real)), (b"new".to_vec(), 0o640));
    assert!(folder.path().join("link").is_symlink());

    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    write(&folder.path().join("new"), b"").unwrap();
    assert_eq!(mode(&folder.path().join("new")), mode(&plain));

    fs::set_permissions(&real, fs::Permissions::from_mode(0o444)).unwrap();
    assert!(write(&real, b"third").is_err());
    assert_eq!(fs::read(&real).unwrap(), b"new");
}
