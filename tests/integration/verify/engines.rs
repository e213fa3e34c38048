//! What `layerwise verify` says is the same with every engine: the embedded one, and the one that the environment names.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::program::{self, Run};

/// Two Dockerfiles, and what is said of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    commits: Vec<BTreeMap<String, String>>,
    before: String,
    after: String,
    #[serde(default)]
    arguments: Vec<String>,
    exit: i32,
    says: String,
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// An engine at hand.
struct Named {
    name: String,
    /// The image that stands for `busybox`.
    busybox: &'static str,
    arguments: Vec<String>,
}

impl Named {
    fn embedded() -> Self {
        Self {
            name: "embedded".to_owned(),
            busybox: "layerwise/busybox",
            arguments: vec!["--engine=embedded".to_owned()],
        }
    }

    /// The engine of the environment.
    fn of_environment() -> Result<Self, String> {
        let command = std::env::var("LAYERWISE_TEST_ENGINE").map_err(|_| "LAYERWISE_TEST_ENGINE names no command")?;
        let name = std::env::var("LAYERWISE_TEST_ENGINE_NAME").unwrap_or_else(|_| "docker".to_owned());
        let options = std::env::var("LAYERWISE_TEST_ENGINE_OPTIONS").unwrap_or_default();
        let mut arguments = vec![format!("--engine={name}"), format!("--engine-command={command}")];
        arguments.extend(options.split_whitespace().map(|option| format!("--engine-option={option}")));
        Ok(Self { name, busybox: "busybox", arguments })
    }

    fn starts_images(&self) -> bool {
        matches!(self.name.as_str(), "embedded" | "docker" | "podman")
    }
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
    let done = Command::new("git").args(identity).args(arguments).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn verified(case: &Case, engine: &Named, folder: &Path) -> Run {
    let own = |text: &str| text.replace("FROM busybox", &format!("FROM {}", engine.busybox));
    program::write(folder, "app/.dockerignore", b"Dockerfile\n.dockerignore\n.git\n");
    program::write(folder, "app/Dockerfile", own(&case.before).as_bytes());
    program::write(folder, "Dockerfile.new", own(&case.after).as_bytes());
    for (path, text) in &case.files {
        program::write(folder, &format!("app/{path}"), text.as_bytes());
    }
    let app = folder.join("app");
    for (index, files) in case.commits.iter().enumerate() {
        for (path, text) in files {
            program::write(&app, path, text.as_bytes());
        }
        if index == 0 {
            git(&app, &["init", "-q"]);
        }
        git(&app, &["add", "."]);
        git(&app, &["commit", "-q", "-m", "change"]);
    }
    let first = ["verify", "app", "--against", "Dockerfile.new", "--costs", "costs.json"].map(str::to_owned);
    let replays = case.arguments.iter().any(|argument| argument.starts_with("--history"));
    let last = (!replays).then(|| "--history=0".to_owned());
    let arguments: Vec<String> =
        first.into_iter().chain(engine.arguments.clone()).chain(case.arguments.clone()).chain(last).collect();
    let mut command = program::layerwise(folder, &arguments);
    command.env("LAYERWISE_STORE", folder.join("store"));
    program::run(command, "")
}

fn all_cases_with(engine: &Named) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/verify/engines.toml");
    let Cases { case: cases } = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let starts = |case: &Case| case.arguments.iter().any(|argument| argument.starts_with("--smoke"));
    if !engine.starts_images() {
        program::skipped(&format!("{} starts no images: what is said of started ones", engine.name));
    }
    for case in cases.iter().filter(|case| engine.starts_images() || !starts(case)) {
        let folder = tempfile::tempdir().unwrap();
        let run = verified(case, engine, folder.path());
        let known = ["no static busybox", "there is none at", "`RUN` cannot be executed here", "no runtime of its own"];
        if let Some(reason) = known.iter().find(|known| run.stderr.contains(**known)) {
            return program::skipped(reason);
        }
        let Run { exit, stdout, stderr } = run;
        assert_eq!(exit, Some(case.exit), "{}: {}: {stdout}{stderr}", engine.name, case.name);
        let is_said = stdout.contains(&case.says) || stderr.contains(&case.says);
        assert!(is_said, "{}: {}: {stdout}{stderr}", engine.name, case.name);
    }
}

#[test]
fn the_embedded_engine_says_it() {
    all_cases_with(&Named::embedded());
}

#[test]
fn the_engine_of_the_environment_says_it() {
    match Named::of_environment() {
        Ok(engine) => all_cases_with(&engine),
        Err(reason) => program::skipped(&reason),
    }
}
