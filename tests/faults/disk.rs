//! A disk that is full: the store, or what the image is written to, on a small file system of memory.

use std::fs;
use std::process::{Command, Stdio};

use crate::chance::{Chance, rounds};
use crate::world::{World, bad, good, text};

/// Runs in a mount namespace of its own: a build in too small a file system, a check, and a build after more room was
/// made. `$1` is the program, `$2` the Dockerfile, `$3` the place, `$4` the options of the file system.
const SCRIPT: &str = "mount -t tmpfs -o mode=777,$4 none \"$3\" || exit 77
    export LAYERWISE_STORE=\"$3/store\"
    \"$1\" build --quiet -t app -f \"$2\" project; echo \"first $?\"
    \"$1\" store check; echo \"check $?\"
    mount -o remount,size=200m,nr_inodes=100k none \"$3\"
    \"$1\" build --quiet -t app -f \"$2\" project; echo \"second $?\"
    \"$1\" store check; echo \"check $?\"; ls \"$3/store/tmp\"";

#[test]
fn a_full_disk_is_said_and_leaves_nothing_wrong() {
    let Some(world) = World::of_all() else { return };
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root may mount a small file system");
        return;
    }
    let needed = used(&world);
    let mut chance = Chance::new("full disk");
    let (mut failed, count) = (0, rounds(4));
    for round in 0..count {
        let size = format!("size={}k", 40 + chance.below(needed));
        let options = if round % 3 == 2 { format!("nr_inodes={}", 20 + chance.below(900)) } else { size };
        let (place, file) =
            (world.path("small"), world.path(&format!("Dockerfile-{}", world.registry().address.port())));
        fs::create_dir_all(&place).unwrap();
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", SCRIPT, "sh"]).arg(world.path("layerwise")).arg(file).arg(place).arg(&options);
        command.current_dir(world.path("")).env("SOURCE_DATE_EPOCH", "1000").stdin(Stdio::null());
        let done = command.output().unwrap();
        if done.status.code() == Some(77) {
            println!("skipped: {}", text(&done.stderr).trim());
            return;
        }
        let (out, said) = (text(&done.stdout), text(&done.stderr));
        let all = format!("{options}\n{out}{said}");
        assert!(!said.contains("panicked"), "{all}");
        if !out.contains("first 0") {
            failed += 1;
            assert!(out.contains("first 1\n") || out.contains("first 2\n"), "{all}");
            assert!(is_full(&said), "{all}");
        }
        assert!(out.contains(&format!("{}\nsecond 0\n", world.right.0)), "{all}");
        // Where there is no room for an empty store there is nothing to check.
        assert!(out.matches("check 0\n").count() == 2 || out.contains("check 2\n"), "{all}");
        assert!(out.ends_with("check 0\n"), "not sound, or leftovers: {all}");
    }
    println!("full disk: {failed} of {count} builds had no room; all recovered");
}

/// Whether a message tells of a disk that is full.
fn is_full(said: &str) -> bool {
    said.to_lowercase().contains("no space left") || said.contains("needs more than the disk of")
}

/// What a store takes, in KiB.
fn used(world: &World) -> usize {
    let du = Command::new("du").arg("-sk").arg(world.store("first")).output().unwrap();
    good(&du).split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_full_destination_is_said_and_gets_nothing_half() {
    let Some(world) = World::of_all() else { return };
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root may mount a small file system");
        return;
    }
    let place = world.path("small");
    fs::create_dir_all(&place).unwrap();
    for output in ["oci:small/out", "docker-archive:small/out", "tar:small/out", "dir:small/out"] {
        let script = "mount -t tmpfs -o size=900k none small || exit 77; \"$@\"; code=$?; \
            ls -A small small/out small/out/blobs/sha256 >&2; cat small/out/index.json >&2; exit $code";
        let build = world.build_from(&world.store("first"), world.registry().address, &["-o", output]);
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]).arg(build.get_program()).args(build.get_args());
        command
            .current_dir(world.path(""))
            .env("LAYERWISE_STORE", world.store("first"))
            .env("SOURCE_DATE_EPOCH", "1000");
        let done = command.stdin(Stdio::null()).output().unwrap();
        if done.status.code() == Some(77) {
            println!("skipped: {}", text(&done.stderr).trim());
            return;
        }
        let said = bad(&done);
        assert!(is_full(&said), "{output}: {said}");
        assert!(!said.contains("\"manifests\":[{"), "{output} names an image that is not whole: {said}");
    }
    world.assert_recovers(&world.store("first"));
}
