//! Definition, references, rename and completion.

use serde_json::{Value, json};

use super::client::{Client, able};
use super::{lazy_project, uri};

/// Asks about the place of the `nth` occurrence of a word.
fn place(name: &str, text: &str, word: &str, nth: usize) -> Value {
    let offset = text.match_indices(word).nth(nth).unwrap().0;
    let before = &text[..offset];
    let line = before.matches('\n').count();
    let character = offset - before.rfind('\n').map_or(0, |at| at + 1);
    json!({ "textDocument": { "uri": name }, "position": { "line": line, "character": character + 1 } })
}

fn opened(text: &str) -> (tempfile::TempDir, Client, String) {
    let folder = lazy_project();
    let mut client = Client::with(folder.path(), &able());
    let name = uri(&folder.path().join("Dockerfile"));
    client.open(&name, text);
    (folder, client, name)
}

/// Lines of everything that is the same as a word, from 1.
fn lines(client: &mut Client, name: &str, text: &str, word: &str, nth: usize) -> Vec<u64> {
    let mut params = place(name, text, word, nth);
    params["context"] = json!({ "includeDeclaration": true });
    let found = client.request("textDocument/references", params);
    let line = |location: &Value| location["range"]["start"]["line"].as_u64().unwrap() + 1;
    found.as_array().map(|all| all.iter().map(line).collect()).unwrap_or_default()
}

/// The text after a rename, or the error's message.
fn renamed(client: &mut Client, name: &str, text: &str, word: &str, new: &str) -> Result<String, String> {
    let mut params = place(name, text, word, 0);
    params["newName"] = json!(new);
    let id = client.ask("textDocument/rename", params);
    let answer = client.answer(id);
    if let Some(error) = answer.get("error") {
        return Err(error["message"].as_str().unwrap().to_owned());
    }
    let edits = answer["result"]["documentChanges"][0]["edits"].as_array().unwrap().clone();
    let mut rows: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for edit in edits.iter().rev() {
        let at = |end: &str| edit["range"][end]["character"].as_u64().unwrap() as usize;
        let row = &mut rows[edit["range"]["start"]["line"].as_u64().unwrap() as usize];
        row.replace_range(at("start")..at("end"), edit["newText"].as_str().unwrap());
    }
    Ok(rows.join("\n"))
}

const STAGES: &str = "FROM alpine:3.20 AS build\nRUN a\nFROM Build AS next\nFROM scratch\nCOPY --from=build /a /a\nCOPY --from=0 /b /b\nRUN --mount=type=bind,from=build,target=/x --mount=type=bind,from=next y\n";

#[test]
fn stages_are_found_and_renamed() {
    let (_folder, mut client, name) = opened(STAGES);
    assert_eq!(lines(&mut client, &name, STAGES, "build", 0), [1, 3, 5, 6, 7]);
    let definition = client.request("textDocument/definition", place(&name, STAGES, "next", 1));
    assert_eq!(definition["range"]["start"], json!({ "line": 2, "character": 14 }));
    let text = renamed(&mut client, &name, STAGES, "build", "compile").unwrap();
    let expected = "FROM alpine:3.20 AS compile\nRUN a\nFROM compile AS next\nFROM scratch\nCOPY --from=compile /a /a\nCOPY --from=0 /b /b\nRUN --mount=type=bind,from=compile,target=/x --mount=type=bind,from=next y\n";
    assert_eq!(text, expected);
    for (new, reason) in [
        ("next", "stands in the file"),
        ("scratch", "stands in the file"),
        ("3x", "cannot be a name"),
        ("", "cannot be"),
    ] {
        let refused = renamed(&mut client, &name, STAGES, "build", new).unwrap_err();
        assert!(refused.contains(reason), "{new}: {refused}");
    }
}

const VARIABLES: &str =
    "ARG V=3.20\nFROM alpine:${V} AS one\nARG V\nRUN echo $V ${V:-x}\nFROM alpine:3.20\nENV V=other\nLABEL v=$V\n";

#[test]
fn variables_are_one_as_far_as_they_pass() {
    let (_folder, mut client, name) = opened(VARIABLES);
    assert_eq!(lines(&mut client, &name, VARIABLES, "V=3.20", 0), [1, 2, 3, 4, 4]);
    assert_eq!(lines(&mut client, &name, VARIABLES, "V=other", 0), [6, 7]);
    let text = renamed(&mut client, &name, VARIABLES, "V}", "VERSION").unwrap();
    let expected = "ARG VERSION=3.20\nFROM alpine:${VERSION} AS one\nARG VERSION\nRUN echo $VERSION ${VERSION:-x}\nFROM alpine:3.20\nENV V=other\nLABEL v=$V\n";
    assert_eq!(text, expected);
}

/// In a file that is written word for word, `$host` is not the build's.
#[test]
fn a_rename_leaves_quoted_heredocs_alone() {
    let text = "FROM alpine:3.20\nARG host=x\nLABEL h=$host\nCOPY <<'EOF' /nginx.conf\nproxy_set_header Host $host;\nEOF\nCOPY <<EOF /y\n$host\nEOF\n";
    let (_folder, mut client, name) = opened(text);
    let renamed = renamed(&mut client, &name, text, "host=", "name").unwrap();
    assert_eq!(
        renamed,
        "FROM alpine:3.20\nARG name=x\nLABEL h=$name\nCOPY <<'EOF' /nginx.conf\nproxy_set_header Host $host;\nEOF\nCOPY <<EOF /y\n$name\nEOF\n"
    );
}

#[test]
fn a_rename_that_cannot_follow_a_script_is_refused() {
    for script in ["printenv MODE", "echo '$MODE'", "MODE=1 x", "python -c \"import os; os.environ['MODE']\""] {
        let text = format!("FROM alpine:3.20\nENV MODE=a\nRUN {script}\n");
        let (_folder, mut client, name) = opened(&text);
        let refused = renamed(&mut client, &name, &text, "MODE", "STYLE").unwrap_err();
        assert!(refused.contains("line 3 uses `MODE`"), "{script}: {refused}");
    }
}

#[test]
fn an_editor_learns_first_what_can_be_renamed() {
    let text = format!("{STAGES}ENV MODE=a\nRUN printenv MODE\n");
    let (_folder, mut client, name) = opened(&text);
    let range = client.request("textDocument/prepareRename", place(&name, &text, "build", 1));
    let start = json!({ "line": 4, "character": 12 });
    assert_eq!(range, json!({ "start": start, "end": { "line": 4, "character": 17 } }));
    let number = client.request("textDocument/prepareRename", place(&name, &text, "from=0", 0));
    assert_eq!(number, Value::Null, "an option's name");
    let nothing = client.request("textDocument/prepareRename", place(&name, &text, "alpine", 0));
    assert_eq!(nothing, Value::Null);
    let id = client.ask("textDocument/prepareRename", place(&name, &text, "MODE", 0));
    let error = client.answer(id)["error"]["message"].as_str().unwrap().to_owned();
    assert!(error.contains("line 9 uses `MODE`"), "{error}");
}

/// What is offered at the end of a text.
fn offered(before: &str) -> Vec<String> {
    let (_folder, mut client, name) = opened(before);
    let line = before.matches('\n').count();
    let character = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
    let position = json!({ "line": line, "character": character });
    let items =
        client.request("textDocument/completion", json!({ "textDocument": { "uri": name }, "position": position }));
    let mut labels: Vec<String> =
        items.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect();
    labels.sort();
    labels
}

#[test]
fn what_can_stand_there_is_offered() {
    let stages = "FROM alpine:3.20 AS build\nARG VERSION=1\nFROM scratch AS last\n";
    for (typed, expected) in [
        ("EN", vec!["ENTRYPOINT", "ENV"]),
        ("copy --ch", vec!["--chmod=", "--chown="]),
        ("COPY --from=", vec!["build", "last"]),
        ("FROM b", vec!["build"]),
        ("RUN --mount=ty", vec!["type="]),
        ("RUN --mount=type=c", vec!["cache"]),
        ("RUN --mount=type=cache,sharing=", vec!["locked", "private", "shared"]),
        ("RUN --mount=type=bind,from=b", vec!["build"]),
        ("RUN --mount=type=cache,tar", vec!["target="]),
        ("RUN --network=none --mount=type=cache,sharing=l", vec!["locked"]),
        ("COPY --link pack", vec!["package-lock.json", "package.json"]),
        ("ADD ind", vec!["index.js"]),
        ("COPY index.js pack", vec!["package-lock.json", "package.json"]),
        ("COPY <<EOF /x\npack", vec![]),
        ("RUN echo ${VER", vec!["VERSION"]),
        ("COPY pack", vec!["package-lock.json", "package.json"]),
        ("COPY ./pack", vec!["package-lock.json", "package.json"]),
        ("COPY --from=build pack", vec![]),
        ("RUN pack", vec![]),
        ("# EN", vec![]),
    ] {
        assert_eq!(offered(&format!("{stages}{typed}")), expected, "{typed}");
    }
}
