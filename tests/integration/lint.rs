//! Rules: each folder `tests/cases/lint/<rule>/<case>` is a build context; the snapshot shows what the user sees, then
//! the fixes as a diff, then what is left after them.
//!
//! A case with a `dot-gitignore` is a repository with one commit; the size of its `.git`, which is git's affair, is not
//! shown.

use std::path::Path;
use std::process::Command;

use crate::program;

#[test]
fn every_case_shows_what_its_snapshot_says() {
    for rule in program::cases("lint") {
        let rule = program::name(&rule);
        for case in program::cases(&format!("lint/{rule}")) {
            let folder = tempfile::tempdir().unwrap();
            program::copy(&case, folder.path());
            commit(folder.path());
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
        without_repository_size(&run.stdout, folder)
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

/// Makes a repository of a folder with a `.gitignore`.
fn commit(folder: &Path) {
    if !folder.join(".gitignore").exists() {
        return;
    }
    for arguments in [
        &["init", "--quiet", "--initial-branch=main", "--template="][..],
        &["add", "--all"],
        &["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "--message=start"],
    ] {
        let mut git = Command::new("git");
        let output = git.args(arguments).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The text with the size of a repository's own folder left out.
fn without_repository_size(text: &str, folder: &Path) -> String {
    const MARK: &str = "`.git` (";
    let Some((before, after)) = text.split_once(MARK).filter(|_| folder.join(".gitignore").exists()) else {
        return text.to_owned();
    };
    let rest = after.split_once(')').map_or(after, |(_, rest)| rest);
    format!("{before}{MARK}…){}", without_repository_size(rest, folder))
}
