//! buildah's conformance suite, as far as its cases run no command and start from nothing: layerwise makes what Docker made
//! of them. `tests/oracle/conformance.py` fetches the suite and holds what `tests/cases/conformance.json` records.

use std::path::Path;
use std::process::Command;

#[test]
#[allow(clippy::print_stdout, reason = "a test says what it goes without")]
fn the_conformance_suite_is_built_as_recorded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let store = tempfile::tempdir().unwrap();
    let mut python = Command::new("python3");
    python.arg("-B").arg(root.join("tests/oracle/conformance.py")).arg("--recorded");
    python.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle/conformance")).arg(env!("CARGO_BIN_EXE_layerwise"));
    let output = match python.env("LAYERWISE_STORE", store.path()).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped: python3: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{}", said.trim_end());
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("skipped: ") || said.contains(" as recorded, 0 not"), "{said}");
}
