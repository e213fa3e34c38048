//! Code actions, applied as an editor would and compared with what the command line does.

use std::path::Path;

use serde_json::{Value, json};

use super::client::{Client, able, rules};
use super::{LAZY, lazy_project, uri};
use crate::program::{layerwise, run};

/// All actions for a range of lines.
fn actions(client: &mut Client, name: &str, lines: (u32, u32), only: &[&str]) -> Vec<Value> {
    let place = |line: u32| json!({ "line": line, "character": 0 });
    let mut context = json!({ "diagnostics": [] });
    if !only.is_empty() {
        context["only"] = json!(only);
    }
    let range = json!({ "start": place(lines.0), "end": place(lines.1) });
    let params = json!({ "textDocument": { "uri": name }, "range": range, "context": context });
    client.request("textDocument/codeAction", params).as_array().unwrap().clone()
}

/// A text after an edit's changes to that document. Columns are of ASCII texts.
fn applied(text: &str, edit: &Value, name: &str) -> String {
    let operations = edit["documentChanges"].as_array().unwrap();
    let own = operations.iter().filter(|operation| operation["textDocument"]["uri"] == name);
    let mut edits: Vec<&Value> = own.flat_map(|operation| operation["edits"].as_array().unwrap()).collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(offset(text, &edit["range"]["start"])));
    let mut result = text.to_owned();
    for edit in edits {
        let (start, end) = (offset(text, &edit["range"]["start"]), offset(text, &edit["range"]["end"]));
        result.replace_range(start..end, edit["newText"].as_str().unwrap());
    }
    result
}

fn offset(text: &str, position: &Value) -> usize {
    let line = position["line"].as_u64().unwrap() as usize;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    start + position["character"].as_u64().unwrap() as usize
}

/// What the command line makes of the file.
fn by_command(folder: &Path, args: &[&str]) -> String {
    run(layerwise(folder, args), "");
    std::fs::read_to_string(folder.join("Dockerfile")).unwrap()
}

#[test]
fn a_safe_fix_is_preferred_and_right() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    let found = actions(&mut client, &name, (3, 3), &["quickfix"]);
    let fix = found.iter().find(|action| action["isPreferred"] == true).unwrap();
    assert_eq!(fix["kind"], "quickfix");
    assert_eq!(rules(fix["diagnostics"].as_array().unwrap()), ["copy-before-install"]);
    let fixed = applied(LAZY, &fix["edit"], &name);
    assert!(fixed.contains("COPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n"), "{fixed}");
    assert_eq!(fix["edit"]["documentChanges"][0]["textDocument"]["version"], 1);
}

#[test]
fn unsafe_fixes_say_so_and_ask() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    let text = "FROM debian:12.8\nRUN apt-get update && apt-get install -y curl\n";
    client.open(&name, text);
    let found = actions(&mut client, &name, (0, 3), &["quickfix"]);
    let unsure: Vec<&Value> =
        found.iter().filter(|action| action["title"].as_str().unwrap().contains("(unsafe")).collect();
    assert!(!unsure.is_empty(), "{found:?}");
    for action in unsure {
        assert_eq!(action["isPreferred"], false);
        let edit = &action["edit"];
        let id = edit["documentChanges"][0]["edits"][0]["annotationId"].as_str().unwrap();
        assert_eq!(edit["changeAnnotations"][id]["needsConfirmation"], true);
        assert!(!edit["changeAnnotations"][id]["description"].as_str().unwrap().is_empty());
    }
}

#[test]
fn a_suppression_silences_its_finding() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    let text = LAZY.replace('\n', "\r\n");
    client.open(&name, &text);
    let found = actions(&mut client, &name, (2, 2), &["quickfix"]);
    let silence = found.iter().find(|action| action["title"] == "Ignore `copy-before-install` here, with a reason");
    let silenced = applied(&text, &silence.unwrap()["edit"], &name);
    assert!(
        silenced
            .contains("\r\n# layerwise ignore=copy-before-install reason: say why this is right here\r\nCOPY . .\r\n"),
        "{silenced}"
    );
    client.change(&name, 2, json!([{ "text": silenced }]));
    let findings = client.findings(&name, 2);
    assert!(!rules(&findings).contains(&"copy-before-install"), "{findings:?}");
    assert!(!rules(&findings).contains(&"unknown-suppression"), "{findings:?}");
}

#[test]
fn fix_all_is_what_the_command_line_does() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    for only in ["source.fixAll", "source.fixAll.layerwise", "source"] {
        let found = actions(&mut client, &name, (0, 0), &[only]);
        assert_eq!(found.len(), 1, "{only}: {found:?}");
        assert_eq!(found[0]["kind"], "source.fixAll.layerwise");
        let fixed = applied(LAZY, &found[0]["edit"], &name);
        assert_eq!(fixed, by_command(folder.path(), &["check", "--fix", "Dockerfile"]));
        std::fs::write(folder.path().join("Dockerfile"), LAZY).unwrap();
    }
    assert!(actions(&mut client, &name, (0, 0), &["source.fixAll.other"]).is_empty());
}

/// The fixes go by the ignore file as the editor has it, saved or not.
#[test]
fn fix_all_goes_by_unsaved_texts() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    let ignore = uri(&folder.path().join(".dockerignore"));
    client.open(&name, LAZY);
    let text = "node_modules\n.git\nDockerfile\n.dockerignore\npackage-lock.json\n";
    let item = json!({ "uri": ignore, "languageId": "ignore", "version": 1, "text": text });
    client.notify("textDocument/didOpen", json!({ "textDocument": item }));
    let found = actions(&mut client, &name, (0, 0), &["source.fixAll"]);
    let fixed = found.first().map_or(LAZY.to_owned(), |action| applied(LAZY, &action["edit"], &name));
    std::fs::write(folder.path().join(".dockerignore"), text).unwrap();
    assert_eq!(fixed, by_command(folder.path(), &["check", "--fix", "Dockerfile"]));
    assert!(!fixed.contains("COPY package.json package-lock.json ./"), "{fixed}");
}

/// An editor that only wants to know whether to show a light bulb gets what is at hand.
#[test]
fn a_light_bulb_costs_no_plan() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    let place = json!({ "line": 2, "character": 0 });
    let mut params = json!({
        "textDocument": { "uri": name }, "range": { "start": place, "end": place },
        "context": { "diagnostics": [], "triggerKind": 2 },
    });
    let kinds = |client: &mut Client, params: &Value| -> Vec<String> {
        let found = client.request("textDocument/codeAction", params.clone());
        found.as_array().unwrap().iter().map(|action| action["kind"].as_str().unwrap().to_owned()).collect()
    };
    let automatic = kinds(&mut client, &params);
    assert!(!automatic.is_empty() && automatic.iter().all(|kind| kind == "quickfix"), "{automatic:?}");
    params["context"]["triggerKind"] = json!(1);
    let invoked = kinds(&mut client, &params);
    assert!(invoked.contains(&"source.fixAll.layerwise".to_owned()), "{invoked:?}");
    assert!(invoked.contains(&"refactor.rewrite".to_owned()), "{invoked:?}");
}

#[test]
fn reordering_is_one_edit_of_both_files() {
    let folder = lazy_project();
    std::fs::remove_file(folder.path().join(".dockerignore")).unwrap();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    let found = actions(&mut client, &name, (0, 0), &["refactor"]);
    assert_eq!(found.len(), 1, "{found:?}");
    let action = &found[0];
    assert_eq!(action["kind"], "refactor.rewrite");
    assert!(action["title"].as_str().unwrap().starts_with("Reorder for the build cache ("), "{action}");
    let rewritten = applied(LAZY, &action["edit"], &name);
    let operations = action["edit"]["documentChanges"].as_array().unwrap().clone();
    let ignore = uri(&folder.path().join(".dockerignore"));
    assert_eq!((&operations[0]["kind"], &operations[0]["uri"]), (&json!("create"), &json!(ignore)));
    assert_eq!(operations[1]["textDocument"], json!({ "uri": ignore, "version": null }));
    assert_eq!(action["edit"]["changeAnnotations"]["layerwise"]["needsConfirmation"], true);
    assert_eq!(rewritten, by_command(folder.path(), &["optimize", "--write"]));
    let written = std::fs::read_to_string(folder.path().join(".dockerignore")).unwrap();
    assert_eq!(applied("", &action["edit"], &ignore), written);
}

#[test]
fn what_a_client_cannot_apply_whole_is_not_offered() {
    let folder = lazy_project();
    std::fs::remove_file(folder.path().join(".dockerignore")).unwrap();
    let mut capabilities = able();
    capabilities["workspace"]["workspaceEdit"] = json!({});
    let mut client = Client::with(folder.path(), &capabilities);
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    assert!(actions(&mut client, &name, (0, 0), &["refactor"]).is_empty());
    // A change of the open file alone can be said in the old way.
    let found = actions(&mut client, &name, (3, 3), &["quickfix"]);
    let silence = found.iter().find(|action| action["title"].as_str().unwrap().starts_with("Ignore")).unwrap();
    assert!(silence["edit"]["changes"][&name].is_array(), "{silence}");
    capabilities["textDocument"]["codeAction"] = Value::Null;
    let mut client = Client::with(folder.path(), &capabilities);
    client.open(&name, LAZY);
    assert!(actions(&mut client, &name, (0, 9), &[]).is_empty());
}
