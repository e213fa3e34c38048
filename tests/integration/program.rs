//! Runs the real binary in a folder of its own.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a run gave.
pub(crate) struct Run {
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A call of the program, without the colors, the configuration and the width that the tester happens to have.
pub(crate) fn layerwise(folder: &Path, args: &[impl AsRef<str>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_layerwise"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LAYERWISE_") {
            command.env_remove(name);
        }
    }
    command
        .args(args.iter().map(AsRef::as_ref))
        .current_dir(folder)
        .env("COLUMNS", "100")
        .env_remove("NO_COLOR")
        .env_remove("FORCE_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("NO_HYPERLINKS")
        .env_remove("FORCE_HYPERLINK")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a call with that standard input.
pub(crate) fn run(mut command: Command, stdin: &str) -> Run {
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    // A program that does not read its input may close it first.
    let _ = input.write_all(stdin.as_bytes());
    drop(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Writes a file and the folders that it needs.
pub(crate) fn write(folder: &Path, path: &str, bytes: &[u8]) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Copies what a folder holds into another. A name that begins with `dot-git` stands for one with `.git`, which git would
/// not keep.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let source = entry.unwrap().path();
        let name = source.file_name().unwrap().to_string_lossy().into_owned();
        let target = to.join(name.replacen("dot-git", ".git", 1));
        if source.is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&source, &target);
        } else {
            std::fs::copy(&source, &target).unwrap();
        }
    }
}

/// Says what a test goes without, past the runner, which shows nothing of what a test that passes prints.
pub(crate) fn skipped(what: &str) {
    // Nothing can be done about a closed standard error.
    let _closed = writeln!(std::io::stderr(), "skipped: {what}");
}

/// Compares with `snapshots/<folder>/<name>.snap`.
pub(crate) fn assert_snapshot(folder: &str, name: &str, description: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new("../../snapshots").join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(description);
    settings.bind(|| insta::assert_snapshot!(name.to_owned(), text));
}

/// The entries of a folder below `tests/cases`, sorted by name.
pub(crate) fn cases(folder: &str) -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no cases");
    paths
}

/// The name of a case: its file without the ending.
pub(crate) fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}
