//! `kill -9` at any moment: of the build, of its process group, of a single one of its processes.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::chance::{Chance, asked, rounds};
use crate::processes::{Process, kill_group, tree};
use crate::world::{Who, World, becomes, ended, text};

/// How long whatever belongs to a dead build may still be there.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_killed_build_leaves_nothing_wrong() {
    kill_builds(Who::Oneself, rounds(4));
}

#[test]
fn a_killed_build_of_another_user_leaves_nothing_wrong() {
    let (Some(count), true) = (asked(), rustix::process::geteuid().is_root()) else {
        println!("skipped: only with LAYERWISE_FAULTS, by root");
        return;
    };
    for user in lent().into_iter().chain([54_321]) {
        kill_builds(Who::User(user), count / 4);
    }
}

/// A user of the machine that has subordinate ids.
fn lent() -> Option<u32> {
    let (lent, passwd) = (fs::read_to_string("/etc/subuid").ok()?, fs::read_to_string("/etc/passwd").ok()?);
    let name = lent.lines().next()?.split(':').next()?.to_owned();
    let entry = passwd.lines().find(|line| line.split(':').next() == Some(&name))?;
    entry.split(':').nth(2)?.parse().ok().filter(|user| *user != 0)
}

fn kill_builds(who: Who, count: usize) {
    let world = if who == Who::Oneself { World::of_all() } else { World::new(who).map(Arc::new) };
    let Some(world) = world else { return };
    let mut chance = Chance::new(&format!("kills, {who:?}"));
    let mut tally = [0; 4];
    let mut store = world.store("kills-0");
    for round in 0..count {
        let kind = chance.below(3);
        let moment = world.took.mul_f64(chance.below(1100) as f64 / 1000.0);
        let was_done = kill_one(&world, &store, kind, moment, &mut chance);
        tally[if was_done { 3 } else { kind }] += 1;
        world.assert_sound(&store);
        // Now and then the leavings of several builds come together.
        if was_done || chance.below(3) > 0 || round + 1 == count {
            world.assert_recovers(&store);
            let _of_no_use = fs::remove_dir_all(&store);
            store = world.store(&format!("kills-{}-{who:?}", round + 1));
        }
    }
    let [whole, group, member, done] = tally;
    println!("kills, {who:?}: {whole} builds, {group} groups, {member} members, {done} too late; all recovered");
}

/// Starts a build and kills at that moment. Whether it was done by then.
fn kill_one(world: &World, store: &Path, kind: usize, moment: Duration, chance: &mut Chance) -> bool {
    let mut command = world.build(store);
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut build = command.spawn().unwrap();
    let (mut seen, mut step) = (Vec::new(), Duration::ZERO);
    // Processes come and go: whoever was there must be gone in the end.
    while step < moment {
        let pause = moment.saturating_sub(step).min(Duration::from_millis(20));
        thread::sleep(pause);
        step += pause;
        remember(&mut seen, build.id());
    }
    let was_done = build.try_wait().unwrap().is_some();
    let members = tree(build.id());
    match kind {
        0 => build.kill().unwrap(),
        1 => kill_group(build.id()),
        _ if members.is_empty() => {}
        _ => {
            let victim = chance.of(&members);
            println!("  {} after {} ms", victim.name, moment.as_millis());
            victim.kill();
        }
    }
    remember(&mut seen, build.id());
    assert!(ended(&mut build, PATIENCE), "the build goes on without what was killed");
    let done = build.wait_with_output().unwrap();
    if done.status.success() {
        assert_eq!(text(&done.stdout).trim(), world.right.0, "it says that all is well");
    } else if let Some(code) = done.status.code() {
        let said = text(&done.stderr);
        assert!(matches!(code, 1 | 2) && !said.contains("panicked"), "{code}: {said}");
    }
    let alive = || seen.iter().filter(|process| process.runs()).collect::<Vec<_>>();
    assert!(becomes(PATIENCE, || alive().is_empty()), "processes outlive their build: {:?}", alive());
    was_done
}

fn remember(seen: &mut Vec<Process>, build: u32) {
    for process in tree(build) {
        if !seen.contains(&process) {
            seen.push(process);
        }
    }
}
