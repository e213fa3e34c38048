//! The cases with an engine that builds.

use layerwise::context::Filtered;
use layerwise::source::DiskContext;
use layerwise::verify::engine::{BuildKit, Program};
use layerwise::verify::{Engine, Ground, Original, Timeline, prove, replay};

use super::made_up::{cases, caught, with_job};
use crate::program;

/// The engine at hand, or why there is none.
fn engine() -> Result<Box<dyn Engine>, String> {
    let command = std::env::var("LAYERWISE_TEST_ENGINE").map_err(|_| "LAYERWISE_TEST_ENGINE names no command")?;
    let options = std::env::var("LAYERWISE_TEST_ENGINE_OPTIONS").unwrap_or_default();
    let options: Vec<String> = options.split_whitespace().map(str::to_owned).collect();
    Ok(Box::new(BuildKit::docker(Program::new(&command, &options))))
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
            assert_eq!(caught(&proof), case.caught, "{}: {:?}", case.name, proof.differences);
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
