//! The beginning, the end, and everything that goes wrong between them.

use serde_json::{Value, json};

use super::client::{Client, able, rules};
use super::{LAZY, lazy_project, uri};

#[test]
fn says_what_it_can_and_ends_orderly() {
    let folder = lazy_project();
    let mut client = Client::start(folder.path());
    let result = client.request("initialize", json!({ "capabilities": able() }));
    assert_eq!(result["serverInfo"]["name"], "layerwise");
    insta::with_settings!({ snapshot_path => "../../../snapshots/lsp", prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!("capabilities", result["capabilities"]);
    });
    assert_eq!(client.finish().code(), Some(0));
}

#[test]
fn agrees_on_the_first_encoding_that_it_knows() {
    let folder = lazy_project();
    for (offered, agreed) in [
        (json!(["utf-8", "utf-16"]), "utf-8"),
        (json!(["utf-7", "utf-32", "utf-16"]), "utf-32"),
        (json!([]), "utf-16"),
        (json!("utf-8"), "utf-16"),
        (Value::Null, "utf-16"),
    ] {
        let mut client = Client::start(folder.path());
        let capabilities = json!({ "general": { "positionEncodings": offered } });
        let result = client.request("initialize", json!({ "capabilities": capabilities }));
        assert_eq!(result["capabilities"]["positionEncoding"], agreed, "{offered}");
    }
}

#[test]
fn keeps_to_the_order_of_the_protocol() {
    let folder = lazy_project();
    let mut client = Client::start(folder.path());
    let early = client.ask("textDocument/hover", json!({}));
    assert_eq!(client.answer(early)["error"]["code"], -32002);
    client.request("initialize", json!({}));
    let again = client.ask("initialize", json!({}));
    assert_eq!(client.answer(again)["error"]["code"], -32600);
    client.request("shutdown", Value::Null);
    let late = client.ask("textDocument/hover", json!({}));
    assert_eq!(client.answer(late)["error"]["code"], -32600);
    client.notify("exit", Value::Null);
    let (status, errors) = client.hang_up();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn a_client_that_vanishes_is_no_panic() {
    let folder = lazy_project();
    let half = b"Content-Length: 5000\r\n\r\n{\"jsonrpc\": \"2.0\", \"method\": \"textDocument/didCh";
    for bytes in [&b""[..], half, b"Content-Length"] {
        let mut client = Client::with(folder.path(), &able());
        client.open(&uri(&folder.path().join("Dockerfile")), LAZY);
        client.send_raw(bytes);
        let (status, errors) = client.hang_up();
        assert_eq!((status.code(), errors.as_str()), (Some(1), ""), "{bytes:?}");
    }
}

#[test]
fn answers_garbage_with_errors_and_lives_on() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let framed = |body: &str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
    for garbage in [
        framed("{"),
        framed("[1, 2]"),
        framed("{\"jsonrpc\": \"2.0\"}"),
        framed("\u{fffd}"),
        "GET / HTTP/1.1\r\n".to_owned(),
        "Content-Length: many\r\n".to_owned(),
    ] {
        client.send_raw(garbage.as_bytes());
        let answer = client.wait("parse error", |message| message["error"]["code"] == -32700);
        assert_eq!(answer["id"], Value::Null, "{garbage}");
    }
    for (method, params, code) in [
        ("textDocument/hover", json!({ "textDocument": 3 }), -32602),
        ("textDocument/hover", Value::Null, -32602),
        ("textDocument/codeAction", json!([]), -32602),
        ("textDocument/documentSymbol", json!({ "textDocument": { "uri": "file:///not/open" } }), -32602),
        ("textDocument/documentSymbol", json!({ "textDocument": { "uri": "not a uri" } }), -32602),
        ("layerwise/fly", json!({}), -32601),
    ] {
        let id = client.ask(method, params.clone());
        assert_eq!(client.answer(id)["error"]["code"], code, "{method} {params}");
    }
    for (method, params) in [
        (
            "textDocument/didChange",
            json!({ "textDocument": { "uri": "file:///x", "version": 1 }, "contentChanges": [] }),
        ),
        ("textDocument/didOpen", json!("x")),
        ("textDocument/didClose", json!({ "textDocument": { "uri": "file:///x" } })),
        ("workspace/didChangeWatchedFiles", json!(7)),
        ("workspace/didChangeConfiguration", json!({ "settings": { "layerwise": { "select": 7 } } })),
        ("$/setTrace", Value::Null),
    ] {
        client.notify(method, params);
    }
    client.send(&json!({ "jsonrpc": "2.0", "id": 4711, "result": "to nothing that was asked" }));
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    assert!(rules(&client.findings(&name, 1)).contains(&"copy-before-install"));
    assert_eq!(client.finish().code(), Some(0));
}

#[test]
fn drops_what_the_client_takes_back() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    let place = json!({ "textDocument": { "uri": name }, "position": { "line": 3, "character": 1 } });
    let ids: Vec<i64> = (0..20).map(|_| client.ask("textDocument/hover", place.clone())).collect();
    let last = *ids.last().unwrap();
    client.notify("$/cancelRequest", json!({ "id": last }));
    // It may have been answered already; it is answered once in any case, and so is every other.
    let answer = client.answer(last);
    assert!(answer["error"]["code"] == -32800 || answer.get("result").is_some(), "{answer}");
    for id in &ids[..19] {
        assert!(client.answer(*id).get("result").is_some());
    }
}

/// A Dockerfile whose plan takes far longer than anybody waits: many steps that may change places.
fn long_to_plan() -> String {
    let mut parts = Vec::new();
    for stage in 0..8 {
        parts.push(format!("FROM node:22.11.0 AS stage{stage}\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"));
        for step in 0..8 {
            parts.push(format!(
                "RUN apt-get update && apt-get install -y tool-{step}\nCOPY part{step} /app/part{step}\n"
            ));
        }
    }
    parts.concat()
}

#[test]
fn an_edit_and_a_cancellation_drop_a_plan_under_way() {
    let folder = lazy_project();
    for step in 0..8 {
        crate::program::write(folder.path(), &format!("part{step}/file"), b"x");
    }
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, &long_to_plan());
    let place = json!({ "line": 0, "character": 0 });
    let params = json!({
        "textDocument": { "uri": name },
        "range": { "start": place, "end": place },
        "context": { "diagnostics": [], "only": ["refactor.rewrite"] },
    });
    for (version, code) in [(2, -32801), (3, -32800)] {
        let id = client.ask("textDocument/codeAction", params.clone());
        std::thread::sleep(std::time::Duration::from_millis(500));
        if code == -32800 {
            client.notify("$/cancelRequest", json!({ "id": id }));
        } else {
            client.change(&name, version, json!([{ "text": long_to_plan() + "USER node\n" }]));
        }
        assert_eq!(client.answer(id)["error"]["code"], code);
    }
    let symbols = client.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": name } }));
    assert_eq!(symbols.as_array().unwrap().len(), 8);
}

#[test]
fn tells_of_a_broken_configuration_and_uses_the_mended_one() {
    let folder = lazy_project();
    crate::program::write(folder.path(), "layerwise.toml", b"ignore = [\"no-such-rule\"]\n");
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    assert!(client.findings(&name, 1).is_empty());
    let told = client.wait("message", |message| message["method"] == "window/showMessage");
    assert_eq!(
        told["params"]["message"],
        "layerwise checks nothing: `layerwise.toml`, line 1: there is no rule `no-such-rule` (`layerwise rules` lists all rules)"
    );
    crate::program::write(folder.path(), "layerwise.toml", b"ignore = [\"copy-before-install\"]\n");
    let changed = json!({ "uri": uri(&folder.path().join("layerwise.toml")), "type": 2 });
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [changed] }));
    let findings = client.findings(&name, 1);
    assert!(!rules(&findings).contains(&"copy-before-install"), "{findings:?}");
    assert!(!findings.is_empty(), "the base image is not pinned by digest");
}

#[test]
fn says_which_setting_is_wrong() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let settings = json!({ "settings": { "layerwise": { "inlayHints": false, "builder": "docker" } } });
    client.notify("workspace/didChangeConfiguration", settings);
    let told = client.wait("message", |message| message["method"] == "window/showMessage");
    let said = told["params"]["message"].as_str().unwrap();
    assert!(said.contains("`builder`") && said.contains("`buildkit`"), "{said}");
}

#[test]
fn asks_for_news_of_files() {
    let folder = lazy_project();
    let capabilities = json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
    let mut client = Client::with(folder.path(), &capabilities);
    let asked = client.wait("request", |message| message["method"] == "client/registerCapability");
    let wanted = &asked["params"]["registrations"][0];
    assert_eq!(wanted["method"], "workspace/didChangeWatchedFiles");
    assert_eq!(wanted["registerOptions"]["watchers"][0]["globPattern"], "**/*");
    client.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": null }));
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    let changes = |findings: &[Value]| rules(findings).contains(&"copy-before-install");
    assert!(changes(&client.findings(&name, 1)));
    // Without its lock file the install fails, whatever its place.
    std::fs::remove_file(folder.path().join("package-lock.json")).unwrap();
    let gone = json!({ "uri": uri(&folder.path().join("package-lock.json")), "type": 3 });
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [gone] }));
    let findings = client.findings(&name, 1);
    assert!(
        !findings.iter().any(|found| found["code"] == "copy-before-install" && found["data"]["fix"] == "safe"),
        "{findings:?}"
    );
}

#[test]
fn asks_for_settings_and_obeys_them() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &json!({ "workspace": { "configuration": true } }));
    let asked = client.wait("request", |message| message["method"] == "workspace/configuration");
    assert_eq!(asked["params"]["items"][0]["section"], "layerwise");
    let settings = json!([{ "select": ["copy-before-install"] }]);
    client.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": settings }));
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, LAZY);
    assert_eq!(rules(&client.findings(&name, 1)), ["copy-before-install"]);
    client.notify("workspace/didChangeConfiguration", json!({ "settings": null }));
    let asked = client.wait("request", |message| message["method"] == "workspace/configuration");
    client.send(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": [{ "enable": false }] }));
    assert!(client.findings(&name, 1).is_empty());
}
