//! What the README shows of `build` happens: its command runs, and its report is that of the program but for times and
//! digests.

use std::path::Path;

use regex::Regex;

use super::page;
use crate::program;

/// Why a machine cannot run commands, in the words of the program.
const KNOWN: [&str; 3] = ["no static busybox", "there is none at", "`RUN` cannot be executed here"];

#[allow(clippy::print_stdout, reason = "a test says what it goes without")]
fn build(folder: &Path, store: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = program::layerwise(folder, arguments);
    command.env("LAYERWISE_STORE", store);
    let run = program::run(command, "");
    if run.exit != Some(0) {
        assert!(KNOWN.iter().any(|known| run.stderr.contains(known)), "{}", run.stderr);
        crate::program::skipped(run.stderr.lines().last().unwrap_or_default());
        return None;
    }
    Some(run.stderr)
}

#[test]
fn the_command_of_the_readme_builds_its_example() {
    let page = page::read("README.md");
    let blocks = page::blocks(&page, "sh");
    let command = blocks.iter().find_map(|block| block.trim_end().strip_prefix("cargo run --release -- build "));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = tempfile::tempdir().unwrap();
    let files = format!("dir:{}", output.path().join("files").display());
    let arguments = ["build", "--output", &files];
    let arguments: Vec<&str> = arguments.into_iter().chain(command.expect("the README builds").split(' ')).collect();
    if build(folder, &output.path().join("store"), &arguments).is_some() {
        assert_eq!(std::fs::read_to_string(output.path().join("files/app/said")).unwrap(), "HELLO\n");
    }
}

#[test]
fn the_report_of_the_readme_is_that_of_the_program() {
    let page = page::read("README.md");
    let block = page::blocks(&page, "text").into_iter().find(|block| block.contains("$ layerwise build"));
    let block = block.expect("the README shows a build");
    let folder = tempfile::tempdir().unwrap();
    program::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples"), folder.path());
    let mut printed = String::new();
    for line in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
        printed.extend(["$ ", line, "\n"]);
        if let Some(arguments) = line.strip_prefix("layerwise ") {
            let arguments: Vec<&str> = arguments.split(' ').collect();
            let Some(report) = build(folder.path(), &folder.path().join("store"), &arguments) else { return };
            // What is shown is the summary, without the lines of progress.
            let summary = report.lines().filter(|line| !line.starts_with('['));
            printed.extend(summary.flat_map(|line| [line, "\n"]));
        } else {
            let status = std::process::Command::new("sh").args(["-c", line]).current_dir(folder.path()).status();
            assert!(status.unwrap().success(), "{line}");
        }
    }
    let times = Regex::new(r" +[0-9.]+ m?s\b").unwrap();
    let digests = Regex::new("sha256:[0-9a-f]+").unwrap();
    let plain = |text: &str| digests.replace_all(&times.replace_all(text, " TIME"), "DIGEST").into_owned();
    assert_eq!(plain(&printed), plain(&block), "the program prints:\n{printed}");
}
