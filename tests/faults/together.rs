//! Several builds at once on one store.

use std::collections::BTreeMap;
use std::process::{Child, Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::world::{World, becomes, good, text};

/// How often each line of the Dockerfile was executed in these builds.
fn executed(outputs: &[Output]) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for output in outputs {
        for line in good(output).lines() {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            if event["event"] == "step" && event["status"] == "executed" {
                *counts.entry(event["line"].as_u64().unwrap()).or_default() += 1;
            }
        }
    }
    counts
}

fn at_once(mut commands: Vec<Command>) -> Vec<Output> {
    let builds: Vec<Child> = commands.iter_mut().map(|command| command.spawn().unwrap()).collect();
    builds.into_iter().map(|build| build.wait_with_output().unwrap()).collect()
}

fn loud(world: &World, store: &std::path::Path) -> Command {
    let file = format!("Dockerfile-{}", world.registry().address.port());
    world.layerwise(store, &["build", "--progress=json", "-t", "app", "-f", &file, "project"])
}

#[test]
fn builds_at_once_execute_a_step_once() {
    let Some(world) = World::of_all() else { return };
    let store = world.store("once");
    let outputs = at_once((0..4).map(|_| loud(&world, &store)).collect());
    let counts = executed(&outputs);
    assert!(counts.len() >= 7 && counts.values().all(|count| *count == 1), "{counts:?}");
    world.assert_recovers(&store);
}

/// Whoever waited for a build that dies does the work himself.
#[test]
fn who_waits_for_a_killed_build_goes_on() {
    let Some(world) = World::of_all() else { return };
    let store = world.store("takes-over");
    let mut first = loud(&world, &store).spawn().unwrap();
    let begun = || std::fs::read_dir(store.join("locks")).is_ok_and(|locks| locks.count() > 4);
    assert!(becomes(Duration::from_secs(30), begun), "no step begins");
    let second = loud(&world, &store).spawn().unwrap();
    thread::sleep(Duration::from_millis(100));
    first.kill().unwrap();
    first.wait().unwrap();
    good(&second.wait_with_output().unwrap());
    world.assert_recovers(&store);
}

#[test]
fn what_is_pruned_is_nothing_that_a_build_uses() {
    let Some(world) = World::of_all() else { return };
    let store = world.store("pruned");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let pruner = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let pruned = world.layerwise(&store, &["store", "prune", "--all"]).output().unwrap();
                let (code, said) = (pruned.status.code(), text(&pruned.stderr));
                assert!(code == Some(0) || said.contains("in use"), "{code:?}: {said}");
            }
        });
        for _ in 0..3 {
            for output in at_once((0..2).map(|_| world.build(&store)).collect()) {
                assert_eq!(good(&output), world.right.0);
            }
        }
        done.store(true, Ordering::Relaxed);
        pruner.join().unwrap();
    });
    world.assert_recovers(&store);
}
