//! `docs/ecosystems.md`: its example is a pack that works, and its lists of keys are those of the source.

use std::fmt::Write;
use std::path::Path;

use super::page;
use crate::program;

const PAGE: &str = "docs/ecosystems.md";
const MARK: &str =
    "<!-- Everything below is made from src/ecosystem: BLESS=1 cargo test --test integration docs:: -->\n";

/// Where each type of the format stands in a pack.
const PLACES: [(&str, &str); 34] = [
    ("Pack", "The pack"),
    ("Kind", "Values of `kind`"),
    ("Cost", "`[cost]`: the value of each effect"),
    ("Cache", "`[cache]`"),
    ("CacheOfImages", "`[[cache.images]]`"),
    ("Sharing", "Values of `sharing`"),
    ("Leftover", "`[leftover]`"),
    ("Index", "`[index]`"),
    ("ProjectTest", "`[project]`"),
    ("OptionSet", "`[options.NAME]`"),
    ("CommandSpec", "`[[commands]]`"),
    ("Makes", "`makes` of a command"),
    ("BuildOnly", "`build-only` of a command"),
    ("Confined", "`confined` of a command"),
    ("Effect", "Values of `effect`"),
    ("Role", "Values of `arguments`"),
    ("Runner", "`[[runners]]`"),
    ("ClosureSpec", "`[closure.NAME]`"),
    ("ReadSpec", "`[[closure.NAME.reads]]`"),
    ("Where", "Values of `in` in reads and conditions"),
    ("Follow", "`[[closure.NAME.follow]]`"),
    ("Names", "`names` of a `follow`"),
    ("Use", "Values of `use`"),
    ("ScriptSpec", "`[[closure.NAME.scripts]]`"),
    ("Refuse", "`[[closure.NAME.refuse]]`"),
    ("VariableSpec", "`[[closure.NAME.variables]]`"),
    ("OutputSpec", "`[[closure.NAME.outputs]]`"),
    ("Condition", "A condition"),
    ("LockSpec", "`[closure.NAME.lock]`"),
    ("Mirror", "`[[closure.NAME.lock.mirrors]]`"),
    ("Flag", "`flags` of a mirror"),
    ("Entries", "`[closure.NAME.lock.entries]`"),
    ("Trigger", "`[[triggers]]`"),
    ("WarmUpSpec", "`[[warm-up]]`"),
];

/// A struct or an enum of the format.
#[derive(Default)]
struct Type {
    name: String,
    docs: String,
    keys: Vec<Key>,
}

/// A field or a variant.
struct Key {
    name: String,
    docs: String,
    /// The value and whether it must stand, for a field.
    value: Option<(String, bool)>,
}

#[test]
fn the_lists_of_keys_are_those_of_the_source() {
    let files = ["pack", "pack_cache", "pack_command", "pack_closure", "pack_lock", "pack_warm_up", "interface"];
    let mut types = Vec::new();
    for file in files {
        types.extend(read_types(&page::read(&format!("src/ecosystem/{file}.rs"))));
    }
    let mut wanted = page::read(PAGE).split(MARK).next().unwrap().to_owned() + MARK;
    for (name, place) in PLACES {
        let found = types.iter().find(|found| found.name == name).unwrap_or_else(|| panic!("no type {name}"));
        write_type(&mut wanted, place, found);
    }
    let unplaced = types.iter().find(|found| !PLACES.iter().any(|(name, _)| *name == found.name));
    let unplaced = unplaced.map(|found| found.name.as_str());
    assert_eq!(unplaced, None, "part of the format: say in PLACES where it stands");
    page::hold(PAGE, &wanted);
}

/// The types of a file that a pack is read into.
fn read_types(source: &str) -> Vec<Type> {
    let mut types = Vec::new();
    let mut open: Option<Type> = None;
    let (mut docs, mut attributes) = (String::new(), String::new());
    for line in source.lines() {
        let text = line.trim();
        if let Some(doc) = text.strip_prefix("/// ") {
            docs.push_str(if docs.is_empty() { "" } else { " " });
            docs.push_str(doc);
            continue;
        }
        if text.starts_with("#[") {
            attributes.push_str(text);
            continue;
        }
        let (docs, attributes) = (std::mem::take(&mut docs), std::mem::take(&mut attributes));
        let header = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
        if let Some(name) = header.and_then(|rest| rest.strip_suffix(" {")) {
            let read = attributes.contains("Deserialize");
            open = read.then(|| Type { name: name.to_owned(), docs, keys: Vec::new() });
        } else if line == "}" {
            types.extend(open.take());
        } else if let Some(open) = &mut open {
            open.keys.extend(read_key(text, docs, &attributes));
        }
    }
    types
}

fn read_key(text: &str, docs: String, attributes: &str) -> Option<Key> {
    let renamed = attributes.split("rename = \"").nth(1).and_then(|rest| rest.split('"').next());
    if let Some((name, value)) = text.strip_prefix("pub ").and_then(|field| field.split_once(": ")) {
        let value = value.trim_end_matches(',');
        let required = !attributes.contains("default") && !value.starts_with("Option<");
        let name = renamed.map_or_else(|| name.replace('_', "-"), str::to_owned);
        return Some(Key { name, docs, value: Some((describe(value), required)) });
    }
    let name = text.strip_suffix(',').filter(|name| name.chars().all(char::is_alphanumeric))?;
    Some(Key { name: renamed.map_or_else(|| kebab(name), str::to_owned), docs, value: None })
}

fn kebab(name: &str) -> String {
    let parts = name.chars().map(|character| match character {
        upper if upper.is_ascii_uppercase() => format!("-{}", upper.to_ascii_lowercase()),
        other => other.to_string(),
    });
    parts.collect::<String>().trim_start_matches('-').to_owned()
}

/// A type of Rust as a value of TOML.
fn describe(value: &str) -> String {
    let inner = |wrapper: &str| value.strip_prefix(wrapper).and_then(|rest| rest.strip_suffix('>'));
    if let Some(inner) = inner("Option<") {
        return describe(inner);
    }
    if let Some(inner) = inner("Vec<") {
        return format!("list of {}s", describe(inner));
    }
    if value.starts_with("BTreeMap<") || value.starts_with("HashMap<") {
        return "table".to_owned();
    }
    match value {
        "String" | "Located" => "string",
        "bool" => "boolean",
        "f64" | "usize" => "number",
        "Pattern" => "expression",
        "Condition" => "condition",
        "Role" | "Effect" | "Kind" | "Sharing" | "Where" | "Use" => "name",
        _ => "table",
    }
    .to_owned()
}

fn write_type(page: &mut String, place: &str, found: &Type) {
    writeln!(page, "\n### {place}\n\n{}\n", found.docs).unwrap();
    let fields = found.keys.iter().any(|key| key.value.is_some());
    page.push_str(if fields { "| key | value | |\n|---|---|---|\n" } else { "| value | |\n|---|---|\n" });
    for key in &found.keys {
        let docs = key.docs.replace("``", "`").replace('|', "\\|");
        let value = match &key.value {
            None => String::new(),
            Some((value, true)) => format!(" {value}, required |"),
            Some((value, false)) => format!(" {value} |"),
        };
        writeln!(page, "| `{}` |{value} {docs} |", key.name).unwrap();
    }
}

#[test]
fn the_example_is_a_pack_that_works() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples/own-pack");
    let pack = std::fs::read_to_string(example.join("packs/acme.toml")).unwrap();
    let blocks = page::blocks(&page::read(PAGE), "toml");
    assert!(blocks.contains(&pack), "{PAGE} shows another text than tests/examples/own-pack/packs/acme.toml");

    let folder = tempfile::tempdir().unwrap();
    program::copy(&example, folder.path());
    let written = program::run(program::layerwise(folder.path(), &["optimize", "--write"]), "");
    assert_eq!(written.exit, Some(0), "{}", written.stderr);
    let dockerfile = std::fs::read_to_string(folder.path().join("Dockerfile")).unwrap();
    let manifests = "COPY acme.json acme.lock ./\nCOPY parts/cart/acme.json ./parts/cart/\n";
    let order = format!("{manifests}RUN acme install --locked\nCOPY . .\nRUN acme build\n");
    assert!(dockerfile.contains(&order), "{dockerfile}");

    // The pack's own refusal: a hook may read anything.
    program::copy(&example, folder.path());
    program::write(folder.path(), "acme.json", b"{ \"name\": \"shop\", \"hook\": \"./prepare.sh\" }\n");
    let refused = program::run(program::layerwise(folder.path(), &["optimize"]), "");
    assert!(refused.stdout.contains("because the hook of the manifest may read any file"), "{}", refused.stdout);
}
