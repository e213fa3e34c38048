//! Archives and layers of a few kilobytes that unpack to more than there is: a full disk is said before it is full, and
//! nothing of them stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use layerwise::runtime::image::Digest;
use serde_json::{Value, json};

use crate::program::skipped;

/// Bytes of a bomb. The disk of the tests has less than half of it.
const LARGE: u64 = 100 << 20;
/// On that disk: a build, what the store says, what stays in it. `$1` is the program, `$2` the context.
const SCRIPT: &str = "mkdir -p small && mount -t tmpfs -o size=48m none small || exit 77
    export LAYERWISE_STORE=$PWD/small/store
    \"$1\" build --quiet \"$2\"; echo \"build $?\"
    \"$1\" store check; echo \"check $?\"; ls small/store/tmp; du -sk small/store | cut -f1";

fn header(kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_path("zeros").unwrap();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header
}

/// Writes a tar of zeros through a program that compresses; false where that is missing.
fn bomb(to: &Path, header: &tar::Header, size: u64, program: &str) -> bool {
    fs::write(to.with_extension("header"), header.as_bytes()).unwrap();
    let script = format!(
        "(cat {0}.header; head -c {size} /dev/zero; head -c 1024 /dev/zero) | {program} >{1}",
        to.with_extension("").display(),
        to.display()
    );
    Command::new("sh").args(["-c", &script]).status().unwrap().success() && fs::metadata(to).unwrap().len() > 0
}

/// Runs the script; none where a small disk cannot be had.
fn on_a_small_disk(folder: &Path) -> Option<String> {
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", SCRIPT, "sh", env!("CARGO_BIN_EXE_layerwise"), "context"]).current_dir(folder);
    let Output { status, stdout, stderr } = command.output().ok()?;
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.code() != Some(77) && !said.contains("unshare failed")).then_some(said)
}

/// It was said, and nothing is left.
#[track_caller]
fn assert_refused(said: &str, what: &str) {
    assert!(said.contains("build 1\n") && said.contains("check 0\n"), "{what}: {said}");
    assert!(said.contains("needs more than the disk of") && !said.contains("panicked"), "{what}: {said}");
    let kilobytes = said.lines().find_map(|line| line.parse::<u64>().ok()).expect("`du` says it");
    assert!(kilobytes < 1024, "{what}: {kilobytes} kB stay: {said}");
}

const PROGRAMS: [&str; 5] = ["cat", "gzip -1", "bzip2 -1", "xz -0", "zstd -q"];

#[test]
fn an_archive_that_is_too_large_is_refused() {
    for program in PROGRAMS {
        let folder = tempfile::tempdir().unwrap();
        let context = folder.path().join("context");
        fs::create_dir(&context).unwrap();
        fs::write(context.join("Dockerfile"), "FROM scratch\nADD bomb.tar /to/\n").unwrap();
        if !bomb(&context.join("bomb.tar"), &header(tar::EntryType::Regular, LARGE), LARGE, program) {
            skipped(&format!("`{program}` is missing"));
            continue;
        }
        let Some(said) = on_a_small_disk(folder.path()) else { return skipped("no small disk can be had") };
        assert_refused(&said, program);
    }
}

/// A layout with an image of one layer.
fn layout(folder: &Path, layer: &Path, diff: &Digest) -> PathBuf {
    let (place, blobs) = (folder.join("layout"), folder.join("layout/blobs/sha256"));
    fs::create_dir_all(&blobs).unwrap();
    fs::write(place.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let blob = |kind: &str, bytes: &[u8]| {
        let digest = Digest::of(bytes);
        fs::write(blobs.join(digest.hex()), bytes).unwrap();
        json!({ "mediaType": format!("application/vnd.oci.image.{kind}"), "digest": digest.to_string(), "size": bytes.len() })
    };
    let document = |kind: &str, value: &Value| blob(kind, value.to_string().as_bytes());
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let config = json!({ "architecture": architecture, "os": "linux", "config": {},
        "rootfs": { "type": "layers", "diff_ids": [diff.to_string()] } });
    let layers = json!([blob("layer.v1.tar+gzip", &fs::read(layer).unwrap())]);
    let manifest = json!({ "schemaVersion": 2, "config": document("config.v1+json", &config), "layers": layers });
    let index = json!({ "schemaVersion": 2, "manifests": [document("manifest.v1+json", &manifest)] });
    fs::write(place.join("index.json"), index.to_string()).unwrap();
    place
}

#[test]
fn a_layer_that_is_too_large_is_refused() {
    for program in ["gzip -1", "zstd -q"] {
        let folder = tempfile::tempdir().unwrap();
        let context = folder.path().join("context");
        fs::create_dir(&context).unwrap();
        let layer = folder.path().join("bomb.tar");
        if !bomb(&layer, &header(tar::EntryType::Regular, LARGE), LARGE, program) {
            skipped(&format!("`{program}` is missing"));
            continue;
        }
        let place = layout(folder.path(), &layer, &Digest::of(b"whatever"));
        fs::write(context.join("Dockerfile"), format!("FROM oci:{}\nWORKDIR /w\n", place.display())).unwrap();
        let Some(said) = on_a_small_disk(folder.path()) else { return skipped("no small disk can be had") };
        assert_refused(&said, program);
    }
}

/// A header of half a kilobyte: a file of terabytes, all of it a hole.
#[test]
fn a_sparse_file_of_terabytes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context");
    fs::create_dir(&context).unwrap();
    let mut sparse = header(tar::EntryType::GNUSparse, 0);
    sparse.as_gnu_mut().unwrap().set_real_size(64 << 40);
    sparse.set_cksum();
    fs::write(context.join("bomb.tar"), [&sparse.as_bytes()[..], &[0; 1024]].concat()).unwrap();
    fs::write(context.join("Dockerfile"), "FROM scratch\nADD bomb.tar /to/\n").unwrap();
    let Some(said) = on_a_small_disk(folder.path()) else { return skipped("no small disk can be had") };
    assert_refused(&said, "a sparse file");
}

/// A name of gigabytes is no name: the file is no archive, and its content is not taken into memory.
#[test]
fn a_name_without_end_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context");
    fs::create_dir(&context).unwrap();
    let size = 3 << 30;
    if !bomb(&context.join("bomb.tar"), &header(tar::EntryType::GNULongName, size), size, "zstd -q") {
        return skipped("`zstd` is missing");
    }
    fs::write(context.join("Dockerfile"), "FROM scratch\nADD bomb.tar /to/\n").unwrap();
    let script = "ulimit -v 2000000; LAYERWISE_STORE=$PWD/store exec \"$1\" build -o dir:out context";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_layerwise")]).current_dir(folder.path());
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(fs::read(folder.path().join("out/to/bomb.tar")).unwrap(), fs::read(context.join("bomb.tar")).unwrap());
}

#[test]
fn an_honest_sparse_file_is_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context");
    fs::create_dir(&context).unwrap();
    let script =
        "for i in 0 3 4 9 11 12 20 21 40 41 60; do echo $i | dd of=file bs=64k seek=$((i * 3)) conv=notrunc; done
        truncate -s 20000000 file; tar --format=gnu -S -cf context/archive.tar file";
    let made = Command::new("sh").args(["-ec", script]).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(fs::metadata(context.join("archive.tar")).unwrap().len() < 2_000_000, "the archive is not sparse");
    fs::write(context.join("Dockerfile"), "FROM scratch\nADD archive.tar /to/\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_layerwise"));
    command.args(["build", "-o", "dir:out", "context"]).env("LAYERWISE_STORE", folder.path().join("store"));
    let done = command.current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(fs::read(folder.path().join("out/to/file")).unwrap() == fs::read(folder.path().join("file")).unwrap());
}
