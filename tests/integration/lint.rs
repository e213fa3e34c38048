//! Rules: each folder `tests/cases/lint/<rule>/<case>` is a build context; the snapshot shows what the user sees, then
//! the fixes as a diff, then what is left after them.

use std::path::Path;

use crate::program;

#[test]
fn every_case_shows_what_its_snapshot_says() {
    for rule in program::cases("lint") {
        let rule = program::name(&rule);
        for case in program::cases(&format!("lint/{rule}")) {
            let folder = tempfile::tempdir().unwrap();
            copy(&case, folder.path());
            let name = case.file_name().unwrap().to_string_lossy().into_owned();
            program::assert_snapshot(&format!("lint/{rule}"), &name, &rule, &show(&rule, folder.path()));
        }
    }
}

/// A rule's own findings, its fixes, and its findings after them.
fn show(rule: &str, folder: &Path) -> String {
    let call = |args: &[&str]| {
        let all = [&["check", "--select", rule, "--unsafe-fixes"], args].concat();
        let run = program::run(program::layerwise(folder, &all), "");
        assert_ne!(run.exit, Some(2), "{}", run.stderr);
        run.stdout
    };
    let found = call(&[]);
    let diff = call(&["--diff"]);
    if diff.is_empty() {
        return found;
    }
    let left = call(&["--fix", "--output-format", "concise"]);
    let again = call(&["--diff"]);
    assert!(again.is_empty(), "fixing twice is not fixing once:\n{again}");
    format!("{found}---- diff\n{diff}---- after\n{left}")
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let (source, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if source.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&source, &target);
        } else {
            std::fs::copy(&source, &target).unwrap();
        }
    }
}
