//! Builds give the same image as Docker's. What Docker makes of each case stands in its `expected`, which
//! `tests/oracle/builds.py` writes: `tests/cases/build` runs no commands, `tests/cases/run` does.

mod attacks;
mod bombs;
mod conformance;
mod escapes;
mod hostile;
mod kernels;
mod layout;
mod mirror;
mod options;
mod surroundings;

use std::path::Path;
use std::process::Command;

use crate::program::{cases, layerwise, run, skipped, write};
use layout::{Image, Tree};

/// The context of a case as its build sees it; `None` where a program that it is made with is missing.
fn prepared(case: &Path, to: &Path) -> Option<()> {
    let status = Command::new("cp").arg("-a").arg(case.join(".")).arg(to).status().unwrap();
    assert!(status.success());
    for name in ["expected", "options", "prepare"] {
        let _ = std::fs::remove_file(to.join(name));
    }
    let script = case.join("prepare");
    if !script.exists() {
        return Some(());
    }
    let made = Command::new("sh").arg("-eu").arg(&script).current_dir(to).output().unwrap();
    // What the shell ends with where it finds no such program.
    let missing = made.status.code() == Some(127);
    assert!(made.status.success() || missing, "{}: {}", script.display(), String::from_utf8_lossy(&made.stderr));
    made.status.success().then_some(())
}

/// What this program builds of a case, with that store; what the base has in the same way is left out.
fn built(case: &Path, folder: &Path, store: &Path, base: &Tree) -> Option<String> {
    let (context, output) = (folder.join("context"), folder.join("layout"));
    std::fs::create_dir(&context).unwrap();
    prepared(case, &context)?;
    let mut arguments = vec!["build".to_owned(), "-o".to_owned(), format!("oci:{}", output.display())];
    let options = std::fs::read_to_string(case.join("options")).unwrap_or_default();
    arguments.extend(options.lines().map(str::to_owned));
    let mut command = layerwise(&context, &arguments);
    command.env("LAYERWISE_STORE", store);
    let done = run(command, "");
    match done.exit {
        Some(0) => {
            let file = std::fs::read_to_string(case.join("Dockerfile")).unwrap();
            let last = file.lines().rfind(|line| line.starts_with("FROM "));
            let nothing = Tree::new();
            let base = if last.is_some_and(|from| from.starts_with("FROM scratch")) { &nothing } else { base };
            Some(Image::read(&output).listing(base))
        }
        Some(1) => Some("fails\n".to_owned()),
        other => panic!("{}: {other:?}: {}", case.display(), done.stderr),
    }
}

/// Builds the cases of a folder and compares.
fn compare(kind: &str, store: &Path, base: &Tree) {
    let mut wrong = Vec::new();
    for case in cases(kind) {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let folder = tempfile::tempdir().unwrap();
        let Some(found) = built(&case, folder.path(), store, base) else {
            skipped(&format!("{name}: its context cannot be made here"));
            continue;
        };
        let expected = std::fs::read_to_string(case.join("expected")).unwrap();
        if found != expected {
            wrong.push(format!("{name}\n{}", similar::TextDiff::from_lines(&expected, &found).unified_diff()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn builds_are_as_docker_makes_them() {
    let store = tempfile::tempdir().unwrap();
    compare("build", store.path(), &Tree::new());
}

/// Says why a test goes without what it needs; fails where a machine is not known to lack it.
fn skip(said: &str) {
    let reason = said.split("error: ").nth(1).unwrap_or(said).lines().next().unwrap_or_default();
    skipped(reason);
    let known = ["no static busybox", "there is none at", "`RUN` cannot be executed here", "is missing", "setpriv: "];
    assert!(known.iter().any(|known| reason.contains(known)), "{said}");
}

#[test]
fn commands_leave_what_they_leave_in_docker() {
    let folder = tempfile::tempdir().unwrap();
    let (store, output) = (folder.path().join("store"), folder.path().join("base"));
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/bases/busybox");
    let output_option = format!("oci:{}", output.display());
    let mut command = layerwise(&base, &["build", "-t", "busybox", "-o", &output_option]);
    command.env("LAYERWISE_STORE", &store);
    let done = run(command, "");
    if done.exit != Some(0) {
        return skip(&done.stderr);
    }
    compare("run", &store, &Image::read(&output).tree);
}

#[test]
fn a_second_build_hits_and_a_change_runs_again() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context");
    write(&context, "Dockerfile", b"FROM scratch\nCOPY a /a\nLABEL x=1\nCOPY b /b\nWORKDIR /w\n");
    write(&context, "a", b"a");
    write(&context, "b", b"b");
    let statuses = |arguments: &[&str]| -> Vec<String> {
        let mut all = vec!["build", "--progress", "json"];
        all.extend(arguments);
        let mut command = layerwise(&context, &all);
        command.env("LAYERWISE_STORE", folder.path().join("store"));
        let done = run(command, "");
        assert_eq!(done.exit, Some(0), "{}", done.stderr);
        let events = done.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let steps = events.filter(|event| event["event"] == "step" && event["bytes"] != 0);
        steps.map(|step| format!("{} {}", step["line"], step["status"].as_str().unwrap())).collect()
    };
    assert_eq!(statuses(&[]), ["2 executed", "4 executed", "5 executed"]);
    assert_eq!(statuses(&[]), ["2 hit", "4 hit", "5 hit"]);
    // A label is in no key.
    write(&context, "Dockerfile", b"FROM scratch\nCOPY a /a\nLABEL x=2\nCOPY b /b\nWORKDIR /w\n");
    write(&context, "b", b"changed");
    assert_eq!(statuses(&[]), ["2 hit", "4 executed", "5 executed"]);
    write(&context, "b", b"b");
    assert_eq!(statuses(&[]), ["2 hit", "4 hit", "5 hit"]);
    assert_eq!(statuses(&["--no-cache"]), ["2 executed", "4 executed", "5 executed"]);
}

#[test]
fn the_same_inputs_give_the_same_image() {
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context");
    write(&context, "Dockerfile", b"FROM scratch\nCOPY . /deep/er/\nWORKDIR /w\n");
    write(&context, "a", b"a");
    let digest = |store: &str| {
        let mut command = layerwise(&context, &["build", "--quiet"]);
        command.env("LAYERWISE_STORE", folder.path().join(store)).env("SOURCE_DATE_EPOCH", "1000");
        let done = run(command, "");
        assert_eq!(done.exit, Some(0), "{}", done.stderr);
        done.stdout
    };
    assert_eq!(digest("one"), digest("two"));
}

#[test]
fn a_failure_shows_its_line() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "Dockerfile", b"FROM scratch\nCOPY missing /\n");
    let mut command = layerwise(folder.path(), &["build"]);
    command.env("LAYERWISE_STORE", folder.path().join("store"));
    let done = run(command, "");
    assert_eq!(done.exit, Some(1));
    let report = done.stderr.split("error: ").nth(1).unwrap();
    assert_eq!(report, "`missing` does not exist in the build context\n --> Dockerfile:2\n  |\n2 | COPY missing /\n");
}
