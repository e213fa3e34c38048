//! `verify --trace` and `optimize --trace` with the embedded runtime and a base made of the machine's busybox.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{self, Run};

const FILE: &str = "FROM layerwise/busybox\nWORKDIR /app\nCOPY . .\nRUN ./scripts/setup.sh\nRUN cat src/* >/app/all\n";

const SETUP: &str = "#!/bin/sh\nset -e\n[ ! -e local.conf ]\nmkdir -p /opt/deps\ncp deps.list /opt/deps/list\n";

/// A project with two commits: the first, and one that changes a source.
fn project(dockerfile: &str, setup: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("app");
    program::write(&app, "Dockerfile", dockerfile.as_bytes());
    program::write(&app, ".dockerignore", b"Dockerfile\n.dockerignore\n.git\n");
    program::write(&app, "scripts/setup.sh", setup.as_bytes());
    program::write(&app, "deps.list", b"one\n");
    for index in 0..30 {
        program::write(&app, &format!("src/{index}.txt"), b"source\n");
    }
    make_executable(&app.join("scripts/setup.sh"));
    git(&app, &["init", "-q"]);
    for change in 1..=3 {
        program::write(&app, "src/0.txt", format!("source {change}\n").as_bytes());
        git(&app, &["add", "-A"]);
        git(&app, &["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "change"]);
    }
    folder
}

fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn git(folder: &Path, args: &[&str]) {
    assert!(Command::new("git").args(args).current_dir(folder).status().unwrap().success());
}

#[allow(clippy::print_stdout, reason = "a test says what it goes without")]
fn layerwise(folder: &TempDir, args: &[&str]) -> Option<Run> {
    let all = [args, &["--costs", "costs.json"]].concat();
    let mut command = program::layerwise(folder.path(), &all);
    command.env("LAYERWISE_STORE", folder.path().join("store"));
    let run = program::run(command, "");
    let known = ["no static busybox", "there is none at", "`RUN` cannot be executed here", "no runtime of its own"];
    if let Some(reason) = known.iter().find(|known| run.stderr.contains(**known)) {
        println!("skipped: {reason}");
        return None;
    }
    Some(run)
}

#[test]
fn a_trace_tells_which_copied_files_a_step_reached() {
    let folder = project(FILE, SETUP);
    let Some(run) = layerwise(&folder, &["verify", "app", "--trace", "--history=0", "--output-format=json"]) else {
        return;
    };
    assert_eq!(run.exit, Some(0), "{}{}", run.stdout, run.stderr);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    let step = &document["traces"][0];
    assert_eq!((&step["line"], &step["complete"]), (&4.into(), &true.into()), "{step}");
    let reached = |how: &str| -> Vec<&str> {
        let files = step["files"].as_array().unwrap().iter();
        let files = files.filter(|file| file["how"].as_array().unwrap().contains(&how.into()));
        files.map(|file| file["path"].as_str().unwrap()).collect()
    };
    assert_eq!(reached("read"), ["deps.list", "scripts/setup.sh"], "{step}");
    assert_eq!(reached("written"), [""; 0], "{step}");
    assert_eq!(step["missing"], serde_json::json!(["local.conf"]), "{step}");
    let second = &document["traces"][1];
    assert_eq!(second["files"].as_array().unwrap().iter().filter(|file| file["path"] == "src/7.txt").count(), 1);

    let run = layerwise(&folder, &["verify", "app", "--trace", "--history=0"]).unwrap();
    assert!(run.stdout.contains("    read     deps.list, scripts/setup.sh\n"), "{}", run.stdout);
    assert!(run.stdout.contains("    missing  local.conf\n"), "{}", run.stdout);
}

#[test]
fn a_step_that_nothing_is_known_of_is_split_by_its_trace() {
    let folder = project(FILE, SETUP);
    let Some(run) = layerwise(&folder, &["optimize", "app", "--trace", "--write"]) else { return };
    assert_eq!(run.exit, Some(0), "{}{}", run.stdout, run.stderr);
    let written = std::fs::read_to_string(folder.path().join("app/Dockerfile")).unwrap();
    let expected = "FROM layerwise/busybox\nWORKDIR /app\nCOPY deps.list ./\nCOPY scripts/setup.sh ./scripts/\n\
                    RUN ./scripts/setup.sh\nCOPY . .\nRUN cat src/* >/app/all\n";
    assert_eq!(written, expected, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("proven equal, and after 2 changes"), "{}", run.stdout);
    assert!(run.stdout.contains("evidence and no proof for others"), "{}", run.stdout);
}

/// What was seen in one commit is not enough, and a step that reads every file has none to spare.
#[test]
fn a_trace_without_a_replay_changes_nothing() {
    let folder = project(FILE, SETUP);
    let Some(run) = layerwise(&folder, &["optimize", "app", "--trace", "--verify-history=0"]) else { return };
    assert!(run.stdout.contains("nothing was replayed, and what was seen in one build needs it"), "{}", run.stdout);

    for (setup, reason) in [
        ("#!/bin/sh\nls src >/names\n", "it was seen to read the names in `/app/src`"),
        ("#!/bin/sh\necho more >>deps.list\n", "it was seen to change `/app/deps.list`"),
    ] {
        let folder = project(FILE, setup);
        let run = layerwise(&folder, &["optimize", "app", "--trace"]).unwrap();
        assert!(run.stdout.contains("nothing to change") && run.stdout.contains(reason), "{}", run.stdout);
    }
}

/// A program goes by the name of a package manager, and reads what no package manager reads.
#[test]
fn what_a_pack_claims_is_refused_where_it_was_seen_otherwise() {
    let file = "FROM layerwise/busybox\n\
        RUN mkdir -p /usr/local/bin; \\\n    printf '#!/bin/sh\\ncat src/7.txt >/seen\\n' >/usr/local/bin/npm; \\\n    \
        chmod +x /usr/local/bin/npm\n\
        WORKDIR /app\nCOPY . .\nRUN npm ci\n";
    let folder = project(file, SETUP);
    let app = folder.path().join("app");
    program::write(&app, "package.json", b"{\"name\":\"app\",\"version\":\"1.0.0\"}");
    program::write(
        &app,
        "package-lock.json",
        b"{\"name\":\"app\",\"version\":\"1.0.0\",\"lockfileVersion\":3,\"packages\":{}}",
    );
    let Some(run) = layerwise(&folder, &["optimize", "app"]) else { return };
    assert!(run.stdout.contains("COPY package.json package-lock.json ./"), "{}{}", run.stdout, run.stderr);
    let run = layerwise(&folder, &["optimize", "app", "--trace"]).unwrap();
    assert!(run.stdout.contains("it was seen to read `/app/src/7.txt`, which nothing says of it"), "{}", run.stdout);
    assert!(!run.stdout.contains("COPY package.json"), "{}", run.stdout);
}

#[test]
fn engines_that_see_nothing_say_so() {
    let folder = project(FILE, SETUP);
    for command in ["verify", "optimize"] {
        let Some(run) = layerwise(&folder, &[command, "app", "--trace", "--engine=docker"]) else { return };
        assert_eq!(run.exit, Some(2), "{}", run.stdout);
        assert!(run.stderr.contains("docker does not tell which files steps reach"), "{}", run.stderr);
    }
}
