//! Rewrites: each folder `tests/cases/rewrite/<case>` is a build context with a hazard; the snapshot shows the plan. What is
//! written must leave nothing to change.
//!
//! The hazards were found, and the plans for them held against `BuildKit`, on contexts of the same form with stand-ins for
//! the package managers; nothing is built here.

mod planned;
mod split_run;

use std::path::Path;

use crate::program;

#[test]
fn every_case_is_planned_as_its_snapshot_says() {
    check("rewrite", &[]);
}

/// The same for plans with moves that are not proven, in `tests/cases/unsafe`.
#[test]
fn every_unproven_case_is_planned_as_its_snapshot_says() {
    check("unsafe", &["--unsafe"]);
}

fn check(group: &str, args: &[&str]) {
    for case in program::cases(group) {
        let folder = tempfile::tempdir().unwrap();
        copy(&case, folder.path());
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let plan = optimize(folder.path(), args);
        let _written = optimize(folder.path(), &[args, &["--write"]].concat());
        let again = optimize(folder.path(), args);
        assert!(again.contains("nothing to change"), "{name}: a plan of a plan's result is not empty:\n{again}");
        program::assert_snapshot(group, &name, &[&["optimize"], args].concat().join(" "), &plan);
    }
}

fn optimize(folder: &Path, args: &[&str]) -> String {
    let run = program::run(program::layerwise(folder, &[&["optimize"], args].concat()), "");
    assert_ne!(run.exit, Some(2), "{}", run.stderr);
    run.stdout
}

/// Copies a folder with its links.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let source = entry.unwrap().path();
        let target = to.join(source.file_name().unwrap());
        if source.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&source).unwrap(), &target).unwrap();
        } else if source.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&source, &target);
        } else {
            std::fs::copy(&source, &target).unwrap();
        }
    }
}
