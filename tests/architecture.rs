//! Layers only look down: the list in `src/lib.rs` is the order, and no file names a layer that comes after its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where it stands")]

use std::fs;
use std::path::{Path, PathBuf};

/// The layers in order, from the numbered list at the top of `src/lib.rs`.
fn layers() -> Vec<String> {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let listed =
        lib.lines().filter_map(|line| line.strip_prefix("//! ")?.split_once(". [`")).filter_map(|(number, rest)| {
            number.parse::<usize>().ok()?;
            Some(rest.split_once('`')?.0.to_owned())
        });
    listed.collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The layer that a file belongs to, with its text.
fn layer_files() -> Vec<(String, PathBuf, String)> {
    let source = root().join("src");
    let files = files(&source).into_iter().filter_map(|path| {
        let name = path.strip_prefix(&source).unwrap().components().next()?.as_os_str().to_string_lossy().into_owned();
        let layer = name.trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).unwrap();
        (layer != "lib" && layer != "main").then_some((layer, path, text))
    });
    files.collect()
}

/// The layers that a text names by `crate::…`, comments left out. Braces after `crate::` are read too.
fn named_layers(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let list = rest.strip_prefix('{').map_or_else(|| vec![rest], items);
        names.extend(list.into_iter().map(|item| {
            let item = item.trim_start();
            let end = item.find(|character: char| !character.is_alphanumeric() && character != '_');
            item[..end.unwrap_or(item.len())].to_owned()
        }));
    }
    names
}

/// The items of a list in braces, of which the first is open already; each with the braces that it has itself.
fn items(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                items.push(&list[start..at]);
                return items;
            }
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

#[test]
fn names_in_nested_braces_are_found() {
    let text = "use crate::{text::{LineIndex, TextRange}, cache::Key};\nuse crate::model;\n// crate::lint\n";
    assert_eq!(named_layers(text), ["text", "cache", "model"]);
}

/// A text without its inline module of tests, which stands at its end.
fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at])
}

/// The longest chain of `super::` in a text.
fn climbs(text: &str) -> usize {
    let chain = "super::";
    (1..9).take_while(|times| text.contains(&chain.repeat(*times))).count()
}

/// How many modules a file is below the root of the crate: 1 for `src/text.rs`, 2 for `src/text/range.rs`.
fn depth(path: &Path) -> usize {
    path.strip_prefix(root().join("src")).unwrap().components().count()
}

#[test]
fn every_module_is_a_layer() {
    let layers = layers();
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut modules: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut listed: Vec<&str> = layers.iter().map(String::as_str).collect();
    modules.sort_unstable();
    listed.sort_unstable();
    assert_eq!(modules, listed, "the list in src/lib.rs and its modules differ");
    assert!(listed.len() > 5, "the list in src/lib.rs was not found");
}

#[test]
fn layers_look_down_only() {
    let layers = layers();
    let place = |name: &str| layers.iter().position(|layer| layer == name);
    for (layer, path, text) in layer_files() {
        let own = place(&layer).unwrap_or_else(|| panic!("{} belongs to no layer", path.display()));
        for name in named_layers(&text) {
            let Some(other) = place(&name) else { continue };
            assert!(other <= own, "{}: `{layer}` may not use `{name}`, which comes later", path.display());
        }
        assert!(climbs(&text) < depth(&path), "{}: `super` leads out of `{layer}`; say `crate::`", path.display());
    }
}

/// The compiler denies `unsafe` everywhere else; here stands where it may be allowed at all.
#[test]
fn unsafe_code_has_one_place() {
    for (_, path, text) in layer_files() {
        let allows = text.contains("allow(unsafe_code");
        let may = path.ends_with("src/runtime/sys.rs") || path.ends_with("src/runtime/sys/notify.rs");
        assert_eq!(allows, may, "{}: `unsafe` belongs in runtime/sys", path.display());
    }
}

/// Below `source`, files enter as strings, and a context or a history through a trait.
#[test]
fn lower_layers_touch_neither_disk_nor_clock_nor_processes() {
    let layers = layers();
    let source = layers.iter().position(|layer| layer == "source").unwrap();
    let forbidden = ["std::fs", "std::process", "std::env", "std::net", "SystemTime", "Instant::now", "File::open"];
    for (layer, path, text) in layer_files() {
        if layers.iter().position(|name| *name == layer) >= Some(source) {
            continue;
        }
        let code = without_tests(&text);
        for word in forbidden {
            assert!(!code.contains(word), "{}: `{layer}` may not use `{word}`", path.display());
        }
    }
}

/// Results are plain data until an output makes text of them.
#[test]
fn only_outputs_serialize() {
    for (layer, path, text) in layer_files() {
        let derives = |line: &str| line.contains("derive(") && line.replace("Deserialize", "").contains("Serialize");
        let writes = text.contains("json!(") || text.lines().any(derives);
        // The configuration is read, and shown as it is read.
        let documents = ["runtime/image", "runtime/store", "runtime/registry", "config/schema"];
        let kept = documents.iter().any(|place| path.to_string_lossy().contains(place));
        let allowed = layer == "cli" || layer == "lsp" || kept;
        assert!(!writes || allowed, "{}: only the front ends and documents that are read make JSON", path.display());
    }
}

/// The command line starts the language server, and neither knows the other otherwise.
#[test]
fn front_ends_share_nothing_but_the_start() {
    for (layer, path, text) in layer_files() {
        let types = ["ls_types", "lsp_server"].iter().any(|name| text.contains(name));
        assert!(!types || layer == "lsp", "{}: only `lsp` knows the types of the protocol", path.display());
        if layer == "cli" {
            let uses: Vec<&str> = text.split("lsp::").skip(1).collect();
            let starts = uses.iter().all(|rest| {
                rest.starts_with("{Ended, serve}") || rest.starts_with("LspArgs") || rest.starts_with("run(")
            });
            assert!(starts, "{}: the command line only starts the language server", path.display());
        }
    }
}
