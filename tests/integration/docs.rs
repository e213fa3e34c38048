//! What the manual says is true: its examples are run, and the pages made from the program are up to date.

use std::path::Path;

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
            let args = ["check", "--isolated", "--select", meta.name, "--output-format", "concise", "--quiet"];
            let run = program::run(program::layerwise(folder.path(), &args), "");
            let fires = run.stdout.contains(&format!("[{}]", meta.name));
            assert_eq!(fires, !example.mended, "{}:\n{}\n{}", meta.name, example.dockerfile, run.stdout);
        }
    }
}

#[test]
fn the_page_of_rules_is_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let run = program::run(program::layerwise(folder, &["rules", "--output-format", "markdown"]), "");
    let page = std::fs::read_to_string(folder.join("docs/rules.md")).unwrap_or_default();
    assert!(page == run.stdout, "run: cargo run -- rules --output-format markdown > docs/rules.md");
}
