//! Splitting a `RUN`: whatever the script, a real shell does the same with its two parts as with the whole.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use layerwise::context::{Filtered, MemoryContext};
use layerwise::ecosystem::Catalog;
use layerwise::model::{Build, Inputs};
use layerwise::rewrite::{MoveKind, survey};
use layerwise::syntax::Dockerfile;
use proptest::prelude::*;

/// A script as one `RUN` under a copy of the project, in lines or as a heredoc.
fn dockerfile(script: &str, heredoc: bool) -> String {
    let run =
        if heredoc { format!("RUN <<EOF\n{script}\nEOF\n") } else { format!("RUN {}\n", script.replace('\n', "; ")) };
    format!("FROM node:22\nWORKDIR /app\nCOPY . .\n{run}")
}

/// The file after the split that is offered, if one is.
fn split(source: &str) -> Option<String> {
    let lock = r#"{"name":"app","version":"1.0.0","lockfileVersion":3,"packages":{}}"#;
    let context = MemoryContext::from_files([
        ("package.json", r#"{"name":"app","version":"1.0.0"}"#),
        ("package-lock.json", lock),
        ("index.js", "1"),
    ]);
    let (file, arguments) = (Dockerfile::parse(source), BTreeMap::new());
    let context = Filtered::new(&context, None);
    let inputs = Inputs { file: &file, context: Some(&context), catalog: Catalog::builtin(), arguments: &arguments };
    let moves = survey(&Build::new(inputs)).moves;
    moves.into_iter().find(|found| found.kind == MoveKind::SplitRun).map(|found| found.edit.apply(source))
}

/// The scripts of a file's `RUN`s.
fn scripts(source: &str) -> Vec<String> {
    let file = Dockerfile::parse(source);
    let scripts = file.instructions().iter().filter_map(|instruction| instruction.script(source));
    scripts.map(|script| script.as_str().to_owned()).collect()
}

/// Runs scripts one after another until one fails, each in a shell of its own; the exit code and the files left behind.
fn outcome(scripts: &[String]) -> (Option<i32>, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().unwrap();
    let (work, programs) = (folder.path().join("work"), folder.path().join("bin"));
    std::fs::create_dir(&work).unwrap();
    std::fs::create_dir(&programs).unwrap();
    let npm = programs.join("npm");
    std::fs::write(&npm, "#!/bin/sh\necho \"$@ $STAMP\" >> npm.log\n[ ! -e broken ]\n").unwrap();
    let chmod = Command::new("chmod").arg("755").arg(&npm).status().unwrap();
    assert!(chmod.success());
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let mut code = Some(0);
    for script in scripts {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).current_dir(&work).env_clear().env("PATH", &path);
        code = shell.output().unwrap().status.code();
        if code != Some(0) {
            break;
        }
    }
    let mut files = BTreeMap::new();
    gather(&work, "", &mut files);
    (code, files)
}

fn gather(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            gather(&entry.path(), &format!("{name}/"), files);
            files.insert(format!("{name}/"), String::new());
        } else {
            files.insert(name, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

fn command() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "npm ci",
        "npm ci --no-audit",
        "npm run build",
        "npm run build",
        "set -e",
        "set -ex",
        "set +e",
        "export STAMP=1",
        "STAMP=2",
        "STAMP=3 npm run build",
        "mkdir -p out",
        "cd .",
        "cd out",
        "(mkdir -p in && cd in && touch x)",
        "{ STAMP=4; }",
        "echo a | cat > piped",
        "echo \"$STAMP\" > stamp",
        "echo $? > code",
        "touch broken",
        "false",
        "! false",
        "true",
        "if [ -e stamp ]; then touch seen; fi",
        "rm -f broken",
        "echo ${STAMP:=5}",
        "exit 0",
        "umask 077",
        "trap 'touch trapped' EXIT",
        "unset STAMP",
        ": # nothing",
    ])
}

/// Scripts around an install and a build, joined in one way or in several.
fn script() -> impl Strategy<Value = String> {
    let setup = prop::sample::select(vec!["set -e", "set -ex", "export STAMP=1", "STAMP=2", "cd .", "true"]);
    let joins = prop::sample::select(vec![vec![" && "], vec!["\n"], vec![" && ", "\n"], vec![" && ", " || ", "; "]]);
    let commands = |most| prop::collection::vec(command(), 0..most);
    let order = prop::collection::vec(any::<prop::sample::Index>(), 16);
    (prop::collection::vec(setup, 0..3), commands(3), commands(3), commands(3), joins, order).prop_map(
        |(setup, before, between, after, joins, order)| {
            let parts = [&setup[..], &before, &["npm ci"], &between, &["npm run build"], &after].concat();
            let mut script = String::new();
            for (index, command) in parts.iter().enumerate() {
                script.push_str(if index == 0 { "" } else { joins[order[index].index(joins.len())] });
                script.push_str(command);
            }
            script
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn two_parts_do_what_the_whole_did(script in script(), heredoc in any::<bool>()) {
        let source = dockerfile(&script, heredoc);
        let Some(text) = split(&source) else { return Ok(()) };
        let (whole, parts) = (scripts(&source), scripts(&text));
        prop_assert_eq!(parts.len(), 2, "{}", text);
        let (expected, found) = (outcome(&whole), outcome(&parts));
        prop_assert_eq!(expected.0, found.0, "{}\nbecame\n{}", source, text);
        prop_assert_eq!(expected.1, found.1, "{}\nbecame\n{}", source, text);
    }
}

/// The property above says nothing where no split is ever offered.
#[test]
fn scripts_of_the_usual_forms_are_split() {
    for (script, heredoc) in [
        ("npm ci && npm run build", false),
        ("set -e; npm ci; npm run build", false),
        ("cd . && npm ci && npm run build && echo done", false),
        ("set -ex\nexport STAMP=1\nnpm ci\nnpm run build", true),
        ("npm ci &&\nnpm run build", true),
    ] {
        let source = dockerfile(script, heredoc);
        let text = split(&source);
        assert!(text.is_some(), "{source}");
        assert_eq!(outcome(&scripts(&source)), outcome(&scripts(&text.unwrap_or_default())), "{source}");
    }
}
