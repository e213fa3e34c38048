//! What the manual says is true: its examples are run, and the pages made from the program are up to date.

#[cfg(target_os = "linux")]
mod build;
mod json;
mod packs;
pub(crate) mod page;
mod tour;

use layerwise::lint;

use crate::program;

#[test]
fn examples_fire_and_their_mended_forms_do_not() {
    for meta in lint::every_meta() {
        let examples = lint::examples(&meta.manual());
        assert!(examples.iter().any(|example| !example.mended), "{}: no example", meta.name);
        assert!(examples.iter().any(|example| example.mended), "{}: no `Use instead`", meta.name);
        for example in examples {
            let folder = tempfile::tempdir().unwrap();
            for file in &example.context {
                program::write(folder.path(), &file.path, file.text.as_bytes());
            }
            program::write(folder.path(), "Dockerfile", example.dockerfile.as_bytes());
            // An example may be one of a configuration.
            let isolated = !example.context.iter().any(|file| file.path == "layerwise.toml");
            let mut args = vec!["check", "--select", meta.name, "--output-format", "concise", "--quiet"];
            args.extend(isolated.then_some("--isolated"));
            let run = program::run(program::layerwise(folder.path(), &args), "");
            let fires = run.stdout.contains(&format!("[{}]", meta.name));
            assert_eq!(fires, !example.mended, "{}:\n{}\n{}", meta.name, example.dockerfile, run.stdout);
        }
    }
}

#[test]
fn the_page_of_rules_is_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let run = program::run(program::layerwise(folder.path(), &["rules", "--output-format", "markdown"]), "");
    page::hold("docs/rules.md", &run.stdout);
}

#[test]
fn the_schema_of_the_configuration_is_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let run = program::run(program::layerwise(folder.path(), &["config", "--output-format", "schema"]), "");
    page::hold("docs/layerwise.schema.json", &run.stdout);
}

#[test]
fn every_key_of_the_configuration_is_documented() {
    let source = page::read("src/config/schema.rs");
    let schema = source.split("struct Schema {").nth(1).unwrap().split("\n}").next().unwrap();
    let fields = schema.lines().filter_map(|line| line.trim().strip_prefix("pub(super) ")?.split(':').next());
    let keys: Vec<String> = fields.map(|field| field.replace('_', "-")).collect();
    assert!(keys.len() > 5, "the keys were not found");
    let (readme, manual) = (page::read("README.md"), page::read("docs/configuration.md"));
    for key in keys {
        assert!(readme.contains(&format!("`{key}`")), "README.md does not name `{key}`");
        assert!(manual.contains(&format!("| `{key}` | ")), "docs/configuration.md has no row for `{key}`");
    }
}

/// The file that `init` writes names every key, and what it shows of them is valid.
#[test]
fn the_configuration_to_begin_with_is_valid_in_every_line() {
    let text = page::read("src/cli/init/layerwise.toml");
    let uncommented = |line: &str| {
        let key = line.strip_prefix("# ")?;
        let word = key.split(" = ").next().unwrap_or_default().trim_matches('"');
        let is_key = key.contains(" = ") && !word.contains(' ');
        (is_key || key.starts_with('[')).then(|| key.to_owned())
    };
    let lines: Vec<String> = text.lines().filter_map(uncommented).collect();
    let source = page::read("src/config/schema.rs");
    let schema = source.split("struct Schema {").nth(1).unwrap().split("\n}").next().unwrap();
    for field in schema.lines().filter_map(|line| line.trim().strip_prefix("pub(super) ")?.split(':').next()) {
        let key = field.replace('_', "-");
        let named = |line: &String| line.starts_with(&format!("{key} =")) || line.trim_matches(['[', ']']) == key;
        assert!(lines.iter().any(named), "no `{key}` in {lines:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    program::write(folder.path(), "layerwise.toml", lines.join("\n").as_bytes());
    program::write(folder.path(), "packs/own.toml", page::read("tests/examples/own-pack/packs/acme.toml").as_bytes());
    program::write(folder.path(), "Dockerfile", b"FROM debian:12.5\n");
    let run = program::run(program::layerwise(folder.path(), &["check"]), "");
    assert!(!run.stderr.contains("layerwise.toml`:"), "{}", run.stderr);
}

#[test]
fn the_list_of_rules_tells_everything_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let run = program::run(program::layerwise(folder.path(), &["rules", "--output-format", "json"]), "");
    let list: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let rules = list["rules"].as_array().unwrap();
    let text = program::run(program::layerwise(folder.path(), &["rules"]), "").stdout;
    assert_eq!(rules.len(), lint::every_meta().count());
    for (meta, rule) in lint::every_meta().zip(rules) {
        assert_eq!(rule["name"], meta.name);
        assert_eq!(rule["severity"], meta.severity.name());
        assert_eq!(rule["fix"], meta.fix.name());
        assert!(rule["summary"].as_str().unwrap().ends_with('.'), "{}: the summary is no sentence", meta.name);
        assert!(text.lines().any(|line| line.split_whitespace().next() == Some(meta.name)), "{text}");
    }
}
