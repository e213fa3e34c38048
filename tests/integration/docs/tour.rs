//! What the README shows was printed by the program: each `console` block is run, in order, in a copy of
//! `tests/examples`.

use std::path::Path;
use std::process::Command;

use super::page;
use crate::program;

#[cfg(unix)]
#[test]
fn the_tour_of_the_readme_is_real() {
    let folder = tempfile::tempdir().unwrap();
    program::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples"), folder.path());
    let page = page::read("README.md");
    let mut wanted = String::new();
    let mut inside = false;
    for line in page.lines() {
        let command = line.strip_prefix("$ ").filter(|_| inside);
        if line.starts_with("```") {
            inside = line == "```console";
        }
        if !inside || line.starts_with("```") || command.is_some() {
            wanted.push_str(line);
            wanted.push('\n');
        }
        if let Some(command) = command {
            wanted.push_str(&output(folder.path(), command));
        }
    }
    assert!(page::blocks(&page, "console").len() > 3, "the blocks of the tour were not found");
    page::hold("README.md", &wanted);
}

/// What a line of shell prints, where `layerwise` is the program under test.
fn output(folder: &Path, line: &str) -> String {
    let program = program::layerwise(folder, &[""; 0]);
    let mut command = Command::new("sh");
    let own = Path::new(program.get_program()).parent().unwrap().to_string_lossy().into_owned();
    let path = format!("{own}:{}", std::env::var("PATH").unwrap_or_default());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args(["-c", &format!("{line} 2>&1")]).current_dir(folder).env("PATH", path);
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// The first command of the README is what it says: it ends well, and shows the plan.
#[test]
fn the_main_job_runs_on_the_example() {
    let page = page::read("README.md");
    let command = page::blocks(&page, "sh").into_iter().next().unwrap();
    let arguments = command.trim_end().strip_prefix("cargo run --release -- ").expect("the first block is one command");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let run = program::run(program::layerwise(folder, &arguments), "");
    assert_eq!(run.exit, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("+RUN npm ci --omit=dev"), "{}", run.stdout);
    let shown = page::blocks(&page, "diff").into_iter().next().expect("the README shows the diff");
    assert!(run.stdout.contains(&shown), "the README shows:\n{shown}\nthe program:\n{}", run.stdout);
}
