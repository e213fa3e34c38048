//! Texts as the editor has them: incremental edits in every encoding, unsaved buffers, findings of the text as it is.

use serde_json::{Value, json};

use super::client::{Client, able, rules};
use super::{LAZY, lazy_project, uri};

fn with_encoding(encoding: &str) -> Value {
    let mut capabilities = able();
    capabilities["general"]["positionEncodings"] = json!([encoding]);
    capabilities
}

fn edit(start: (u32, u32), end: (u32, u32), text: &str) -> Value {
    let place = |(line, character): (u32, u32)| json!({ "line": line, "character": character });
    json!({ "range": { "start": place(start), "end": place(end) }, "text": text })
}

#[test]
fn findings_carry_all_that_an_editor_can_show() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    let findings = client.findings(&name, 1);
    let found = findings.iter().find(|finding| finding["code"] == "copy-before-install").unwrap();
    let related = &found["relatedInformation"][0]["location"];
    assert_eq!(related["uri"], name);
    assert_eq!((&found["source"], &found["severity"]), (&json!("layerwise"), &json!(2)));
    let place = |range: &Value| range["start"]["line"].as_u64().unwrap();
    assert_ne!(place(&found["range"]), place(&related["range"]), "the install and the copy are two lines");
    assert_eq!(found["data"]["rule"], "copy-before-install");
    assert_eq!(found["data"]["fix"], "safe");
}

#[test]
fn unknown_suppressions_fade() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, &format!("# layerwise ignore=nothing-like-it\n{LAZY}"));
    let findings = client.findings(&name, 1);
    let found = findings.iter().find(|finding| finding["code"] == "unknown-suppression").unwrap();
    assert_eq!(found["tags"], json!([1]));
}

#[test]
fn edits_land_in_every_encoding() {
    let folder = lazy_project();
    let name = uri(&folder.path().join("Dockerfile"));
    // The second edit goes by the text that the first one left; the column stands behind a character of 2 units.
    let text = "FROM alpine:3.20\nRUN echo é😀 && cat /etc/hosts\n";
    for (encoding, column) in [("utf-8", 15), ("utf-16", 12), ("utf-32", 11)] {
        let mut client = Client::with(folder.path(), &with_encoding(encoding));
        client.open(&name, text);
        let changes = json!([edit((0, 0), (0, 0), "# a comment\n"), edit((2, column), (2, column + 3), "")]);
        client.change(&name, 2, changes);
        client.findings(&name, 2);
        let symbols = client.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": name } }));
        assert_eq!(symbols[0]["children"][0]["name"], "RUN echo é😀 cat /etc/hosts", "{encoding}");
    }
}

#[test]
fn findings_are_placed_in_every_encoding() {
    let folder = lazy_project();
    let name = uri(&folder.path().join("Dockerfile"));
    let text = "FROM debian:12.8\nRUN echo é😀 && apt-get update && apt-get install -y curl\n";
    for (encoding, column) in [("utf-8", 19), ("utf-16", 16), ("utf-32", 15)] {
        let mut client = Client::with(folder.path(), &with_encoding(encoding));
        client.open(&name, text);
        let findings = client.findings(&name, 1);
        let found = findings.iter().find(|finding| finding["code"] == "package-cache-kept").unwrap();
        assert_eq!(found["range"]["start"], json!({ "line": 1, "character": column }), "{encoding}: {found}");
    }
}

#[test]
fn out_of_range_positions_are_clamped() {
    let folder = lazy_project();
    let name = uri(&folder.path().join("Dockerfile"));
    let mut client = Client::with(folder.path(), &able());
    client.open(&name, LAZY);
    let far = u32::MAX;
    let changes = json!([
        edit((far, far), (far, far), "RUN a\n"),
        edit((3, far), (3, far), " --omit=dev"),
        edit((9, 9), (1, 1), ""),
        edit((0, 0), (0, far), "FROM node:20.1.0"),
    ]);
    client.change(&name, 2, changes);
    client.findings(&name, 2);
    let symbols = client.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": name } }));
    let names: Vec<&str> =
        symbols[0]["children"].as_array().unwrap().iter().map(|symbol| symbol["name"].as_str().unwrap()).collect();
    assert_eq!(symbols[0]["name"], "node:20.1.0");
    assert_eq!(names, ["WORKDIR /app", "COPY . .", "RUN npm ci --omit=dev", "CMD [\"node\", \"index.js\"]", "RUN a"]);
    for line in [0, 3, 99, far] {
        let place = json!({ "line": line, "character": far });
        let document = json!({ "uri": name });
        client.request("textDocument/hover", json!({ "textDocument": document, "position": place }));
        let range = json!({ "start": place, "end": { "line": 0, "character": 0 } });
        let context = json!({ "diagnostics": [] });
        let params = json!({ "textDocument": document, "range": range, "context": context });
        client.request("textDocument/codeAction", params);
    }
}

#[test]
fn an_unsaved_ignore_file_counts() {
    let folder = lazy_project();
    let name = uri(&folder.path().join("Dockerfile"));
    let ignore = uri(&folder.path().join(".dockerignore"));
    let mut client = Client::with(folder.path(), &able());
    client.open(&name, "FROM alpine:3.20\nCOPY index.js /app/\n");
    assert!(!rules(&client.findings(&name, 1)).contains(&"ignored-copy-source"));
    let item = json!({ "uri": ignore, "languageId": "ignore", "version": 1, "text": "node_modules\n" });
    client.notify("textDocument/didOpen", json!({ "textDocument": item }));
    assert!(!rules(&client.findings(&name, 1)).contains(&"ignored-copy-source"));
    client.change(&ignore, 2, json!([{ "text": "index.js\n" }]));
    assert!(rules(&client.findings(&name, 1)).contains(&"ignored-copy-source"));
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": ignore } }));
    assert!(!rules(&client.findings(&name, 1)).contains(&"ignored-copy-source"));
}

#[test]
fn closing_takes_the_findings_back() {
    let folder = lazy_project();
    let name = uri(&folder.path().join("Dockerfile"));
    let mut client = Client::with(folder.path(), &able());
    client.open(&name, LAZY);
    assert!(!client.findings(&name, 1).is_empty());
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": name } }));
    let last = client.wait("findings", |message| message["params"].get("version").is_none_or(Value::is_null));
    assert_eq!(last["params"]["diagnostics"], json!([]));
}

#[test]
fn findings_can_be_pulled_and_are_not_pushed_then() {
    let folder = lazy_project();
    let name = uri(&folder.path().join("Dockerfile"));
    let mut client = Client::with(folder.path(), &json!({ "textDocument": { "diagnostic": {} } }));
    client.open(&name, LAZY);
    let report = client.request("textDocument/diagnostic", json!({ "textDocument": { "uri": name } }));
    assert_eq!(report["kind"], "full");
    let items = report["items"].as_array().unwrap();
    assert!(rules(items).contains(&"copy-before-install"));
    assert!(items[0].get("relatedInformation").is_none(), "the client cannot show it");
    client.request("shutdown", Value::Null);
    let params = json!({ "textDocument": { "uri": name } });
    let late = client.ask("textDocument/diagnostic", params);
    // Whatever was pushed would have come before this answer.
    client.wait("answer", |message| {
        assert_ne!(message["method"], "textDocument/publishDiagnostics");
        message["id"] == late
    });
}

#[test]
fn a_buffer_that_was_never_saved_is_checked() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    client.open("untitled:Untitled-1", "FROM alpine\nRUM ls\n");
    let findings = client.findings("untitled:Untitled-1", 1);
    assert!(rules(&findings).contains(&"unpinned-base-image"), "{findings:?}");
}
