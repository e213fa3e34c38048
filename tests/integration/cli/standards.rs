//! Documents for other programs are valid under the schemas that these publish, through `tests/oracle/standards.py`; so are
//! configurations under the schema that we publish.

use std::path::Path;
use std::process::Command;

use crate::docs::page;
use crate::program;

#[test]
fn documents_are_valid_under_the_schemas_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    std::fs::create_dir(place.join("lazy <&>")).unwrap();
    program::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples/lazy-npm"), &place.join("lazy <&>"));
    // Findings with and without a fix, with a help, with other places, and a file without any.
    program::write(place, "é/Dockerfile", b"FROM debian\n# layerwise ignore=unpined-base-image\nRUUN \x1b<]]>\n");
    program::write(place, "clean/Dockerfile", b"FROM debian:12.5\n");
    let formats = ["sarif", "junit"].map(|format| ["--output-format", format, "--output-file", format]).concat();
    let run = program::run(program::layerwise(place, &[&["check", "--unsafe-fixes"], formats.as_slice()].concat()), "");
    assert_eq!(run.exit, Some(1), "{}", run.stderr);
    program::run(program::layerwise(place, &["init"]), "");
    let mut files = vec!["layerwise.toml".to_owned()];
    for (number, block) in page::blocks(&page::read("docs/configuration.md"), "toml").iter().enumerate() {
        files.push(format!("block{number}.toml"));
        program::write(place, &format!("block{number}.toml"), block.as_bytes());
    }
    assert!(files.len() > 2, "no examples in docs/configuration.md");
    program::write(place, "wrong.toml", b"fail-on = 'loud'\nx = 1\n[severity]\nDL3006 = 'all'\n");

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new("python3");
    python.arg("-B").arg(root.join("tests/oracle/standards.py")).arg(env!("CARGO_TARGET_TMPDIR"));
    python.args(["sarif", "junit"]).arg(root.join("docs/layerwise.schema.json")).args(&files).arg("wrong.toml");
    let output = match python.current_dir(place).output() {
        Ok(output) => output,
        Err(error) => return program::skipped(&format!("python3: {error}")),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("CalledProcessError") {
        return program::skipped(&format!("pip fetches no schemas: {}", said.lines().last().unwrap_or_default()));
    }
    assert!(output.status.success(), "{said}");
    let wrong: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    let (expected, unexpected): (Vec<&String>, Vec<&String>) =
        wrong.iter().partition(|problem| problem.starts_with("wrong.toml"));
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    assert_eq!(expected.len(), 3, "{expected:#?}");
}
