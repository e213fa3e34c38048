//! `layerwise verify` as a user runs it, with a program in the place of `docker` that hands out prepared images.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::program::{self, Run};

/// A builder that copies the files of the last `COPY` nowhere: the image it saves is `before.tar`, or `after.tar` where the
/// Dockerfile copies the manifests first; `broken` in it makes the build fail. Every second build of a file saves
/// `before-again.tar` where there is one; where there is a file `stumbles`, the candidate does not build in a replay. With
/// `fails-before` the second build of the original fails once, with `fails-after` the first of the candidate.
const DOCKER: &str = r#"#!/bin/sh
here=$(dirname "$0")
case $1 in
build)
    for word; do
        case $word in
        --tag=*) tag=${word#--tag=} ;;
        --file) next=1 ;;
        *) [ -z "$next" ] || file=$word; next= ;;
        esac
    done
    if grep -q broken "$file"; then
        echo '{"vertexes":[{"digest":"1","name":"[2/2] RUN broken","error":"exit code: 7"}]}'
        echo 'ERROR: no luck'
        exit 1
    fi
    kind=before
    grep -q 'COPY package' "$file" && kind=after
    if [ -e "$here/stumbles" ] && [ $kind = after ] && grep -q LAYERWISE_SALT "$file"; then
        echo 'ERROR: it stumbles'
        exit 1
    fi
    if [ -e "$here/fails-$kind" ] && [ -e "$here/built-$kind" -o $kind = after ]; then
        rm "$here/fails-$kind"
        echo "ERROR: lost after 1${#kind} ms"
        exit 1
    fi
    touch "$here/built-$kind"
    cat "$here/$kind.log"
    if [ $kind = before ] && [ -e "$here/before-again.tar" ]; then
        [ -e "$here/built" ] && kind=before-again
        touch "$here/built"
    fi
    cp "$here/$kind.tar" "$here/$(echo "$tag" | tr ':/' '__').tar" ;;
save) cat "$here/$(echo "$2" | tr ':/' '__').tar" ;;
rmi) rm "$here/$(echo "$3" | tr ':/' '__').tar" ;;
esac
"#;

const LAZY: &str = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n";
const EAGER: &str = "FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n";

fn step(digest: &str, name: &str, seconds: u32) -> String {
    let times = format!(r#""started":"2026-01-01T00:00:00Z","completed":"2026-01-01T00:00:{seconds:02}Z""#);
    format!("{{\"vertexes\":[{{\"digest\":\"{digest}\",\"name\":\"{name}\",{times}}}]}}\n")
}

fn archive(entries: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes, mode) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(*mode);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, path, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// An image of two layers.
fn image(mode: u32, env: &str) -> Vec<u8> {
    let (base, layer) = (archive(&[("bin/sh", b"x", 0o755)]), archive(&[("app/index.js", b"1", mode)]));
    let config = format!(
        r#"{{"config":{{"Env":["{env}"]}},"rootfs":{{"diff_ids":["sha256:{mode}b","sha256:{mode}l"]}},
        "history":[{{"created_by":"ADD base"}},{{"created_by":"COPY . . # buildkit"}}]}}"#
    );
    let manifest: &[u8] = br#"[{"Config":"c","Layers":["1","2"]}]"#;
    archive(&[
        ("1", &base, 0o644),
        ("2", &layer, 0o644),
        ("c", config.as_bytes(), 0o644),
        ("manifest.json", manifest, 0o644),
    ])
}

/// An image of one layer: the file of the application, and what the installer has logged.
fn logging(file: &str, log: &str) -> Vec<u8> {
    let layer = archive(&[("app/index.js", file.as_bytes(), 0o644), ("var/log/install.log", log.as_bytes(), 0o644)]);
    let config = format!(
        r#"{{"config":{{}},"rootfs":{{"diff_ids":["sha256:{file}{log}"]}},
        "history":[{{"created_by":"RUN npm ci # buildkit"}}]}}"#
    );
    archive(&[
        ("1", &layer, 0o644),
        ("c", config.as_bytes(), 0o644),
        ("manifest.json", br#"[{"Config":"c","Layers":["1"]}]"#, 0o644),
    ])
}

/// A project beside its builder.
fn project(dockerfile: &str, after: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::create_dir(at.join("app")).unwrap();
    program::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples/lazy-npm"), &at.join("app"));
    program::write(at, "app/Dockerfile", dockerfile.as_bytes());
    program::write(at, "docker", DOCKER.as_bytes());
    std::fs::set_permissions(at.join("docker"), std::fs::Permissions::from_mode(0o755)).unwrap();
    program::write(at, "before.tar", &image(0o644, "A=1"));
    program::write(at, "after.tar", after);
    let before =
        step("1", "[2/4] WORKDIR /app", 0) + &step("2", "[3/4] COPY . .", 1) + &step("3", "[4/4] RUN npm ci", 9);
    let after = step("1", "[2/5] WORKDIR /app", 0) + &step("4", "[3/5] COPY package.json package-lock.json ./", 1);
    let after = after + &step("5", "[4/5] RUN npm ci", 9) + &step("6", "[5/5] COPY . .", 2);
    program::write(at, "before.log", before.as_bytes());
    program::write(at, "after.log", after.as_bytes());
    folder
}

/// Runs `verify` in the project. How long builds take is not the same twice.
fn verify(folder: &Path, args: &[&str]) -> Run {
    let first = ["verify", "app", "--engine=docker", "--engine-command=./docker", "--costs", "costs.json"];
    // Nothing is replayed unless it is asked for.
    let last: &[&str] = if args.contains(&"--history") { &[] } else { &["--history", "0"] };
    let mut run = program::run(program::layerwise(folder, &[&first, args, last].concat()), "");
    let masked = |text: &str, pattern: &str, with: &str| {
        regex::Regex::new(pattern).unwrap().replace_all(text, with).into_owned()
    };
    run.stdout = masked(&run.stdout, r"clean build \d.*", "clean build […]");
    run.stdout = masked(&run.stdout, r"\| clean build \| .*", "| clean build | […] |");
    run.stdout = masked(&run.stdout, r#""seconds": 0\.\d+"#, "\"seconds\": […]");
    run
}

#[test]
fn a_plan_is_proven_equal() {
    let folder = project(LAZY, &image(0o644, "A=1"));
    for format in ["full", "json", "markdown"] {
        let run = verify(folder.path(), &["--output-format", format]);
        assert_eq!(run.exit, Some(0), "{}{}", run.stdout, run.stderr);
        program::assert_snapshot("verify", &format!("equal-{format}"), "a plan that makes the same image", &run.stdout);
    }
    // No image stays behind, and the project is as it was.
    let left = std::fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("layerwise-verify"));
    assert_eq!(left.count(), 0);
    assert_eq!(std::fs::read_to_string(folder.path().join("app/Dockerfile")).unwrap(), LAZY);
}

#[test]
fn a_wrong_rewrite_is_told_with_the_step_that_made_it() {
    let folder = project(LAZY, &image(0o600, "A=2"));
    program::write(folder.path(), "app/Dockerfile.new", EAGER.as_bytes());
    for format in ["full", "json", "markdown"] {
        let run = verify(folder.path(), &["--against", "app/Dockerfile.new", "--output-format", format]);
        assert_eq!(run.exit, Some(1), "{}{}", run.stdout, run.stderr);
        program::assert_snapshot("verify", &format!("differs-{format}"), "a rewrite with another image", &run.stdout);
    }
}

#[test]
fn what_differs_by_itself_is_listed() {
    for format in ["full", "json", "markdown"] {
        let folder = project(LAZY, &logging("1", "at 12:02"));
        program::write(folder.path(), "before.tar", &logging("1", "at 12:00"));
        program::write(folder.path(), "before-again.tar", &logging("1", "at 12:01"));
        let run = verify(folder.path(), &["--output-format", format]);
        assert_eq!(run.exit, Some(0), "{}{}", run.stdout, run.stderr);
        program::assert_snapshot("verify", &format!("noise-{format}"), "a log that is never the same", &run.stdout);
    }
}

#[test]
fn a_candidate_that_fails_in_the_replay_is_not_proven() {
    let folder = project(LAZY, &image(0o644, "A=1"));
    program::write(folder.path(), "stumbles", b"");
    let run = verify(folder.path(), &["--history", "2"]);
    assert_eq!(run.exit, Some(1), "{}{}", run.stdout, run.stderr);
    let verdict = "differs: at the files as they are, the candidate does not build, and the original does";
    assert!(run.stdout.contains(verdict), "{}", run.stdout);
    assert!(run.stdout.contains("builds before, and not after:\n    it stumbles"), "{}", run.stdout);
}

#[test]
fn a_candidate_that_does_not_build_each_time_is_not_proven() {
    for format in ["full", "json", "markdown"] {
        let folder = project(LAZY, &image(0o644, "A=1"));
        program::write(folder.path(), "fails-after", b"");
        let run = verify(folder.path(), &["--output-format", format]);
        assert_eq!(run.exit, Some(1), "{}{}", run.stdout, run.stderr);
        let description = "a candidate that builds at the second try";
        program::assert_snapshot("verify", &format!("flaky-{format}"), description, &run.stdout);
    }
    for (fails, verdict) in [
        (&["fails-before"][..], "proven equal; the file as it is does not build each time (docker)"),
        (&["fails-before", "fails-after"], "proven equal; neither of the files builds each time (docker)"),
    ] {
        let folder = project(LAZY, &image(0o644, "A=1"));
        for name in fails {
            program::write(folder.path(), name, b"");
        }
        let run = verify(folder.path(), &[]);
        assert_eq!(run.exit, Some(0), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(verdict) && run.stdout.contains("    lost after 1"), "{}", run.stdout);
    }
}

#[test]
fn a_folder_is_no_file_to_compare_with() {
    let folder = project(LAZY, &image(0o644, "A=1"));
    for (dockerfile, remedy) in
        [(None, "name the Dockerfile itself"), (Some("new/Dockerfile"), "`--against new/Dockerfile`")]
    {
        std::fs::create_dir_all(folder.path().join("new")).unwrap();
        if let Some(path) = dockerfile {
            program::write(folder.path(), path, EAGER.as_bytes());
        }
        let run = verify(folder.path(), &["--against", "new"]);
        assert_eq!(run.exit, Some(2), "{}", run.stdout);
        let said = run.stderr.contains("`--against new` names a folder") && run.stderr.contains(remedy);
        assert!(said, "{}", run.stderr);
    }
    let run = verify(folder.path(), &["--against", "gone"]);
    assert!(run.stderr.contains("`gone` does not exist"), "{}", run.stderr);
}

#[test]
fn a_file_that_does_not_build_is_a_failure_and_a_candidate_a_difference() {
    let folder = project(&LAZY.replace("npm ci", "broken"), &image(0o644, "A=1"));
    program::write(folder.path(), "app/Dockerfile.new", EAGER.as_bytes());
    let run = verify(folder.path(), &["--against", "app/Dockerfile.new", "--output-format", "json"]);
    assert_eq!(run.exit, Some(2), "{}", run.stdout);
    assert!(run.stdout.contains(r#""verdict": "failed""#), "{}", run.stdout);
    assert!(run.stderr.contains("could not build: the build failed: [2/2] RUN broken: exit code: 7"), "{}", run.stderr);

    let folder = project(LAZY, &image(0o644, "A=1"));
    program::write(folder.path(), "app/Dockerfile.new", EAGER.replace("npm ci", "broken").as_bytes());
    let run = verify(folder.path(), &["--against", "app/Dockerfile.new"]);
    assert_eq!(run.exit, Some(1), "{}", run.stderr);
    assert!(run.stdout.contains("differs: the candidate does not build"), "{}", run.stdout);
    let run = verify(folder.path(), &["--engine-command", "./no-such-docker"]);
    assert_eq!(run.exit, Some(2), "{}", run.stderr);
}

/// Measured times are kept, and stand in the place of estimates.
#[test]
fn times_that_were_measured_are_used() {
    let folder = project(LAZY, &image(0o644, "A=1"));
    assert_eq!(verify(folder.path(), &[]).exit, Some(0));
    let cache = |args: &[&str]| {
        let first = ["cache", "app", "--output-format", "json", "--changed", "index.js"];
        let run = program::run(program::layerwise(folder.path(), &[&first, args].concat()), "");
        assert_eq!(run.exit, Some(0), "{}", run.stderr);
        let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let step = document["stages"][0]["steps"][3].clone();
        (step["seconds"].as_f64().unwrap(), step["measured"].as_bool().unwrap())
    };
    assert_eq!(cache(&["--costs", "costs.json"]), (9.0, true));
    assert!(!cache(&[]).1);
    program::write(folder.path(), "costs.json", b"{");
    let run = program::run(program::layerwise(folder.path(), &["cache", "app", "--costs", "costs.json"]), "");
    assert_eq!(run.exit, Some(2), "{}", run.stdout);
    assert!(run.stderr.contains("the measured times in `costs.json` cannot be read"), "{}", run.stderr);
}

/// Times are kept where the project is, wherever the program was started, and are no files of the project.
#[test]
fn measured_times_belong_to_the_project() {
    let file = LAZY.replace("COPY . .", "COPY package.json ./");
    for (git, kept) in [(false, "app/.layerwise"), (true, ".layerwise")] {
        let folder = project(&file, &image(0o644, "A=1"));
        std::fs::create_dir(folder.path().join("elsewhere")).unwrap();
        if git {
            let init = std::process::Command::new("git").args(["init", "-q"]).current_dir(folder.path()).status();
            assert!(init.unwrap().success());
        }
        let start = ["verify", "../app", "--engine=docker", "--engine-command=../docker", "--history=0"];
        let run = program::run(program::layerwise(&folder.path().join("elsewhere"), &start), "");
        assert_eq!(run.exit, Some(0), "{}{}", run.stdout, run.stderr);
        assert!(!folder.path().join("elsewhere/.layerwise").exists());
        let kept = folder.path().join(kept);
        assert!(kept.join("costs.json").exists(), "{}", run.stderr);
        assert_eq!(std::fs::read_to_string(kept.join(".gitignore")).unwrap(), "*\n");
        let cache = ["cache", "app", "--output-format", "json", "--changed", "index.js"];
        let run = program::run(program::layerwise(folder.path(), &cache), "");
        assert!(run.stdout.contains("\"measured\": true"), "{}{}", run.stdout, run.stderr);
    }
}

/// A file that the next build would copy into the image is not written.
#[test]
fn nothing_is_written_that_a_build_would_copy() {
    let folder = project(LAZY, &image(0o644, "A=1"));
    let run = verify(&folder.path().join("app"), &["--against", "Dockerfile"]);
    assert_eq!(run.exit, Some(2), "{}", run.stderr);
    let args = [
        "verify",
        ".",
        "--engine",
        "docker",
        "--engine-command",
        "../docker",
        "--history",
        "0",
        "--against",
        "Dockerfile",
    ];
    let run = program::run(program::layerwise(&folder.path().join("app"), &args), "");
    assert_eq!(run.exit, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("measured times are not kept, as line 3 would copy"), "{}", run.stderr);
    assert!(!folder.path().join("app/.layerwise").exists());
}

/// Only what is proven is applied.
#[test]
fn optimize_applies_what_is_proven() {
    // The program in the place of a builder knows no caches: to it, their mounts change nothing.
    let eager = EAGER.replace("RUN npm", "RUN --mount=type=cache,target=/root/.npm npm");
    for (after, written) in [(image(0o644, "A=1"), eager.as_str()), (image(0o600, "A=1"), LAZY)] {
        let folder = project(LAZY, &after);
        let args = [
            "optimize",
            "app",
            "--verify",
            "--write",
            "--engine",
            "docker",
            "--engine-command",
            "./docker",
            "--verify-history",
            "0",
        ];
        let run =
            program::run(program::layerwise(folder.path(), &[&args[..], &["--costs", "costs.json"]].concat()), "");
        assert_eq!(run.exit, Some(0), "{}{}", run.stdout, run.stderr);
        let found = std::fs::read_to_string(folder.path().join("app/Dockerfile")).unwrap();
        assert_eq!(found, written, "{}{}", run.stdout, run.stderr);
        assert_eq!(run.stdout.contains("proven equal"), written == eager, "{}", run.stdout);
        assert_eq!(run.stdout.contains("not applied"), written == LAZY, "{}", run.stdout);
    }
}
