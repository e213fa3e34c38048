//! The program as its user meets it: each file of `tests/cases/cli` is a folder of files, one call or more, and the exit
//! codes; the snapshot holds what was printed and which files changed.

mod builds;
mod changed_since;
mod completions;
mod standards;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;

use crate::program::{self, Run};

/// A case.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Case {
    /// What it shows.
    about: String,
    /// Text of files by path.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Files that are no text.
    #[serde(default)]
    bytes: BTreeMap<String, Vec<u8>>,
    /// Files with one line of `x` of that length after `RUN `.
    #[serde(default)]
    long: BTreeMap<String, usize>,
    /// Empty folders.
    #[serde(default)]
    folders: Vec<String>,
    /// What is called, in order, each in the folder that the one before left behind.
    calls: Vec<Call>,
}

/// One call of the program.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Call {
    args: Vec<String>,
    exit: i32,
    #[serde(default)]
    stdin: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Keep only this many bytes of each line of the output in the snapshot.
    cut: Option<usize>,
}

#[test]
fn every_case_prints_what_its_snapshot_says() {
    for path in program::cases("cli") {
        let name = program::name(&path);
        let case: Case = toml::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let folder = tempfile::tempdir().unwrap();
        prepare(&case, folder.path());
        let mut shown = String::new();
        for call in &case.calls {
            let before = texts(folder.path(), folder.path());
            let run = run(call, folder.path());
            assert_eq!(run.exit, Some(call.exit), "{name}: {:?}\n{}\n{}", call.args, run.stdout, run.stderr);
            show(call, &run, &mut shown);
            show_changes(&before, &texts(folder.path(), folder.path()), &mut shown);
        }
        program::assert_snapshot("cli", &name, &case.about, &shown);
    }
}

fn prepare(case: &Case, folder: &Path) {
    for (path, text) in &case.files {
        program::write(folder, path, text.as_bytes());
    }
    for (path, bytes) in &case.bytes {
        program::write(folder, path, bytes);
    }
    for (path, length) in &case.long {
        program::write(folder, path, format!("FROM alpine:3.20\nRUN {}\n", "x".repeat(*length)).as_bytes());
    }
    for path in &case.folders {
        std::fs::create_dir_all(folder.join(path)).unwrap();
    }
}

fn run(call: &Call, folder: &Path) -> Run {
    let mut command = program::layerwise(folder, &call.args);
    command.envs(&call.env);
    program::run(command, &call.stdin)
}

fn show(call: &Call, run: &Run, shown: &mut String) {
    for (name, value) in &call.env {
        write!(shown, "{name}={value} ").unwrap();
    }
    writeln!(shown, "$ layerwise {}\nexit code {}", call.args.join(" "), call.exit).unwrap();
    for (name, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        if !text.is_empty() {
            writeln!(shown, "---- {name}").unwrap();
            for line in text.lines() {
                let end = call.cut.map_or(line.len(), |cut| line.len().min(cut));
                writeln!(shown, "{}", line.get(..end).unwrap_or(line).replace('\u{1b}', "<ESC>")).unwrap();
            }
        }
    }
}

fn show_changes(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>, shown: &mut String) {
    for (path, bytes) in after.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes)) {
        writeln!(shown, "---- {path} is now\n{}", String::from_utf8_lossy(bytes).replace('\r', "<CR>")).unwrap();
    }
    for path in before.keys().filter(|path| !after.contains_key(*path)) {
        writeln!(shown, "---- {path} is gone").unwrap();
    }
}

/// Every file below `folder` by its path from `root`.
fn texts(root: &Path, folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(texts(root, &path));
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.insert(name, std::fs::read(path).unwrap());
        }
    }
    files
}

/// `/proc/self/mem` exists on Linux, is a file, and gives an error to whoever reads its start, root included.
#[test]
fn a_file_that_cannot_be_read_is_named() {
    let path = "/proc/self/mem";
    if !Path::new(path).exists() {
        program::skipped(&format!("no {path}"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    program::write(folder.path(), "Dockerfile", b"FROM debian\n");
    let run = program::run(program::layerwise(folder.path(), &["check", "Dockerfile", path]), "");
    assert_eq!(run.exit, Some(2));
    assert!(run.stderr.contains("`/proc/self/mem` cannot be read"), "{}", run.stderr);
    assert!(run.stdout.contains("unpinned-base-image"), "the other file is still checked: {}", run.stdout);
}

/// A Dockerfile with one fix.
const MENDABLE: &[u8] = b"# layerwise ignore=unpined-base-image\nFROM debian\n";

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_written_stays_and_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    program::write(folder.path(), "Dockerfile", MENDABLE);
    let file = folder.path().join("Dockerfile");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
    let run = program::run(program::layerwise(folder.path(), &["check", "--fix"]), "");
    assert_eq!(run.exit, Some(2));
    assert!(run.stderr.contains("`Dockerfile` cannot be written: the file is read-only"), "{}", run.stderr);
    assert!(run.stdout.contains("unknown-suppression"), "what was not mended is still shown: {}", run.stdout);
    assert_eq!(std::fs::read(file).unwrap(), MENDABLE);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    program::write(folder.path(), "docker/real", MENDABLE);
    let (real, link) = (folder.path().join("docker/real"), folder.path().join("Dockerfile"));
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("docker/real", &link).unwrap();
    let run = program::run(program::layerwise(folder.path(), &["check", "--fix", "Dockerfile"]), "");
    assert_eq!(run.exit, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("docker/real"));
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_ne!(std::fs::read(&real).unwrap(), MENDABLE);
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 2, "no temporary file is left");
}

/// `a/link/..` is the parent of what the link points to, not `a`.
#[cfg(unix)]
#[test]
fn dots_after_a_link_lead_where_the_system_says() {
    let folder = tempfile::tempdir().unwrap();
    program::write(folder.path(), "real/Dockerfile", b"FROM debian\n");
    program::write(folder.path(), "real/inner/x", b"");
    program::write(folder.path(), "a/Dockerfile", b"FROM debian:12\n");
    std::os::unix::fs::symlink("../real/inner", folder.path().join("a/link")).unwrap();
    let run = program::run(program::layerwise(folder.path(), &["check", "a/link/../Dockerfile"]), "");
    assert_eq!(run.exit, Some(1), "{}", run.stdout);
}

/// The order of the arguments, and how many threads there are, change nothing.
#[test]
fn output_is_the_same_every_time() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..40 {
        program::write(folder.path(), &format!("d{number}/Dockerfile"), b"FROM debian\nRUUN x\n");
    }
    let output = |args: &[&str], threads: &str| {
        let mut command = program::layerwise(folder.path(), args);
        command.env("RAYON_NUM_THREADS", threads);
        program::run(command, "").stdout
    };
    let expected = output(&["check", "--output-format", "json", "."], "1");
    assert_eq!(output(&["check", "--output-format", "json", "."], "8"), expected);
    assert_eq!(output(&["check", "--output-format", "json", "d39/Dockerfile", ".", "d0"], "8"), expected);
}
