//! Files of the store that rot: another byte, an end too early, nothing left, gone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::chance::{Chance, asked, rounds};
use crate::world::{World, bad, good, text};

/// What happens to a file: its name, and how.
type Damage = (&'static str, fn(&Path));

const DAMAGES: [Damage; 4] = [
    ("another byte", |path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    }),
    ("an end too early", |path| {
        let length = fs::metadata(path).unwrap().len();
        fs::File::options().write(true).open(path).unwrap().set_len(length / 2).unwrap();
    }),
    ("nothing left", |path| fs::write(path, "").unwrap()),
    ("gone", |path| fs::remove_file(path).unwrap()),
];

/// Whatever rots, no build gives a wrong image: it succeeds and is right, or says what is wrong, and after that the next
/// one is right.
#[test]
fn a_damaged_file_is_found_and_made_again() {
    let Some(world) = World::of_all() else { return };
    let whole = world.store("first");
    let mut files: Vec<PathBuf> =
        ["blobs/sha256", "cache"].into_iter().flat_map(|folder| entries(&whole.join(folder))).collect();
    files.push(whole.join("index.json"));
    let mut cases: Vec<(PathBuf, usize)> =
        files.iter().flat_map(|file| (0..4).map(|kind| (file.clone(), kind))).collect();
    let mut chance = Chance::new("damage");
    if asked().is_none_or(|asked| asked < cases.len()) {
        let wanted = rounds(6).min(cases.len());
        cases = (0..wanted).map(|_| chance.of(&cases).clone()).collect();
    }
    let mut tally = [0; 3];
    for (number, (file, kind)) in cases.iter().enumerate() {
        let store = world.store(&format!("damaged-{number}"));
        // With owners and attributes of all kinds.
        let copied =
            std::process::Command::new("cp").args(["-a", "--reflink=auto"]).arg(&whole).arg(&store).output().unwrap();
        good(&copied);
        let name = file.strip_prefix(&whole).unwrap();
        DAMAGES[*kind].1(&store.join(name));
        let what = format!("{}: {}", name.display(), DAMAGES[*kind].0);
        tally[tries(&world, &store, &what)] += 1;
        fs::remove_dir_all(&store).unwrap();
    }
    println!(
        "damage: {} builds noticed nothing or healed it, {} said it once, {} said it twice",
        tally[0], tally[1], tally[2]
    );
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// How many builds fail before one is right. One that succeeds must have written the right image.
fn tries(world: &World, store: &Path, what: &str) -> usize {
    let output = store.with_extension("out");
    for failures in 0..3 {
        let _earlier = fs::remove_dir_all(&output);
        let place = format!("oci:{}", output.display());
        let done = world.build_from(store, world.registry().address, &["-o", &place]).output().unwrap();
        if done.status.success() {
            assert_eq!(good(&done), world.right.0, "{what}");
            assert_whole(&output, what);
            // Blobs of other images may be damaged still; that is what the check is for.
            let check = world.layerwise(store, &["store", "check", "--repair"]).output().unwrap();
            assert!(matches!(check.status.code(), Some(0 | 1)), "{what}: {}", text(&check.stderr));
            assert_eq!(good(&world.build(store).output().unwrap()), world.right.0, "{what}, after the repair");
            assert_nothing_but_names(&world.layerwise(store, &["store", "check"]).output().unwrap(), what);
            fs::remove_dir_all(&output).unwrap();
            return failures;
        }
        bad(&done);
        // What the message asks for; builds do not throw names of images away by themselves.
        if text(&done.stderr).contains("store check --repair") {
            let repaired = world.layerwise(store, &["store", "check", "--repair"]).output().unwrap();
            assert_eq!(repaired.status.code(), Some(1), "{what}: {}", text(&repaired.stdout));
        }
    }
    panic!("{what}: no build succeeds");
}

/// What is still wrong are names of images, which are the user's.
#[track_caller]
fn assert_nothing_but_names(check: &Output, what: &str) {
    let said = text(&check.stdout);
    let mut problems = said.lines().filter(|line| line.starts_with("the ") && !line.starts_with("the store is sound"));
    assert!(problems.all(|line| line.starts_with("the image `")), "{what}: {said}");
}

/// The image that the program makes itself is made anew when something of it is gone.
#[test]
fn the_built_in_base_is_made_again() {
    let Some(world) = World::of_all() else { return };
    let store = world.store("built-in");
    good(&world.layerwise(&store, &["build", "base"]).output().unwrap());
    for blob in entries(&store.join("blobs/sha256")) {
        fs::remove_file(blob).unwrap();
    }
    good(&world.layerwise(&store, &["build", "base"]).output().unwrap());
    world.assert_sound(&store);
}

/// Every blob of a layout is what its name says.
#[track_caller]
fn assert_whole(layout: &Path, what: &str) {
    for blob in entries(&layout.join("blobs/sha256")) {
        let digest = layerwise::runtime::image::Digest::of(&fs::read(&blob).unwrap()).hex();
        assert_eq!(digest, blob.file_name().unwrap().to_str().unwrap(), "{what}: a wrong image was written");
    }
}
