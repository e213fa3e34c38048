//! Hovers, inlay hints and code lenses, in a repository whose history is known.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::{Client, able};
use super::{LAZY, lazy_project, uri};
use crate::program::write;

fn git(folder: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]);
    let output = command.args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The project with 40 commits, 39 of which change `index.js`.
fn with_history() -> TempDir {
    let folder = lazy_project();
    git(folder.path(), &["init", "--quiet"]);
    for number in 0..40 {
        write(folder.path(), "index.js", format!("console.log({number})\n").as_bytes());
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["commit", "--quiet", "-m", "change"]);
    }
    folder
}

fn hover(client: &mut Client, name: &str, line: u32, character: u32) -> Value {
    let position = json!({ "line": line, "character": character });
    client.request("textDocument/hover", json!({ "textDocument": { "uri": name }, "position": position }))
}

#[test]
fn an_instruction_shows_its_verdict_and_a_finding_its_manual() {
    let folder = with_history();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    let copy = hover(&mut client, &name, 2, 1);
    let text = copy["contents"]["value"].as_str().unwrap();
    assert!(text.starts_with("Rebuilds on 100% of the last 40 commits, about "), "{text}");
    assert!(text.contains("- `index.js` (40 commits)\n- `package-lock.json` (1 commit)"), "{text}");
    assert_eq!(copy["range"], json!({ "start": { "line": 2, "character": 0 }, "end": { "line": 2, "character": 4 } }));
    let workdir = hover(&mut client, &name, 1, 1);
    assert_eq!(workdir["contents"]["value"], "Stays cached over the last 40 commits.");
    let finding = hover(&mut client, &name, 2, 6);
    let text = finding["contents"]["value"].as_str().unwrap();
    assert!(text.contains("**copy-before-install**") && text.contains("## Why is this bad?"), "{text}");
    assert_eq!(hover(&mut client, &name, 90, 0), Value::Null);
}

#[test]
fn verdicts_stand_beside_instructions_and_can_be_switched() {
    let folder = with_history();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let document = json!({ "uri": name });
    let ask = json!({ "textDocument": document, "range": whole });
    let hints = client.request("textDocument/inlayHint", ask.clone());
    let hints = hints.as_array().unwrap();
    let install = hints.iter().find(|hint| hint["position"]["line"] == 3).unwrap();
    assert_eq!(install["position"]["character"], 10, "at the end of the line");
    assert!(install["label"].as_str().unwrap().starts_with("rebuilt by 100% of changes · ~"), "{install}");
    assert!(hints.iter().all(|hint| hint["position"]["line"] != 1), "`WORKDIR` costs nothing: {hints:?}");
    assert_eq!(client.request("textDocument/codeLens", json!({ "textDocument": document })), json!([]));

    let settings = json!({ "settings": { "layerwise": { "inlayHints": false, "codeLens": true } } });
    client.notify("workspace/didChangeConfiguration", settings);
    assert_eq!(client.request("textDocument/inlayHint", ask), json!([]));
    let lenses = client.request("textDocument/codeLens", json!({ "textDocument": document }));
    assert_eq!(lenses.as_array().unwrap().len(), hints.len());
}

#[test]
fn findings_come_before_the_history_and_again_with_it() {
    let folder = with_history();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    let changes = |findings: &[Value]| {
        let found = findings.iter().find(|finding| finding["code"] == "copy-before-install").unwrap();
        found["message"].as_str().unwrap().to_owned()
    };
    let first = changes(&client.findings(&name, 1));
    let second = changes(&client.findings(&name, 1));
    assert_ne!(first, second, "the second one knows the history");
    assert!(second.contains("100%") || second.contains("40"), "{second}");
}

#[test]
fn a_commit_changes_the_verdicts() {
    let folder = with_history();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    let text = |copy: &Value| copy["contents"]["value"].as_str().unwrap().to_owned();
    let before = text(&hover(&mut client, &name, 2, 1));
    assert!(before.contains("the last 40 commits"), "{before}");
    write(folder.path(), "index.js", b"console.log('last')\n");
    git(folder.path(), &["commit", "--quiet", "-am", "change"]);
    // What a server writes there at work is no news.
    for (file, commits) in [(".git/objects/ab/cd", 40), (".git/logs/HEAD", 41)] {
        let changed = json!({ "uri": uri(&folder.path().join(file)), "type": 2 });
        client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [changed] }));
        let after = text(&hover(&mut client, &name, 2, 1));
        assert!(after.contains(&format!("the last {commits} commits")), "{file}: {after}");
    }
}
