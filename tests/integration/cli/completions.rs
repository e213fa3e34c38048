//! Completion scripts and manual pages, read by the shells and the `man` that happen to be there.

use std::process::Command;

use crate::program;

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];
const COMMANDS: [&str; 7] = ["check", "cache", "optimize", "explain", "rules", "completions", "man"];

#[test]
fn every_shell_has_a_script_with_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in SHELLS {
        let run = program::run(program::layerwise(folder.path(), &["completions", shell]), "");
        assert_eq!(run.exit, Some(0), "{shell}: {}", run.stderr);
        for word in COMMANDS.iter().chain(&["changed-since", "write-baseline"]) {
            assert!(run.stdout.contains(word), "{shell}: no `{word}`");
        }
        program::write(folder.path(), shell, run.stdout.as_bytes());
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
fn bash_completes_commands_and_formats() {
    let folder = tempfile::tempdir().unwrap();
    let script = program::run(program::layerwise(folder.path(), &["completions", "bash"]), "").stdout;
    program::write(folder.path(), "script", script.as_bytes());
    for (words, expected) in [
        ("layerwise op", "optimize"),
        ("layerwise check --output-format ch", "checkstyle"),
        ("layerwise check --changed", "--changed-since"),
    ] {
        let count = words.split(' ').count() - 1;
        let ask = format!(
            "source ./script; COMP_WORDS=({words}); COMP_CWORD={count}; \
             _layerwise layerwise \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        match Command::new("bash").args(["--norc", "-c", &ask]).current_dir(folder.path()).output() {
            Ok(output) => assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{words}"),
            Err(error) => program::skipped(&format!("bash: {error}")),
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    for command in std::iter::once(None).chain(COMMANDS.map(Some)) {
        let args: Vec<&str> = std::iter::once("man").chain(command).collect();
        let run = program::run(program::layerwise(folder.path(), &args), "");
        assert_eq!(run.exit, Some(0), "{args:?}: {}", run.stderr);
        let title = command.map_or("layerwise".to_owned(), |command| format!("layerwise-{command}"));
        assert!(run.stdout.contains(&format!(".TH {title} 1")), "{args:?}: {}", run.stdout);
    }
    let run = program::run(program::layerwise(folder.path(), &["man", "chekc"]), "");
    assert_eq!(run.exit, Some(2));
    assert!(run.stderr.contains("there is no command `chekc`"), "{}", run.stderr);
}
