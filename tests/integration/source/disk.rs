//! A folder served as a context.

use std::fs::{self, File};

use layerwise::context::{Context, EntryKind, Filtered, IgnoreFile, ReadError};
use layerwise::source::DiskContext;
use tempfile::TempDir;

#[test]
fn a_missing_folder_is_an_error() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(DiskContext::new(folder.path().join("none")).is_err());
    assert!(DiskContext::new(folder.path().join("file")).is_err());
}

#[test]
fn lists_and_reads_lazily() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("src/deep")).unwrap();
    fs::write(folder.path().join("src/b.js"), "b").unwrap();
    fs::write(folder.path().join("src/a é.js"), "é").unwrap();
    let context = DiskContext::new(folder.path()).unwrap();
    let names: Vec<String> = context.list("src").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a é.js", "b.js", "deep"]);
    assert_eq!(context.read("src/a é.js").unwrap(), "é".as_bytes());
    assert_eq!(context.read("none"), Err(ReadError::Missing("none".to_owned())));
    assert!(matches!(context.read("src"), Err(ReadError::Unreadable { .. })));
    assert!(context.list("none").is_empty() && context.list("src/b.js").is_empty());
    assert!(context.entry("src/b.js/x").is_none() && context.entry("a\0b").is_none());
    assert_eq!(context.entry("").unwrap().kind, EntryKind::Directory);
    assert_eq!(context.entry("../../src"), context.entry("src"));
}

#[test]
fn refuses_huge_files() {
    let folder = TempDir::new().unwrap();
    File::create(folder.path().join("huge")).unwrap().set_len(64 * 1024 * 1024).unwrap();
    let context = DiskContext::new(folder.path()).unwrap();
    let error = context.read("huge").unwrap_err();
    assert_eq!(error.to_string(), "`huge` cannot be read: larger than 16 MB");
}

#[cfg(unix)]
#[test]
fn follows_links_within_the_folder_only() {
    use std::os::unix::fs::symlink;
    let outer = TempDir::new().unwrap();
    fs::write(outer.path().join("secret"), "secret").unwrap();
    let root = outer.path().join("context");
    fs::create_dir_all(root.join("real")).unwrap();
    fs::write(root.join("real/file"), "file").unwrap();
    symlink("real/file", root.join("good")).unwrap();
    symlink("real", root.join("folder")).unwrap();
    symlink("../secret", root.join("out")).unwrap();
    symlink(outer.path().join("secret"), root.join("absolute")).unwrap();
    symlink(outer.path(), root.join("up")).unwrap();
    symlink("round", root.join("round")).unwrap();
    let context = DiskContext::new(&root).unwrap();
    assert_eq!(context.read("good").unwrap(), b"file");
    assert_eq!(context.read("folder/file").unwrap(), b"file");
    for path in ["out", "absolute", "up/secret", "round"] {
        assert_eq!(context.read(path), Err(ReadError::Missing(path.to_owned())));
    }
    assert!(context.entry("up/secret").is_none() && context.list("up").is_empty());
    assert_eq!(context.entry("good").unwrap().link.as_deref(), Some("real/file"));
}

#[cfg(unix)]
#[test]
fn survives_what_cannot_be_named_or_read() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(OsStr::from_bytes(b"bad\xff")), "").unwrap();
    fs::write(folder.path().join("tool"), "").unwrap();
    fs::set_permissions(folder.path().join("tool"), fs::Permissions::from_mode(0o4755)).unwrap();
    let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
    let context = DiskContext::new(folder.path()).unwrap();
    let found: Vec<_> = context.list("").into_iter().map(|(name, entry)| (name, entry.kind, entry.mode)).collect();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].0.as_str(), found[0].1), ("socket", EntryKind::Other));
    assert_eq!(found[1], ("tool".to_owned(), EntryKind::File, 0o4755));
    assert!(matches!(context.read("socket"), Err(ReadError::Unreadable { .. })));
}

#[test]
fn serves_a_filtered_context() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("node_modules/a")).unwrap();
    fs::write(folder.path().join("node_modules/a/index.js"), "").unwrap();
    fs::write(folder.path().join("index.js"), "").unwrap();
    fs::write(folder.path().join("Dockerfile.dockerignore"), "**/node_modules\n").unwrap();
    let context = DiskContext::new(folder.path()).unwrap();
    let ignore = IgnoreFile::of_dockerfile(&context, "Dockerfile", None).unwrap().unwrap();
    let walk = Filtered::new(&context, Some(&ignore)).walk("", 10);
    let paths: Vec<&str> = walk.found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["Dockerfile.dockerignore", "index.js"]);
}
