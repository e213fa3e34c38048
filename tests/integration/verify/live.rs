//! The cases with engines that build: the runtime of the program, and one that the environment names.

use std::path::Path;

use layerwise::context::Filtered;
use layerwise::source::DiskContext;
use layerwise::verify::engine::{BuildKit, Buildah, Program};
use layerwise::verify::{Engine, Ground, Original, Timeline, prove, replay};

use super::made_up::{Case, cases, caught, with_job};
use crate::program::{self, Run};

/// The engine at hand, or why there is none.
fn engine() -> Result<Box<dyn Engine>, String> {
    let command = std::env::var("LAYERWISE_TEST_ENGINE").map_err(|_| "LAYERWISE_TEST_ENGINE names no command")?;
    let options = std::env::var("LAYERWISE_TEST_ENGINE_OPTIONS").unwrap_or_default();
    let options: Vec<String> = options.split_whitespace().map(str::to_owned).collect();
    let program = Program::new(&command, &options);
    match std::env::var("LAYERWISE_TEST_ENGINE_NAME").as_deref() {
        Err(_) | Ok("docker") => Ok(Box::new(BuildKit::docker(program))),
        Ok("buildkit") => Ok(Box::new(BuildKit::buildx(program))),
        Ok("podman") => Ok(Box::new(Buildah::podman(program))),
        Ok("buildah") => Ok(Box::new(Buildah::program(program))),
        Ok(other) => Err(format!("LAYERWISE_TEST_ENGINE_NAME names no engine: {other}")),
    }
}

#[test]
fn images_that_were_built_are_told_apart() {
    let engine = match engine() {
        Ok(engine) => engine,
        Err(reason) => return crate::program::skipped(&reason),
    };
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in &case.files {
            program::write(folder.path(), path, text.as_bytes());
        }
        with_job(&case, folder.path(), |job| {
            let original = Original::build(engine.as_ref(), job, &|_| {}).unwrap();
            let proof = prove(engine.as_ref(), &original, job, &|_| {}).unwrap();
            let seen = (&proof.broken, &proof.differences);
            assert_eq!(caught(&proof), case.caught, "{}: {seen:?}", case.name);
            if case.edits.is_empty() {
                return;
            }
            let disk = DiskContext::new(folder.path()).unwrap();
            let ground = Ground { disk: &disk, dockerfile: "Dockerfile", noise: &proof.self_noise };
            let timeline = Timeline::of_edits(&case.edits);
            let replayed = replay(engine.as_ref(), job, ground, &timeline, &|_| {}).unwrap();
            assert_eq!(replayed.stopped, None, "{}", case.name);
            assert_eq!(replayed.changes.len(), case.edits.len(), "{}", case.name);
            for change in &replayed.changes {
                assert!(change.agrees() && change.skipped.is_none(), "{}: {change:?}", case.name);
            }
            assert_eq!(replayed.changes[0].observed, [5], "{}", case.name);
            let context = Filtered::new(&disk, None);
            assert!(context.entry(".layerwise-salt").is_none(), "the project was written to");
        });
    }
}

/// What `verify` says of a case, built by the program's own runtime on the machine's busybox.
fn verified(case: &Case, folder: &Path) -> Run {
    let own = |text: &str| text.replace("FROM busybox", "FROM layerwise/busybox");
    for (path, text) in &case.files {
        program::write(folder, &format!("app/{path}"), text.as_bytes());
    }
    program::write(folder, "app/.dockerignore", b"Dockerfile\n.dockerignore\n");
    program::write(folder, "app/Dockerfile", own(&case.before).as_bytes());
    program::write(folder, "Dockerfile.new", own(&case.after).as_bytes());
    let first = ["verify", "app", "--against", "Dockerfile.new", "--costs", "costs.json", "--output-format", "json"];
    let last: &[&str] = if case.edits.is_empty() { &["--history", "0"] } else { &[] };
    let mut command = program::layerwise(folder, &[&first, last].concat());
    command.env("LAYERWISE_STORE", folder.join("store"));
    program::run(command, "")
}

/// What the machine lacks to build anything.
fn missing(run: &Run) -> Option<&'static str> {
    let known = ["no static busybox", "there is none at", "`RUN` cannot be executed here", "no runtime of its own"];
    known.into_iter().find(|known| run.stderr.contains(known))
}

/// How a proof failed, in the words of the cases.
fn caught_by_program(run: &Run) -> Vec<String> {
    let told: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let list = |name: &str| told[name].as_array().unwrap().clone();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let paths =
        list("differences").iter().map(|found| format!("{} {}", text(&found["kind"]), text(&found["path"]))).collect();
    let config =
        list("config_differences").iter().map(|found| format!("config {}", text(&found["property"]))).collect();
    let broken = text(&told["reason"]).contains("the candidate does not build").then(|| "broken".to_owned());
    [paths, config, broken.into_iter().collect::<Vec<_>>()].concat()
}

#[test]
fn the_own_runtime_catches_wrong_rewrites() {
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let run = verified(&case, folder.path());
        if let Some(reason) = missing(&run) {
            return crate::program::skipped(reason);
        }
        let wrong = !case.caught.is_empty();
        assert_eq!(run.exit, Some(i32::from(wrong)), "{}: {}{}", case.name, run.stdout, run.stderr);
        assert_eq!(caught_by_program(&run), case.caught, "{}: {}", case.name, run.stdout);
    }
}

/// The time in which another stage is built is none of the copy's.
#[test]
fn a_copy_takes_no_longer_for_the_stage_that_it_waits_for() {
    const SLEPT: f64 = 3.0;
    let file = "FROM busybox AS a\nRUN sleep 3\nFROM busybox\nCOPY --from=a /bin/busybox /x\n".to_owned();
    let mut case = cases().into_iter().next().unwrap();
    (case.before, case.after) = (file.clone(), file);
    let folder = tempfile::tempdir().unwrap();
    let run = verified(&case, folder.path());
    if let Some(reason) = missing(&run) {
        return crate::program::skipped(reason);
    }
    let told: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let steps = told["steps"].as_array().unwrap();
    let seconds = |line: u64| steps.iter().find(|step| step["line"] == line).unwrap()["seconds"].as_f64().unwrap();
    assert!(seconds(2) >= SLEPT && seconds(4) < SLEPT, "{steps:?}");
}
