//! Layers to and fro: what a tar says is what the folder holds, and nothing outside of it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;

use rustix::fs::{FileType, Mode, XattrFlags};
use tar::{EntryType, Header};

use super::*;

/// A tar made entry by entry, with names that no honest program writes.
#[derive(Default)]
struct Tar(Vec<u8>);

impl Tar {
    fn entry(mut self, kind: EntryType, name: &str, link: &str, content: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
        header.set_size(content.len() as u64);
        header.set_mtime(1_600_000_000);
        header.set_uid(0);
        header.set_gid(0);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, content: &str) -> Self {
        self.entry(EntryType::Regular, name, "", content.as_bytes())
    }

    fn folder(self, name: &str) -> Self {
        self.entry(EntryType::Directory, name, "", b"")
    }

    fn symlink(self, name: &str, to: &str) -> Self {
        self.entry(EntryType::Symlink, name, to, b"")
    }

    fn hardlink(self, name: &str, to: &str) -> Self {
        self.entry(EntryType::Link, name, to, b"")
    }
}

/// As root owners are kept; else they are recorded.
fn owners() -> Owners {
    if rustix::process::geteuid().is_root() { Owners::Kept } else { Owners::Recorded }
}

fn unpacked(tar: &Tar, into: &Path, below: &[&Path]) -> Result<Unpacked, LayerError> {
    fs::create_dir_all(into).unwrap();
    unpack(&tar.0[..], into, below, owners())
}

/// The names of a packed folder, in order.
fn packed_names(upper: &Path, below: &[&Path]) -> Vec<String> {
    let mut out = Vec::new();
    let info = pack(upper, below, &mut out, &PackOptions::new(owners())).unwrap();
    let mut archive = tar::Archive::new(&out[..]);
    let names: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap())
        .collect();
    assert_eq!(info.entries, names.len() as u64);
    names
}

#[test]
fn nothing_leads_out_of_the_folder() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "kept").unwrap();
    let target = outside.path().to_str().unwrap();
    let up = "../".repeat(20) + &target[1..];
    let hostile = [
        Tar::default().file("../secret", "x"),
        Tar::default().file(&format!("{up}/secret"), "x"),
        Tar::default().symlink("a", target).file("a/secret", "x"),
        Tar::default().symlink("a", &up).file("a/secret", "x"),
        Tar::default().symlink("a", &up).folder("a").file("a/secret", "x"),
        Tar::default().symlink("a", target).hardlink("b", "a/secret").file("b", "x"),
        Tar::default().hardlink("b", &format!("{target}/secret")).file("b", "x"),
        Tar::default().hardlink("b", "../../secret"),
        Tar::default().symlink("secret", &format!("{target}/secret")).file("secret", "x"),
        Tar::default().symlink("a", target).file("a/.wh.secret", ""),
        Tar::default().symlink("a", target).file("a/.wh..wh..opq", ""),
        Tar::default().file(".wh...", ""),
        Tar::default().file("a/.wh...", ""),
        Tar::default().file(".wh.", ""),
        Tar::default().symlink("a", "b").symlink("b", "a").file("a/secret", "x"),
        Tar::default().symlink("a", "/proc/self/root").file(&format!("a{target}/secret"), "x"),
        Tar::default().hardlink("a", "a"),
        Tar::default().folder("a").hardlink("b", "a"),
    ];
    for (number, tar) in hostile.iter().enumerate() {
        let into = outside.path().join(format!("layer-{number}"));
        let _ = unpacked(tar, &into, &[]);
        assert_eq!(fs::read_to_string(&secret).unwrap(), "kept", "case {number}");
        let mut names: Vec<_> = fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names.len(), number + 2, "case {number} made something: {names:?}");
        assert_eq!(fs::metadata(&secret).unwrap().nlink(), 1, "case {number}");
    }
}

#[test]
fn links_of_the_layer_are_followed_as_in_a_container() {
    let folder = tempfile::tempdir().unwrap();
    let tar = Tar::default()
        .folder("usr")
        .symlink("lib", "usr/lib")
        .symlink("opt", "/var/opt")
        .file("lib/a", "a")
        .file("opt/b", "b");
    unpacked(&tar, &folder.path().join("x"), &[]).unwrap();
    let read = |path: &str| fs::read_to_string(folder.path().join("x").join(path)).unwrap();
    assert_eq!((read("usr/lib/a"), read("var/opt/b")), ("a".to_owned(), "b".to_owned()));
}

#[test]
fn removed_files_and_folders_become_what_overlay_takes() {
    let folder = tempfile::tempdir().unwrap();
    let tar = Tar::default()
        .file("a/.wh.gone", "")
        .file("b/.wh..wh..opq", "")
        .file("b/new", "")
        .file(".wh.c", "")
        .folder("c")
        .folder("d")
        .file(".wh.d", "")
        .file("e", "e")
        .file(".wh.e", "")
        .file(".wh..wh.aufs", "");
    let root = folder.path().join("x");
    unpacked(&tar, &root, &[]).unwrap();
    let gone = fs::symlink_metadata(root.join("a/gone")).unwrap();
    assert!(gone.file_type().is_char_device() && gone.rdev() == 0);
    for (name, hides) in [("b", true), ("c", true), ("d", true), ("a", false)] {
        assert_eq!(below::is_opaque(&root.join(name), Some(owners())).unwrap(), hides, "{name}");
    }
    assert_eq!(fs::read_to_string(root.join("e")).unwrap(), "e", "a whiteout hides what lies below only");
}

#[test]
fn folders_that_the_tar_leaves_out_are_as_below() {
    let folder = tempfile::tempdir().unwrap();
    let (low, high) = (folder.path().join("low"), folder.path().join("high"));
    fs::create_dir_all(low.join("tmp")).unwrap();
    rustix::fs::chmod(low.join("tmp"), Mode::from_raw_mode(0o1777)).unwrap();
    rustix::fs::chmod(&low, Mode::from_raw_mode(0o711)).unwrap();
    unpacked(&Tar::default().file("tmp/a", "").file("other/b", ""), &high, &[&low]).unwrap();
    let mode = |path: &str| fs::metadata(high.join(path)).unwrap().mode() & 0o7777;
    assert_eq!((mode("tmp"), mode("other"), mode("")), (0o1777, 0o755, 0o711));
}

#[test]
fn a_hard_link_may_lead_to_a_lower_layer() {
    let folder = tempfile::tempdir().unwrap();
    let (low, high) = (folder.path().join("low"), folder.path().join("high"));
    fs::create_dir_all(low.join("a")).unwrap();
    fs::write(low.join("a/file"), "below").unwrap();
    unpacked(&Tar::default().hardlink("b", "a/file"), &high, &[&low]).unwrap();
    assert_eq!(fs::read_to_string(high.join("b")).unwrap(), "below");
    assert_eq!(fs::metadata(high.join("b")).unwrap().nlink(), 2, "both names are one file");
    let missing = unpacked(&Tar::default().hardlink("b", "a/none"), &folder.path().join("z"), &[&low]);
    assert!(matches!(missing, Err(LayerError::Hostile { .. })));
}

#[test]
fn attributes_of_overlay_are_not_taken_from_a_tar() {
    let folder = tempfile::tempdir().unwrap();
    let record = |key: &str, value: &str| {
        let rest = key.len() + value.len() + 3;
        let length = rest + (rest + 2).to_string().len();
        format!("{length} {key}={value}\n")
    };
    let pax = ["trusted.overlay.redirect", "user.overlay.opaque", "user.layerwise.owner", "user.kept"]
        .map(|name| record(&format!("SCHILY.xattr.{name}"), "y"))
        .concat();
    let tar = Tar::default().entry(EntryType::XHeader, "pax", "", pax.as_bytes()).folder("d");
    unpacked(&tar, &folder.path().join("x"), &[]).unwrap();
    let found = folder.path().join("x/d");
    let mut names = [0u8; 512];
    let length = rustix::fs::llistxattr(&found, &mut names[..]).unwrap();
    assert_eq!(&names[..length], b"user.kept\0");
}

#[test]
fn tars_that_break_off_are_errors() {
    let tar = Tar::default().file("a", &"x".repeat(2000));
    for end in [100, 600, 1500, 2511] {
        let folder = tempfile::tempdir().unwrap();
        let outcome = unpacked(&Tar(tar.0[..end].to_vec()), folder.path(), &[]);
        assert!(matches!(outcome, Err(LayerError::Truncated(_))), "{end}: {outcome:?}");
    }
}

/// What stands in a folder, with its seconds.
fn listed(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (name, found) = (entry.file_name().display().to_string(), entry.metadata().unwrap());
        all.push(format!("{name} {:o} {}", found.mode(), found.mtime()));
        if found.is_dir() {
            all.extend(listed(&entry.path()).into_iter().map(|line| format!("{name}/{line}")));
        }
    }
    all.sort();
    all
}

#[test]
fn a_folder_becomes_what_its_tar_says() {
    let folder = tempfile::tempdir().unwrap();
    let (own, again) = (folder.path().join("own"), folder.path().join("again"));
    fs::create_dir_all(own.join("d/e")).unwrap();
    fs::create_dir(&again).unwrap();
    fs::write(own.join("d/new"), "").unwrap();
    let old = fs::File::create(own.join("d/e/old")).unwrap();
    old.set_modified(std::time::UNIX_EPOCH + std::time::Duration::new(7, 5)).unwrap();
    symlink("nowhere", own.join("d/link")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(own.join("d/e/socket")).unwrap());
    let options = PackOptions { clamp: Some(1000), conform: true, ..PackOptions::new(owners()) };
    let mut tar = Vec::new();
    pack(&own, &[], &mut tar, &options).unwrap();
    unpack(&tar[..], &again, &[], owners()).unwrap();
    assert_eq!(listed(&own), listed(&again));
    assert!(listed(&own).iter().any(|line| line.starts_with("d/e/old ") && line.ends_with(" 7")));
}

#[test]
fn a_layer_is_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (low, high) = (folder.path().join("low"), folder.path().join("high"));
    let base =
        Tar::default().folder("a").file("a/kept", "1").file("a/gone", "2").folder("b").file("b/x", "3").folder("c");
    unpacked(&base, &low, &[]).unwrap();
    unpacked(&base, &high, &[]).unwrap();
    assert!(packed_names(&high, &[&low]).is_empty(), "nothing changed");
    // As overlay leaves it: a removed file, a folder that hides the one below, an added file in a folder that is there.
    fs::remove_file(high.join("a/gone")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, high.join("a/gone"), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, high.join("a/never"), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    rustix::fs::lsetxattr(high.join("b"), owners().opaque_attribute(), b"y", XattrFlags::empty()).unwrap();
    fs::remove_file(high.join("b/x")).unwrap();
    symlink("x", high.join("c/link")).unwrap();
    fs::hard_link(high.join("a/kept"), high.join("c/two")).unwrap();
    let names = packed_names(&high, &[&low]);
    assert_eq!(names, ["a/", "a/.wh.gone", "a/kept", "b/", "b/.wh..wh..opq", "c/", "c/link", "c/two"]);
}

/// What is packed and unpacked again packs to the same bytes.
#[test]
fn packing_is_the_inverse_of_unpacking() {
    let folder = tempfile::tempdir().unwrap();
    let long = "n".repeat(90);
    let tar = Tar::default()
        .folder("d")
        .file(&format!("d/{long}"), "content")
        .symlink("s", "nowhere/at/all")
        .hardlink("z", &format!("d/{long}"))
        .entry(EntryType::Fifo, "pipe", "", b"")
        .file(".wh.w", "")
        .file("d/.wh..wh..opq", "");
    let low = folder.path().join("low");
    unpacked(&Tar::default().folder("d").file("w", ""), &low, &[]).unwrap();
    let mut tars = vec![tar.0];
    for number in 0..2 {
        let into = folder.path().join(number.to_string());
        unpacked(&Tar(tars[number].clone()), &into, &[&low]).unwrap();
        let mut out = Vec::new();
        pack(&into, &[&low], &mut out, &PackOptions::new(owners())).unwrap();
        tars.push(out);
    }
    assert!(tars[1] == tars[2] && tars[1].len() > 1024);
}

#[test]
fn owners_setuid_bits_and_capabilities_come_back() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can give files away");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for owners in [Owners::Kept, Owners::Mapped, Owners::Recorded] {
        let (from, to) = (folder.path().join(format!("{owners:?}-a")), folder.path().join(format!("{owners:?}-b")));
        fs::create_dir_all(&from).unwrap();
        fs::create_dir_all(&to).unwrap();
        fs::write(from.join("su"), "x").unwrap();
        std::os::unix::fs::chown(from.join("su"), Some(12), Some(4_000_000)).unwrap();
        rustix::fs::chmod(from.join("su"), Mode::from_raw_mode(0o6755)).unwrap();
        let capability = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        rustix::fs::lsetxattr(from.join("su"), "security.capability", &capability, XattrFlags::empty()).unwrap();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        pack(&from, &[], &mut first, &PackOptions::new(Owners::Kept)).unwrap();
        unpack(&first[..], &to, &[], owners).unwrap();
        pack(&to, &[], &mut second, &PackOptions::new(owners)).unwrap();
        assert!(first == second, "{owners:?}");
        let found = fs::metadata(to.join("su")).unwrap();
        assert_eq!(found.uid(), if owners == Owners::Recorded { 0 } else { 12 });
        assert_eq!(found.mode() & 0o7777, 0o6755);
    }
}

/// A step makes as many folders in one another as a path has room for; a thread has a stack for fewer calls.
#[test]
fn folders_nest_as_deep_as_paths_are_long() {
    let folder = tempfile::tempdir().unwrap();
    let mut deepest = folder.path().join("layer");
    for _ in 0..(3900 - deepest.as_os_str().len()) / 2 {
        deepest.push("a");
    }
    fs::create_dir_all(&deepest).unwrap();
    fs::write(deepest.join("file"), "x").unwrap();
    let layer = folder.path().join("layer");
    let work = || {
        let packed = pack(&layer, &[], io::sink(), &PackOptions::new(owners())).unwrap();
        let flat = flatten(&[&layer], io::sink(), &PackOptions::new(owners())).unwrap();
        (packed.entries, flat.entries)
    };
    let count = deepest.strip_prefix(&layer).unwrap().iter().count() as u64 + 1;
    let found = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 << 10);
        thread.spawn_scoped(scope, work).unwrap().join().unwrap()
    });
    assert_eq!(found, (count, count));
}
