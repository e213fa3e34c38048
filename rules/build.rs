//! The build script: reads the facts of `rules/**/*.toml` once, so that the program does not read TOML each time it starts.
//!
//! Each file becomes a `MessagePack` document of the same shape at the same place below `OUT_DIR`, and those of
//! `ecosystems/` and `images/` have an *outline* besides: what tells whether a Dockerfile names anything that they know.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use toml::{Table, Value};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=rules");
    let rules = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("rules");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("rules");
    pack_folder(&rules, &out)
}

fn pack_folder(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let place = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            pack_folder(&path, &place)?;
        } else if path.extension().is_some_and(|end| end == "toml") {
            let text = fs::read_to_string(&path)?;
            let table: Table = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            fs::write(place.with_extension("facts"), rmp_serde::to_vec(&table)?)?;
            if from.ends_with("ecosystems") {
                fs::write(place.with_extension("outline"), rmp_serde::to_vec(&outline(&table))?)?;
            }
            if from.ends_with("images") {
                fs::write(place.with_extension("outline"), rmp_serde::to_vec(&table.get("repositories"))?)?;
            }
        }
    }
    Ok(())
}

/// The facts by which a pack is found, as `Outline` of `src/ecosystem/outline.rs` has them.
fn outline(pack: &Table) -> Table {
    let mut outline = Table::new();
    for key in ["name", "manifests", "lockfiles"] {
        if let Some(value) = pack.get(key) {
            outline.insert(key.to_owned(), value.clone());
        }
    }
    outline.insert("programs".to_owned(), first_words(pack, "commands"));
    outline.insert("runners".to_owned(), first_words(pack, "runners"));
    outline.insert("triggers".to_owned(), Value::Boolean(pack.contains_key("triggers")));
    outline
}

/// First words of the programs in the tables of a list, sorted, each once.
fn first_words(pack: &Table, list: &str) -> Value {
    let tables = pack.get(list).and_then(Value::as_array).into_iter().flatten();
    let programs = tables.filter_map(|table| table.get("programs")?.as_array()).flatten().filter_map(Value::as_str);
    let words: BTreeSet<&str> = programs.filter_map(|program| program.split(' ').next()).collect();
    Value::Array(words.into_iter().map(Value::from).collect())
}
