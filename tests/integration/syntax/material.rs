//! Dockerfiles of other projects with what `BuildKit`'s own parser makes of them, through `tests/oracle/run.py`.
//!
//! The script fetches packages by name and keeps them below the target directory. What cannot be fetched is said on
//! standard error. Directories named in
//! `LAYERWISE_DOCKERFILES` (separated by `:`) are read as well.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use serde::Deserialize;

/// What the script prints.
#[derive(Deserialize)]
pub(super) struct Material {
    skipped: Option<String>,
    pub(super) sources: Vec<Source>,
}

/// One package.
#[derive(Deserialize)]
pub(super) struct Source {
    pub(super) name: String,
    skipped: Option<String>,
    pub(super) files: Vec<File>,
}

/// One Dockerfile: read, or refused with an error.
#[derive(Deserialize)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) commands: Option<Vec<Parsed>>,
    pub(super) error: Option<String>,
}

/// An instruction as `BuildKit`'s parser has it.
#[derive(Deserialize, Debug)]
pub(super) struct Parsed {
    pub(super) name: String,
    /// The instruction within `ONBUILD`.
    pub(super) nested: Option<String>,
    pub(super) json: bool,
    pub(super) lines: (usize, usize),
    pub(super) flags: Vec<String>,
    pub(super) value: Vec<String>,
    /// Name, descriptor and body.
    pub(super) heredocs: Vec<(String, u32, String)>,
}

static MATERIAL: LazyLock<Material> = LazyLock::new(|| {
    let material = load().unwrap_or_else(|reason| Material { skipped: Some(reason), sources: Vec::new() });
    say_what_is_skipped(&material);
    material
});

/// The material, fetched once.
pub(super) fn material() -> &'static Material {
    &MATERIAL
}

fn load() -> Result<Material, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/run.py");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle");
    let extra = std::env::var_os("LAYERWISE_DOCKERFILES").unwrap_or_default();
    let output = Command::new("python3")
        .arg("-B")
        .arg(script)
        .arg(cache)
        .args(std::env::split_paths(&extra).filter(|path| !path.as_os_str().is_empty()))
        .output()
        .map_err(|error| format!("python3: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/oracle/run.py failed: {said}");
    Ok(serde_json::from_slice(&output.stdout).expect("tests/oracle/run.py prints JSON"))
}

fn say_what_is_skipped(material: &Material) {
    let sources = material
        .sources
        .iter()
        .filter_map(|source| source.skipped.as_ref().map(|reason| format!("Dockerfiles of {}: {reason}", source.name)));
    for reason in material.skipped.iter().map(|reason| format!("comparison of Dockerfiles: {reason}")).chain(sources) {
        crate::program::skipped(&reason);
    }
}

/// Says how a comparison went, on standard error.
pub(super) fn report(line: &str) {
    let _closed = writeln!(std::io::stderr(), "{line}");
}
