//! Commands inside of a step that runs.

use std::path::PathBuf;
use std::time::Duration;

use layerwise::runtime::sandbox::{Door, Exit, Network, Outcome, SandboxError, Stream, User, Visit};

use super::world::{Wishes, World};
use super::{Case, EVERYBODY, MANY_IDS};

pub(super) const CASES: &[Case] = &[
    ("a_visit_sees_the_step", EVERYBODY, a_visit_sees_the_step),
    ("a_visit_is_the_same_user", MANY_IDS, a_visit_is_the_same_user),
    ("a_visit_has_the_network_of_the_step", EVERYBODY, a_visit_has_the_network_of_the_step),
    ("a_visit_ends_in_time", EVERYBODY, a_visit_ends_in_time),
    ("a_killed_step_takes_its_visits_along", EVERYBODY, a_killed_step_takes_its_visits_along),
    ("nobody_visits_what_is_over", EVERYBODY, nobody_visits_what_is_over),
];

/// Starts a script, does something meanwhile, kills the script, and gives its end.
fn meanwhile<T>(world: &World, script: &str, wishes: Wishes, work: impl FnOnce(&Door) -> T) -> (T, Exit) {
    let (mounted, _) = world.tree();
    let step = World::step(&mounted, &["/bin/sh", "-c", script], wishes);
    let started = world.sandbox.begin(&step).unwrap();
    let door = started.door().unwrap();
    std::thread::scope(|scope| {
        let (begun, wait) = std::sync::mpsc::channel();
        let waiting = scope.spawn(move || {
            started.finish(&mut |_, bytes| {
                assert_eq!(bytes, b"begun\n");
                begun.send(()).unwrap();
            })
        });
        wait.recv().unwrap();
        let found = work(&door);
        door.kill();
        (found, waiting.join().unwrap().unwrap())
    })
}

fn visit(world: &World, door: &Door, script: &str, timeout: Option<Duration>) -> (Result<Exit, SandboxError>, String) {
    let visit = Visit {
        arguments: ["/bin/sh", "-c", script].map(|word| word.as_bytes().to_vec()).to_vec(),
        environment: vec![b"PATH=/bin".to_vec(), b"GREETING=hello".to_vec()],
        directory: PathBuf::from("/tmp"),
        timeout,
    };
    let mut said = Vec::new();
    let exit = world.sandbox.visit(door, &visit, &mut |stream, bytes| {
        assert_eq!(stream, Stream::Output, "{}", String::from_utf8_lossy(bytes));
        said.extend_from_slice(bytes);
    });
    (exit, String::from_utf8(said).unwrap())
}

fn a_visit_sees_the_step(world: &World) {
    let script = "echo it >/tmp/own; echo begun; sleep 100";
    let ((exit, said), end) = meanwhile(world, script, Wishes::default(), |door| {
        visit(world, door, "cat own; pwd; echo $GREETING; tr '\\0' ' ' </proc/1/cmdline ; exit 3", None)
    });
    assert_eq!(exit.unwrap().outcome, Outcome::Code(3));
    assert_eq!(said, "it\n/tmp\nhello\nsleep 100 ");
    assert_eq!(end.outcome, Outcome::Signal(9));
}

fn a_visit_is_the_same_user(world: &World) {
    let user = User { uid: 1000, gid: 1000, groups: vec![1000, 7] };
    let wishes = Wishes { user, ..Wishes::default() };
    let script = "grep -e CapEff -e Seccomp: /proc/self/status >/tmp/rights; echo begun; sleep 100";
    let ((exit, said), _) = meanwhile(world, script, wishes, |door| {
        let same = "grep -e CapEff -e Seccomp: /proc/self/status | cmp - /tmp/rights && id -u && id -G";
        visit(world, door, same, None)
    });
    assert!(exit.unwrap().success(), "{said}");
    assert_eq!(said, "1000\n1000 7\n");
}

fn a_visit_has_the_network_of_the_step(world: &World) {
    let wishes = Wishes { network: Network::None, ..Wishes::default() };
    let script = "mkdir /tmp/w; echo page >/tmp/w/p; httpd -p 127.0.0.1:8765 -h /tmp/w; echo begun; sleep 100";
    let ((exit, said), _) =
        meanwhile(world, script, wishes, |door| visit(world, door, "wget -q -O - http://127.0.0.1:8765/p", None));
    assert!(exit.unwrap().success());
    assert_eq!(said, "page\n");
}

fn a_visit_ends_in_time(world: &World) {
    let ((exit, _), end) = meanwhile(world, "echo begun; sleep 100", Wishes::default(), |door| {
        visit(world, door, "sleep 100", Some(Duration::from_millis(200)))
    });
    assert_eq!(exit.unwrap().outcome, Outcome::TimedOut);
    assert_eq!(end.outcome, Outcome::Signal(9), "the step itself goes on");
}

fn a_killed_step_takes_its_visits_along(world: &World) {
    let ((exit, _), _) = meanwhile(world, "echo begun; sleep 100", Wishes::default(), |door| {
        std::thread::scope(|scope| {
            let visiting = scope.spawn(|| visit(world, door, "sleep 100", None));
            std::thread::sleep(Duration::from_millis(300));
            door.kill();
            visiting.join().unwrap()
        })
    });
    assert_eq!(exit.unwrap().code(), 137);
}

fn nobody_visits_what_is_over(world: &World) {
    let (mounted, _) = world.tree();
    let step = World::step(&mounted, &["/bin/true"], Wishes::default());
    let started = world.sandbox.begin(&step).unwrap();
    let door = started.door().unwrap();
    assert!(started.finish(&mut |_, _| {}).unwrap().success());
    let (exit, _) = visit(world, &door, "true", None);
    assert!(matches!(exit, Err(SandboxError::Setup(_))), "{exit:?}");
}
