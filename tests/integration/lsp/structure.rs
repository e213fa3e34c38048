//! The shape of a file: symbols and folds.

use serde_json::{Value, json};

use super::client::{Client, able};
use super::{lazy_project, uri};

const STAGES: &str = "ARG VERSION=3.20\n\n# one\n# two\nFROM alpine:${VERSION} AS build\nRUN a \\\n    b\n\nFROM scratch\nCOPY --from=build /a /a\n";

#[test]
fn stages_hold_their_instructions() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, STAGES);
    let document = json!({ "textDocument": { "uri": name } });
    let symbols = client.request("textDocument/documentSymbol", document.clone());
    let named = |symbol: &Value| symbol["name"].as_str().unwrap().to_owned();
    let top: Vec<String> = symbols.as_array().unwrap().iter().map(named).collect();
    assert_eq!(top, ["ARG VERSION=3.20", "build", "scratch"]);
    assert_eq!(symbols[1]["detail"], "alpine:${VERSION}");
    assert_eq!(symbols[1]["range"]["end"], json!({ "line": 6, "character": 5 }));
    assert_eq!(symbols[2]["children"][0]["name"], "COPY --from=build /a /a");

    let folds = client.request("textDocument/foldingRange", document);
    let lines = |fold: &Value| (fold["startLine"].as_u64().unwrap(), fold["endLine"].as_u64().unwrap());
    let mut found: Vec<(u64, u64)> = folds.as_array().unwrap().iter().map(lines).collect();
    found.sort_unstable();
    assert_eq!(found, [(2, 3), (4, 6), (5, 6), (8, 9)]);
}

#[test]
fn a_client_that_knows_no_trees_gets_a_list() {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &json!({}));
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, STAGES);
    let symbols = client.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": name } }));
    let symbols = symbols.as_array().unwrap();
    assert_eq!(symbols.len(), 5);
    assert_eq!(symbols[2]["containerName"], "build");
    assert_eq!(symbols[2]["location"]["uri"], name);
}
