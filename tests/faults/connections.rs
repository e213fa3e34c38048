//! Connections to the registry that break off, and registries that lie.

use std::net::{SocketAddr, ToSocketAddrs};

use crate::chance::{Chance, rounds};
use crate::line::{Faults, Line};
use crate::registry::Registry;
use crate::world::{World, bad, good};

#[test]
fn a_download_that_breaks_off_goes_on() {
    let Some(world) = World::of_all() else { return };
    let mut chance = Chance::new("connections");
    for round in 0..rounds(2) {
        let line = Line::to(world.registry().address);
        // The last is taken first: documents come through, the layers break off.
        let cuts = (0..4).map(|_| 1000 + chance.below(900_000)).collect();
        line.set(Faults { cuts, reset: round % 2 == 1, slow: None });
        let store = world.store(&format!("cut-{round}"));
        let done = world.build_from(&store, line.address, &[]).output().unwrap();
        assert_eq!(good(&done), world.right.0, "cut {round}");
        world.assert_recovers(&store);
    }
}

/// It gives up, says so, and goes on with what it has when the line is good again.
#[test]
fn a_line_that_stays_cut_is_said() {
    let Some(world) = World::of_all() else { return };
    let line = Line::to(world.registry().address);
    let store = world.store("cut");
    for reset in [false, true] {
        // Enough for what stands before the content, and nothing after it.
        line.set(Faults { cuts: vec![300; 200], reset, slow: None });
        let said = bad(&world.build_from(&store, line.address, &[]).output().unwrap());
        assert!(line.left() > 150, "it asks without end");
        assert!(said.contains(&line.address.to_string()), "it does not say who: {said}");
        world.assert_sound(&store);
    }
    line.set(Faults::default());
    assert_eq!(good(&world.build_from(&store, line.address, &[]).output().unwrap()), world.right.0);
    world.assert_recovers(&store);
}

#[test]
fn a_layer_that_is_not_what_was_asked_for_is_refused() {
    let Some(world) = World::of_all() else { return };
    let store = world.store("lie");
    let registry = Registry::serving(&world.layout());
    registry.lie();
    let said = bad(&world.build_from(&store, registry.address, &[]).output().unwrap());
    assert!(said.contains("was asked for, and the digest that came is"), "{said}");
    world.assert_sound(&store);
    world.assert_recovers(&store);
}

/// The same with a registry of somebody else's making.
#[test]
fn a_real_registry_behind_a_bad_line() {
    let Ok(image) = std::env::var("LAYERWISE_FAULTS_IMAGE") else {
        println!("skipped: LAYERWISE_FAULTS_IMAGE names no image of a registry on this machine");
        return;
    };
    let Some(world) = World::of_all() else { return };
    let (address, name) = image.split_once('/').unwrap();
    let target: SocketAddr = address.to_socket_addrs().unwrap().next().unwrap();
    let mut chance = Chance::new("real registry");
    let digest = |line: &Line, store: &str| {
        std::fs::create_dir_all(world.path("real")).unwrap();
        let text = format!("FROM {}/{name}\nRUN echo x >/x\n", line.address);
        std::fs::write(world.path("real/Dockerfile"), text).unwrap();
        let store = world.store(store);
        let done = world.layerwise(&store, &["build", "--quiet", "real"]).output().unwrap();
        world.assert_sound(&store);
        good(&done)
    };
    let right = digest(&Line::to(target), "real");
    for round in 0..rounds(2) {
        let line = Line::to(target);
        let cuts = (0..4).map(|_| 2000 + chance.below(700_000)).collect();
        line.set(Faults { cuts, reset: round % 2 == 1, slow: None });
        assert_eq!(digest(&line, &format!("real-{round}")), right);
    }
}
