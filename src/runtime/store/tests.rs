//! Tests of the store: what has a name is whole, what fails leaves nothing.

use std::io::Write;

use super::*;
use crate::runtime::image::{ChainId, Descriptor, ImageConfig, MediaType, Platform, Reference};
use crate::runtime::layer::PackOptions;
use crate::runtime::unprivileged::unprivileged;

fn store(folder: &Path) -> Store {
    let owners = if rustix::process::geteuid().is_root() { Owners::Kept } else { Owners::Recorded };
    Store::open(&folder.join("store")).unwrap().with_owners(owners)
}

/// A layer of one file.
fn layer(store: &Store, name: &str, content: &str) -> Layer {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), content).unwrap();
    let options = PackOptions { owner: Some((0, 0)), clamp: Some(0), ..PackOptions::new(store.owners()) };
    let (blob, _) = store.pack_layer(folder.path(), &[], &options).unwrap();
    Layer { diff_id: blob.digest, blob }
}

#[test]
fn a_blob_is_what_was_asked_for_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let good = Descriptor::new("x", Digest::of(b"content"), 7);
    for (bytes, size) in [(&b"content"[..], 8), (b"Content", 7), (b"content and more", 7), (b"cont", 7)] {
        let expected = Descriptor { size, ..good.clone() };
        let outcome = store.put_blob(bytes, Some(&expected));
        assert!(matches!(outcome, Err(StoreError::Mismatch { .. })), "{outcome:?}");
        assert_eq!(store.blob(&good.digest), None);
    }
    assert_eq!(store.put_blob(&b"content"[..], Some(&good)).unwrap(), good);
    assert!(store.has_blob(&good) && store.blob(&good.digest).is_some());
    store.blob_writer().unwrap().write_all(b"never committed").unwrap();
    let root = store.root().to_owned();
    drop(store);
    assert_eq!(std::fs::read_dir(root.join("tmp")).unwrap().count(), 0, "what is not committed is gone");
}

#[test]
fn names_stand_for_one_image_of_each_platform() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let name: Reference = "app:1".parse().unwrap();
    let image = |text: &str| {
        let config = ImageConfig::scratch(&text.parse().unwrap());
        store.put_image(&config, Vec::new()).unwrap()
    };
    let (amd, arm) = (image("linux/amd64"), image("linux/arm64"));
    store.tag(&name, &amd).unwrap();
    store.tag_from_index(&name, &arm, &Digest::of(b"index")).unwrap();
    let found = |name: &Reference, platform: &str| {
        store.image(name, &platform.parse::<Platform>().unwrap()).unwrap().map(|found| found.manifest.digest)
    };
    assert_eq!(found(&name, "linux/amd64"), Some(amd.digest));
    assert_eq!(found(&name, "linux/arm64"), Some(arm.digest));
    assert_eq!(found(&name, "linux/s390x"), None);
    let by_digest = |digest: Digest| format!("app@{digest}").parse::<Reference>().unwrap();
    assert_eq!(found(&by_digest(Digest::of(b"index")), "linux/arm64"), Some(arm.digest));
    assert_eq!(found(&by_digest(amd.digest), "linux/arm64"), Some(amd.digest));
    assert_eq!(store.images().unwrap().len(), 2);
    assert!(store.untag(&name).unwrap() && !store.untag(&name).unwrap());
    assert_eq!(found(&name, "linux/amd64"), None);
}

#[test]
fn layers_are_unpacked_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let layers: Vec<Layer> = (0..9).map(|number| layer(&store, &format!("file-{number}"), "x")).collect();
    let snapshots = store.unpack_layers(&layers).unwrap();
    for (number, snapshot) in snapshots.iter().enumerate() {
        assert!(snapshot.path.join(format!("file-{number}")).exists());
    }
    // Blobs are not read again.
    std::fs::remove_dir_all(store.root().join("blobs")).unwrap();
    assert_eq!(store.unpack_layers(&layers).unwrap(), snapshots);
}

#[test]
fn a_damaged_blob_is_said_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let (below, layer) = (layer(&store, "a", "x"), layer(&store, "b", "y"));
    let path = store.blob(&layer.blob.digest).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[600] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let outcome = store.unpack_layers(&[below.clone(), layer.clone()]);
    assert!(matches!(outcome, Err(StoreError::Corrupt { .. })), "{outcome:?}");
    assert_eq!(store.blob(&layer.blob.digest), None);
    assert!(store.snapshot(&ChainId(below.diff_id)).is_some(), "what was whole stays");
}

/// A manifest that names the wrong tar: the blob is what its name says, so it stays.
#[test]
fn a_lie_about_a_layer_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let layer = layer(&store, "a", "x");
    let lie = Layer { diff_id: Digest::of(b"else"), ..layer.clone() };
    assert!(matches!(store.unpack_layers(std::slice::from_ref(&lie)), Err(StoreError::Layer { .. })));
    assert!(store.blob(&layer.blob.digest).is_some());
    assert_eq!(store.snapshot(&ChainId(lie.diff_id)), None);
    let missing = Layer { blob: Descriptor::new(MediaType::LAYER, Digest::of(b"none"), 4), ..lie };
    assert!(matches!(store.unpack_layers(&[missing]), Err(StoreError::MissingBlob(_))));
}

#[test]
fn a_record_holds_while_its_layer_does() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let layer = layer(&store, "a", "x");
    let chain = ChainId(layer.diff_id);
    let cached = CachedLayer { blob: layer.blob.clone(), diff_id: layer.diff_id, chain };
    let record = CacheRecord { layer: Some(cached), seconds: 1.5, ..CacheRecord::default() };
    let key = Key([7; 32]);
    assert_eq!(store.cache_get(&key), None);
    store.cache_put(&key, &record).unwrap();
    assert_eq!(store.cache_get(&key), Some(record));
    // A record whose digits rotted would name another layer.
    let path = store.root().join("cache").join(key.to_string());
    let written = std::fs::read_to_string(&path).unwrap();
    let digit = if layer.diff_id.hex().starts_with('0') { '1' } else { '0' };
    let rotten = format!("\"sha256:{digit}{}\"", &layer.diff_id.hex()[1..]);
    std::fs::write(&path, written.replacen(&format!("\"{}\"", layer.diff_id), &rotten, 1)).unwrap();
    assert_eq!(store.cache_get(&key), None);
    std::fs::write(&path, written).unwrap();
    assert!(store.cache_get(&key).is_some());
    std::fs::remove_file(store.blob(&layer.blob.digest).unwrap()).unwrap();
    assert_eq!(store.cache_get(&key), None);
    std::fs::write(store.root().join("cache").join(key.to_string()), "{").unwrap();
    assert_eq!(store.cache_get(&key), None);
}

#[test]
fn the_same_step_runs_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let key = Key([1; 32]);
    let held = store.lock_key(&key).unwrap();
    let order = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _own = store.lock_key(&key).unwrap();
            order.lock().unwrap().push("second");
        });
        std::thread::sleep(std::time::Duration::from_millis(50));
        order.lock().unwrap().push("first");
        drop(held);
    });
    assert_eq!(order.into_inner().unwrap(), ["first", "second"]);
}

/// The folder of a cache mount; its first content is one file.
fn mount(store: &Store, id: &str, sharing: Sharing) -> Option<CacheMount> {
    let fill = |folder: &std::path::Path| -> Result<(), StoreError> {
        assert!(!folder.starts_with(store.root().join("mounts")), "it has its name before it is whole");
        std::fs::write(folder.join("first"), "").map_err(StoreError::disk(folder))
    };
    store.mount_dir(id, sharing, &fill).unwrap()
}

#[test]
fn cache_mounts_are_whole_from_the_start_and_given_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let failed = store.mount_dir("id", Sharing::Shared, &|_| Err(StoreError::InUse));
    let mounts = store.root().join("mounts").join(store.owners().name());
    assert!(matches!(failed, Err(StoreError::InUse)) && mounts.read_dir().unwrap().next().is_none());
    let first = mount(&store, "id", Sharing::Private).unwrap();
    let second = mount(&store, "id", Sharing::Private).unwrap();
    let shared = mount(&store, "id", Sharing::Shared).unwrap();
    assert!(first.path != second.path && first.path == shared.path);
    assert!([&first, &second].iter().all(|mount| mount.path.join("first").exists()));
    // Whoever has it locked is waited for, also where it is the same step.
    assert!(mount(&store, "id", Sharing::Locked).is_none());
    drop(first);
    std::fs::remove_file(shared.path.join("first")).unwrap();
    let locked = mount(&store, "id", Sharing::Locked).unwrap();
    assert!(locked.path == shared.path && !locked.path.join("first").exists(), "what is there is not filled again");
}

#[test]
fn a_root_folder_that_nobody_may_write_to_gets_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from/root"), folder.path().join("to"));
    unprivileged(folder.path(), || {
        std::fs::create_dir_all(&from).unwrap();
        std::fs::create_dir(&to).unwrap();
        let closed = rustix::fs::Mode::from_raw_mode(0o555);
        rustix::fs::chmod(&from, closed).unwrap();
        super::scratch::rename(&from, &to.join("root")).unwrap();
        assert_eq!(rustix::fs::stat(to.join("root")).unwrap().st_mode & 0o7777, 0o555);
    });
}

#[test]
fn leftovers_of_a_dead_process_go() {
    let folder = tempfile::tempdir().unwrap();
    let leftover = folder.path().join("store/tmp/pdead");
    std::fs::create_dir_all(leftover.join("s/fs/a")).unwrap();
    std::fs::create_dir(folder.path().join("store/locks")).unwrap();
    let (first, second) = (store(folder.path()), store(folder.path()));
    let draft = first.new_snapshot(None).unwrap();
    let other = second.new_snapshot(None).unwrap();
    assert!(!leftover.exists());
    assert!(draft.upper.exists() && other.upper.exists(), "who lives keeps what is his");
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("oci-layout"), "something").unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Foreign { .. })));
}

/// Two images and two cached steps, the second of which is old.
fn filled(store: &Store) -> (Layer, Layer, Layer) {
    let (base, new, old) = (layer(store, "base", "x"), layer(store, "new", "y"), layer(store, "old", "z"));
    let mut config = ImageConfig::scratch(&Platform::host());
    config.rootfs.diff_ids = vec![base.diff_id];
    let image = store.put_image(&config, vec![base.blob.clone()]).unwrap();
    store.tag(&"base:1".parse().unwrap(), &image).unwrap();
    for (number, top, age) in [(1, &new, 0), (2, &old, 1_000_000)] {
        let chain = ChainId::on(Some(&ChainId(base.diff_id)), &top.diff_id);
        store.unpack_layers(&[base.clone(), top.clone()]).unwrap();
        let cached = CachedLayer { blob: top.blob.clone(), diff_id: top.diff_id, chain };
        let key = Key([number; 32]);
        store.cache_put(&key, &CacheRecord { layer: Some(cached), ..CacheRecord::default() }).unwrap();
        let file = std::fs::File::open(store.root().join("cache").join(key.to_string())).unwrap();
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(age)).unwrap();
    }
    (base, new, old)
}

#[test]
fn pruning_keeps_what_is_named_or_was_used() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let (base, new, old) = filled(&store);
    let stray = layer(&store, "stray", "");
    let there = |layer: &Layer| store.has_blob(&layer.blob);
    let week = PrunePolicy { unused_for: Some(std::time::Duration::from_secs(600_000)), keep_bytes: None };
    let freed = store.prune(&week).unwrap();
    assert_eq!((freed.records, freed.snapshots, freed.blobs), (1, 1, 2));
    assert!(there(&base) && there(&new) && !there(&old) && !there(&stray));
    assert_eq!(std::fs::read_dir(store.root().join("locks")).unwrap().count(), 0, "locks of steps that are over");
    assert!(store.check(false).unwrap().problems.is_empty());
    assert!(store.cache_get(&Key([1; 32])).is_some());
    // No room at all: the record goes, the image that has a name stays.
    let freed = store.prune(&PrunePolicy { unused_for: None, keep_bytes: Some(0) }).unwrap();
    assert_eq!((freed.records, freed.snapshots, freed.blobs), (1, 1, 1));
    assert!(there(&base) && !there(&new));
    assert!(store.untag(&"base:1".parse().unwrap()).unwrap());
    let freed = store.prune(&PrunePolicy::default()).unwrap();
    assert_eq!((freed.snapshots, freed.blobs), (1, 3));
    let report = store.check(false).unwrap();
    assert_eq!((report.blobs, report.snapshots, report.records, report.problems.len()), (0, 0, 0, 0));
}

#[test]
fn the_least_recently_used_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let (_, new, old) = filled(&store);
    let everything = store.prune(&PrunePolicy { unused_for: None, keep_bytes: Some(u64::MAX) }).unwrap();
    assert_eq!(everything.records, 0);
    let is_there = |layer: &Layer| store.has_blob(&layer.blob);
    // Less and less room: at some point it suffices for one of the two.
    let room = (0..256).rev().map(|pages| pages * 1024).find(|room| {
        store.prune(&PrunePolicy { unused_for: None, keep_bytes: Some(*room) }).unwrap();
        !(is_there(&old) && is_there(&new))
    });
    assert!(room.is_some_and(|room| room > 0) && is_there(&new), "the old one before the new one: {room:?}");
}

#[test]
fn a_check_finds_what_is_damaged_and_repair_removes_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let (base, new, _) = filled(&store);
    for layer in [&base, &new] {
        std::fs::write(store.blob(&layer.blob.digest).unwrap(), "torn").unwrap();
    }
    std::fs::write(store.root().join("cache/half"), "{").unwrap();
    std::fs::write(store.root().join("blobs/sha256/.tmpx"), "").unwrap();
    let report = store.check(true).unwrap();
    let mut kinds: Vec<&str> = report.problems.iter().map(Problem::kind).collect();
    kinds.sort_unstable();
    let wanted = ["broken-image", "broken-record", "broken-record", "corrupt-blob", "corrupt-blob", "stray-file"];
    assert_eq!(kinds, wanted, "{report:?}");
    let kinds: Vec<&str> = store.check(false).unwrap().problems.iter().map(Problem::kind).collect();
    assert_eq!(kinds, ["broken-image"], "the name is the user's");
}

#[test]
fn who_uses_the_store_keeps_it_from_being_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let other = Store::open(store.root()).unwrap();
    let root = store.root().to_owned();
    let waiting = std::thread::spawn(move || Store::open(&root).unwrap().prune(&PrunePolicy::default()));
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(!waiting.is_finished(), "two builds are at work");
    drop((store, other));
    waiting.join().unwrap().unwrap();
}

/// As if the machine had stopped: what is younger than the note is verified, snapshots are unpacked anew.
#[test]
fn what_a_stopped_machine_tore_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let (base, new, _) = filled(&store);
    let root = store.root().to_owned();
    drop(store);
    std::fs::write(root.join("settled"), "another-start 0\n").unwrap();
    std::fs::write(root.join("blobs/sha256").join(new.blob.digest.hex()), "").unwrap();
    std::fs::write(root.join("index.json"), "").unwrap();
    let store = Store::open(&root).unwrap();
    assert!(store.has_blob(&base.blob) && store.blob(&new.blob.digest).is_none());
    assert_eq!(store.snapshot(&ChainId(base.diff_id)), None);
    assert!(store.images().unwrap().is_empty());
    store.settle().unwrap();
    let note = std::fs::read_to_string(root.join("settled")).unwrap();
    assert!(!note.starts_with("another-start"));
}
