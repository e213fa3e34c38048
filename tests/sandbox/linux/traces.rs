//! What is seen of traced steps.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use layerwise::runtime::sandbox::{Outcome, Security, Touch, Trace};

use super::world::{Wishes, World};
use super::{Case, MANY_IDS};

pub(super) const CASES: &[Case] = &[
    ("a_trace_tells_what_was_done", MANY_IDS, a_trace_tells_what_was_done),
    ("a_trace_follows_links_and_directories", MANY_IDS, a_trace_follows_links_and_directories),
    ("a_trace_names_programs", MANY_IDS, a_trace_names_programs),
    ("a_traced_step_is_like_any_other", MANY_IDS, a_traced_step_is_like_any_other),
    ("many_traced_processes", MANY_IDS, many_traced_processes),
    ("what_cannot_be_told_is_counted", MANY_IDS, what_cannot_be_told_is_counted),
    ("overhead_of_a_trace", MANY_IDS, overhead_of_a_trace),
];

fn traced(world: &World, script: &str) -> Trace {
    let run = world.sh_with(script, Wishes { traced: true, ..Wishes::default() });
    let exit = run.exit.as_ref().unwrap();
    assert!(exit.success(), "{run:?}");
    exit.trace.clone().unwrap()
}

fn how(trace: &Trace, path: &str) -> Vec<Touch> {
    trace.paths.get(path).map(|touched| touched.how.iter().copied().collect()).unwrap_or_default()
}

fn app(world: &World) {
    let app = world.base.join("app");
    fs::create_dir_all(app.join("d/deep")).unwrap();
    for name in ["read", "tested", "written", "appended", "moved", "removed", "modes", "untouched", "d/deep/x"] {
        fs::write(app.join(name), "text\n").unwrap();
    }
    fs::write(app.join("run.sh"), "#!/bin/sh\ncat read\n").unwrap();
    fs::set_permissions(app.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/app/d/deep", world.base.join("alias")).unwrap();
}

fn a_trace_tells_what_was_done(world: &World) {
    app(world);
    let trace = traced(
        world,
        "cd /app; cat read; [ -e tested ]; [ -e missing ]; echo >written; echo >>appended; mv moved there; rm removed; \
         chmod 600 modes; ls d >/dev/null; ./run.sh",
    );
    assert_eq!(trace.lost, 0, "{trace:?}");
    let expected = [
        ("/app/read", &[Touch::Read][..]),
        ("/app/tested", &[Touch::Test]),
        ("/app/missing", &[Touch::Test]),
        ("/app/written", &[Touch::Write]),
        ("/app/appended", &[Touch::Write]),
        ("/app/run.sh", &[Touch::Read]),
        ("/app/untouched", &[]),
    ];
    for (path, expected) in expected {
        let found = how(&trace, path);
        assert!(expected.iter().all(|touch| found.contains(touch)), "{path}: {found:?}");
        assert_eq!(found.is_empty(), expected.is_empty(), "{path}: {found:?}");
    }
    for (path, one) in [
        ("/app/moved", Touch::Rename),
        ("/app/there", Touch::Write),
        ("/app/removed", Touch::Delete),
        ("/app/modes", Touch::Change),
        ("/app/d", Touch::List),
    ] {
        assert!(how(&trace, path).contains(&one), "{path}: {:?}", how(&trace, path));
    }
    assert!(!how(&trace, "/app/d").contains(&Touch::Read), "a directory is not read but listed");
    let there = |path: &str| trace.paths[path].was_there;
    assert!(there("/app/read") && !there("/app/missing") && !there("/app/there"));
    let made_up = |path: &String| ["/proc", "/sys", "/dev"].iter().any(|top| path.starts_with(top));
    assert!(!trace.paths.keys().any(made_up), "{:?}", trace.paths.keys());
}

fn a_trace_follows_links_and_directories(world: &World) {
    app(world);
    let trace =
        traced(world, "cat /alias/x; cd /app/d; cat ../d/./deep/../../read >/dev/null; readlink /alias; cat <deep/x");
    assert_eq!(how(&trace, "/app/d/deep/x"), [Touch::Read]);
    assert!(how(&trace, "/app/read").contains(&Touch::Read));
    assert!(how(&trace, "/alias").contains(&Touch::Test), "a link itself is asked for");
    assert_eq!(trace.lost, 0);
}

fn a_trace_names_programs(world: &World) {
    app(world);
    let trace = traced(world, "cd /app; cat read tested >/dev/null; sh run.sh");
    let by: BTreeSet<&str> = trace.paths["/app/read"].by.iter().map(|index| trace.programs[*index].as_str()).collect();
    assert_eq!(by, BTreeSet::from(["cat read", "cat read tested"]));
}

fn a_traced_step_is_like_any_other(world: &World) {
    let script = "id -u; pwd; echo err >&2; grep -e CapEff -e NoNewPrivs /proc/self/status; cat /nowhere; exit 3";
    let plain = world.sh(script);
    let traced = world.sh_with(script, Wishes { traced: true, ..Wishes::default() });
    assert_eq!((&plain.out, &plain.err, plain.code()), (&traced.out, &traced.err, traced.code()));
    assert!(plain.exit.unwrap().trace.is_none());
    let wishes = Wishes { traced: true, timeout: Some(Duration::from_millis(300)), ..Wishes::default() };
    let exit = world.sh_with("while :; do [ -e /x ]; done", wishes).exit.unwrap();
    assert_eq!(exit.outcome, Outcome::TimedOut);
    assert!(exit.trace.is_some_and(|trace| trace.calls > 100), "what was seen before is kept");
    let insecure = Wishes { traced: true, security: Security::Insecure, ..Wishes::default() };
    assert!(world.sh_with("true", insecure).exit.unwrap().trace.is_none());
}

fn many_traced_processes(world: &World) {
    let trace =
        traced(world, "for i in $(seq 40); do (for j in $(seq 5); do cat /etc/passwd >/tmp/$i.$j; done) & done; wait");
    assert_eq!(trace.paths.keys().filter(|path| path.starts_with("/tmp/")).count(), 200);
    assert!(how(&trace, "/etc/passwd").contains(&Touch::Read));
    assert_eq!(trace.lost, 0);
}

fn what_cannot_be_told_is_counted(world: &World) {
    assert!(traced(world, "cat /proc/self/cwd/etc/passwd >/dev/null").lost > 0);
}

fn overhead_of_a_trace(world: &World) {
    let script = "i=0; while [ $i -lt 3000 ]; do [ -e /etc/passwd ]; i=$((i+1)); done";
    let seconds = |traced: bool| {
        let runs = (0..3).map(|_| world.sh_with(script, Wishes { traced, ..Wishes::default() }));
        runs.map(|run| run.exit.unwrap().took.as_secs_f64()).fold(f64::INFINITY, f64::min)
    };
    let (plain, traced) = (seconds(false), seconds(true));
    println!("{:.1} us per call that is seen", (traced - plain) * 1e6 / 3000.0);
    assert!(traced < plain + 3.0, "3000 calls took {plain} s, and {traced} s when they were traced");
}
