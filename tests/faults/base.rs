//! The base of a build is removed: before it, or in its middle.

use std::thread;
use std::time::Duration;

use crate::line::{Faults, Line};
use crate::world::{World, bad, good, text};

#[test]
fn a_removed_base_is_said_or_fetched_again() {
    let Some(world) = World::of_all() else { return };
    let store = world.store("base");
    let line = Line::to(world.registry().address);
    let build = || world.build_from(&store, line.address, &[]).output().unwrap();
    assert_eq!(good(&build()), world.right.0);
    let base = format!("{}/base", line.address);
    let remove = || good(&world.layerwise(&store, &["image", "rm", &base]).output().unwrap());
    remove();
    // Nobody answers: what is cached is of no use without the base's configuration.
    line.set(Faults { cuts: vec![1; 1000], reset: true, slow: None });
    let said = bad(&build());
    assert!(said.contains("layerwise image import"), "it does not say what to do: {said}");
    world.assert_sound(&store);
    line.set(Faults::default());
    assert_eq!(good(&build()), world.right.0);
    // With all that belonged to it.
    remove();
    good(&world.layerwise(&store, &["store", "prune", "--all"]).output().unwrap());
    world.assert_sound(&store);
    assert_eq!(good(&build()), world.right.0);
    world.assert_recovers(&store);
}

#[test]
fn a_base_that_is_removed_in_the_middle_stays_until_the_end() {
    let Some(world) = World::of_all() else { return };
    for part in 1..4 {
        let store = world.store(&format!("middle-{part}"));
        let build = world.build(&store).spawn().unwrap();
        thread::sleep(world.took.mul_f64(f64::from(part) / 4.0));
        let base = format!("{}/base", world.registry().address);
        for arguments in [&["image", "rm", &base][..], &["image", "prune"]] {
            let done = world.layerwise(&store, arguments).output().unwrap();
            let said = text(&done.stderr);
            assert!(!said.contains("panicked") && done.status.code().is_some(), "{said}");
        }
        assert_eq!(good(&build.wait_with_output().unwrap()), world.right.0);
        thread::sleep(Duration::from_millis(1));
        world.assert_recovers(&store);
    }
}
