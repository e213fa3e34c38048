//! Mistakes in `layerwise.toml`: each text of `tests/cases/configuration/mistakes.toml` has one; the snapshot holds what is
//! said of it: where it is, what is wrong, and what to do about it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use layerwise::config::Settings;

use crate::program;

#[test]
fn every_mistake_is_shown_with_its_remedy() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/configuration/mistakes.toml");
    let cases: BTreeMap<String, String> = toml::from_str(&std::fs::read_to_string(table).unwrap()).unwrap();
    assert!(cases.len() > 30, "{}", cases.len());
    let mut said = String::new();
    for (name, text) in &cases {
        let error = Settings::from_text(Path::new("/x"), "layerwise.toml", text).unwrap_err().sentence();
        assert!(error.starts_with("`layerwise.toml`, line ") && error.ends_with(')'), "{name}: {error}");
        writeln!(said, "{}\n    {error}\n", text.trim_end()).unwrap();
    }
    program::assert_snapshot("configuration", "mistakes", "what is said of mistakes in `layerwise.toml`", &said);
}
