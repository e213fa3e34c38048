//! Completion scripts and manual pages, read by the shells and the `man` that happen to be there.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::program;

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];

/// What was typed, and what the shell makes of it: the whole line where one thing fits, else what it must offer.
const TYPED: [(&str, &str); 8] = [
    ("layerwise op", "optimize"),
    ("layerwise check --output-format ch", "checkstyle"),
    ("layerwise check --changed", "--changed-since"),
    ("layerwise check --fail-on ne", "never"),
    ("layerwise check --select unpin", "unpinned-base-image"),
    ("layerwise explain unpin", "unpinned-base-image"),
    ("layerwise cache --builder ka", "kaniko"),
    ("layerwise check project/Docke", "project/Dockerfile"),
];

/// Every command that `--help` lists.
fn commands() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let help = program::run(program::layerwise(folder.path(), &["--help"]), "").stdout;
    let listed = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    // What a command is about may go on in the next line, further to the right.
    let rows = listed.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let names = rows.map(|row| row.split(' ').next().unwrap().to_owned());
    let names: Vec<String> = names.filter(|name| name != "help").collect();
    assert!(names.len() > 10 && names.contains(&"lsp".to_owned()), "{help}");
    names
}

fn script(shell: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let run = program::run(program::layerwise(folder.path(), &["completions", shell]), "");
    assert_eq!(run.exit, Some(0), "{shell}: {}", run.stderr);
    run.stdout
}

/// A folder with the script as `_layerwise`, and a file to complete.
fn prepared(shell: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    program::write(folder.path(), "_layerwise", script(shell).as_bytes());
    program::write(folder.path(), "project/Dockerfile", b"FROM scratch\n");
    folder
}

/// What a shell prints that is asked in the folder; `None`, and said, where there is no such shell.
fn asked(shell: &str, args: &[&str], folder: &Path) -> Option<String> {
    let mut command = Command::new(shell);
    command.args(args).current_dir(folder).stdin(Stdio::null()).env("HOME", folder).env("TERM", "dumb");
    match command.output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            program::skipped(&format!("{shell}: {error}"));
            None
        }
    }
}

#[test]
fn every_shell_has_a_script_with_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let commands = commands();
    for shell in SHELLS {
        let script = script(shell);
        for word in commands.iter().map(String::as_str).chain(["changed-since", "write-baseline"]) {
            assert!(script.contains(word), "{shell}: no `{word}`");
        }
        program::write(folder.path(), shell, script.as_bytes());
        let options: &[&str] = match shell {
            "bash" | "zsh" => &["-n"],
            "fish" => &["--no-execute"],
            _ => continue,
        };
        match Command::new(shell).args(options).arg(folder.path().join(shell)).output() {
            Ok(output) => assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => program::skipped(&format!("{shell}: {error}")),
        }
    }
    let run = program::run(program::layerwise(folder.path(), &["completions", "tcsh"]), "");
    assert_eq!(run.exit, Some(2));
}

/// What bash itself offers after the script is loaded.
#[test]
fn bash_completes() {
    let folder = prepared("bash");
    // Names of files are the shell's own business.
    for (words, expected) in TYPED.into_iter().filter(|(words, _)| !words.contains('/')) {
        let count = words.split(' ').count() - 1;
        let ask = format!(
            "source ./_layerwise; COMP_WORDS=({words}); COMP_CWORD={count}; \
             _layerwise layerwise \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        let Some(said) = asked("bash", &["--norc", "-c", &ask], folder.path()) else { return };
        assert_eq!(said.trim(), expected, "{words}");
    }
}

/// fish has a command that completes a line. Arguments without an option's name are files to the script.
#[test]
fn fish_completes() {
    let folder = prepared("fish");
    for (line, expected) in TYPED.into_iter().filter(|(line, _)| !line.contains("explain")) {
        let ask = format!("source ./_layerwise; complete -C '{line}'");
        let Some(said) = asked("fish", &["--no-config", "-c", &ask], folder.path()) else { return };
        let offered: Vec<&str> = said.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(offered, [expected], "{line}");
    }
}

/// A shell at a terminal of its own, in which somebody types a line and the key Tab, then has the line shown.
const ZSH: &str = r#"
zmodload zsh/zpty || exit 3
zpty shell zsh -f -i
expect() { local seen= part; while [[ $seen != *$1* ]]; do zpty -r -t shell part || sleep 0.05; seen+=$part; part=; (( SECONDS < 60 )) || { print -r -- "no $1: $seen"; exit 4 }; done; REPLY=$seen }
zpty -w shell 'PS1=; fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; show() { print -r -- "<[$BUFFER]>" }; zle -N show; bindkey "^X" show; bindkey "^I" complete-word; print rea""dy'
expect ready
zpty -n -w shell "$1"$'\t'$'\x18'
expect ']>'
print -r -- ${${REPLY##*<\[}%%\]>*}
zpty -d shell
"#;

#[test]
fn zsh_completes() {
    let folder = prepared("zsh");
    program::write(folder.path(), "ask", ZSH.as_bytes());
    for (line, expected) in TYPED {
        let Some(said) = asked("zsh", &["-f", "ask", line], folder.path()) else { return };
        let kept = line.rsplit_once(' ').unwrap().0;
        // An option that takes a value gets its `=`.
        assert_eq!(said.trim().trim_end_matches('='), format!("{kept} {expected}"), "{line}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let commands = commands();
    for command in std::iter::once(None).chain(commands.iter().map(Some)) {
        let args: Vec<&str> = std::iter::once("man").chain(command.map(String::as_str)).collect();
        let run = program::run(program::layerwise(folder.path(), &args), "");
        assert_eq!(run.exit, Some(0), "{args:?}: {}", run.stderr);
        let title = command.map_or("layerwise".to_owned(), |command| format!("layerwise-{command}"));
        assert!(run.stdout.contains(&format!(".TH {title} 1")), "{args:?}: {}", run.stdout);
        program::write(folder.path(), "page", run.stdout.as_bytes());
        let Some(shown) = asked("man", &["-P", "cat", "-l", "page"], folder.path()) else { continue };
        assert!(shown.contains("NAME") && shown.contains(&title), "{args:?}: {shown}");
    }
    let run = program::run(program::layerwise(folder.path(), &["man", "chekc"]), "");
    assert_eq!(run.exit, Some(2));
    assert!(run.stderr.contains("there is no command `chekc`"), "{}", run.stderr);
}
