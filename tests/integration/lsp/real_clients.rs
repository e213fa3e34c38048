//! Sessions with clients that others wrote: Neovim's own, and pytest-lsp's.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{LAZY, lazy_project};
use crate::program::{layerwise, run, write};

const PYTEST: [&str; 3] = ["pytest-lsp==1.0.1", "pytest==9.0.1", "pytest-asyncio==1.3.0"];

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/lsp").join(name)
}

/// Whether a program can be started.
fn there_is(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn neovim_applies_the_fix_and_the_plan() {
    if !there_is("nvim") {
        crate::program::skipped("there is no Neovim (`nvim`)");
        return;
    }
    let folder = lazy_project();
    let place = folder.path();
    for file in ["package.json", "package-lock.json", "index.js"] {
        write(place, &format!("other/{file}"), read(&place.join(file)).as_bytes());
    }
    write(place, "other/Dockerfile", LAZY.as_bytes());
    let result = place.join("result.json");
    let mut nvim = Command::new("nvim");
    nvim.args(["--headless", "-n", "-u", "NONE", "-i", "NONE", "-c"])
        .arg(format!("luafile {}", script("neovim.lua").display()));
    nvim.current_dir(place).env("TEST_SERVER", env!("CARGO_BIN_EXE_layerwise")).env("TEST_RESULT", &result);
    nvim.env("XDG_STATE_HOME", place.join("state")).env("XDG_CACHE_HOME", place.join("cache"));
    let output = nvim.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(result.exists(), "Neovim wrote nothing: {said}");
    let seen: Value = serde_json::from_str(&read(&result)).unwrap();
    assert!(seen.get("error").is_none(), "{seen} {said}");
    let findings = seen["findings"].as_array().unwrap();
    assert!(findings.contains(&json!([2, "copy-before-install"])), "{seen}");
    run(layerwise(place, &["check", "--fix", "Dockerfile"]), "");
    assert_eq!(seen["fixed"], read(&place.join("Dockerfile")));
    // Neovim creates the file at once and leaves its text in the buffer, with one empty line too many.
    std::fs::remove_file(place.join("other/.dockerignore")).unwrap();
    run(layerwise(place, &["optimize", "--write", "other"]), "");
    assert_eq!(seen["reordered"], read(&place.join("other/Dockerfile")));
    let ignore = read(&place.join("other/.dockerignore"));
    assert_eq!(seen["ignore"].as_str().unwrap().trim_end(), ignore.trim_end());
}

/// The folder with the packages, or why there is none.
fn pytest_packages() -> Result<PathBuf, String> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pytest-lsp");
    if place.join("complete").exists() {
        return Ok(place);
    }
    let options = ["--quiet", "--retries", "1", "--timeout", "20", "--disable-pip-version-check", "--target"];
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install"]).args(options).arg(&place).args(PYTEST);
    let output = pip.output().map_err(|error| format!("python3 cannot be started: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("pip installs no {}: {}", PYTEST[0], said.lines().last().unwrap_or_default()));
    }
    std::fs::write(place.join("complete"), "").map_err(|error| error.to_string())?;
    Ok(place)
}

#[test]
fn pytest_lsp_holds_a_session() {
    let packages = match pytest_packages() {
        Ok(packages) => packages,
        Err(reason) => {
            crate::program::skipped(&reason);
            return;
        }
    };
    let folder = lazy_project();
    let mut python = Command::new("python3");
    python
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir"])
        .arg(folder.path())
        .arg(script("session.py"));
    python.current_dir(folder.path()).env("PYTHONPATH", packages).env("PYTHONDONTWRITEBYTECODE", "1");
    python.env("TEST_SERVER", env!("CARGO_BIN_EXE_layerwise")).env("TEST_FOLDER", folder.path());
    let output = python.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("4 passed"), "{said}");
}
