//! What every step relies on.

use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use layerwise::runtime::namespace::Ids;
use layerwise::runtime::sandbox::{Network, Outcome, User};

use super::world::{Wishes, World};
use super::{Case, EVERYBODY, MANY_IDS};

pub(super) const CASES: &[Case] = &[
    ("a_step_runs", EVERYBODY, a_step_runs),
    ("what_it_writes_is_the_layer", EVERYBODY, what_it_writes_is_the_layer),
    ("it_sees_dockers_tree", EVERYBODY, it_sees_dockers_tree),
    ("users", MANY_IDS, users),
    ("failures_to_start", EVERYBODY, failures_to_start),
    ("exit_codes", EVERYBODY, exit_codes),
    ("offline", EVERYBODY, offline),
    ("timeout", EVERYBODY, timeout),
    ("the_tree_dies_with_the_step", EVERYBODY, the_tree_dies_with_the_step),
    ("steps_die_with_the_build", EVERYBODY, steps_die_with_the_build),
    ("steps_die_with_the_holder", EVERYBODY, steps_die_with_the_holder),
    (SLEEPER, &[], sleeper),
    ("steps_at_once", EVERYBODY, steps_at_once),
    ("overhead", EVERYBODY, overhead),
];

fn a_step_runs(world: &World) {
    let run = world.sh("echo out; echo err >&2; id -u; pwd; echo $$; hostname; umask");
    assert_eq!(run.ok(), "out\n0\n/\n1\nbuildkitsandbox\n0022");
    assert_eq!(run.err, "err\n");
}

fn what_it_writes_is_the_layer(world: &World) {
    let run = world.sh("mkdir -p /a/b && echo x >/a/b/c && rm -r /root && ls -d /proc /dev /sys /etc/resolv.conf");
    run.ok();
    assert_eq!(fs::read_to_string(run.upper.join("a/b/c")).unwrap(), "x\n");
    let names = |folder: &str| {
        let entries = fs::read_dir(run.upper.join(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("."), ["a", "etc", "root"], "mount points are no part of the layer");
    assert_eq!(names("etc"), [""; 0]);
    let times = |path| fs::metadata(path).unwrap().modified().unwrap();
    assert_eq!(times(run.upper.join("etc")), times(world.base.join("etc")));
}

fn it_sees_dockers_tree(world: &World) {
    let run = world.sh("ls /dev; cat /etc/hosts; ls /proc/self/fd | tr '\\n' ' '; tty; echo shared >/dev/shm/x && cat /dev/shm/x; echo >/dev/null; head -c 2 /dev/urandom | wc -c");
    let out = run.out;
    for name in ["fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "tty", "urandom", "zero"] {
        assert!(out.lines().any(|line| line == name), "no /dev/{name}: {out}");
    }
    assert!(out.contains("127.0.0.1\tlocalhost buildkitsandbox\n") && out.contains("10.0.0.9\tdb\n"), "{out}");
    assert!(out.contains("0 1 2 3"), "descriptors: {out}");
    assert!(out.contains("shared\n") && out.ends_with("2\n"), "{out}");
}

fn users(world: &World) {
    let user = User { uid: 1000, gid: 1000, groups: vec![5, 6] };
    let wishes = Wishes { user, ..Wishes::default() };
    let run = world.sh_with("id -u; id -G; touch /tmp/mine /x; echo again >/dev/stdout", wishes);
    assert_eq!(run.out, "1000\n1000 5 6\nagain\n");
    assert!(run.err.contains("/x"), "{run:?}");
}

fn failures_to_start(world: &World) {
    let garbage = world.base.join("bin/garbage");
    fs::write(&garbage, "garbage").unwrap();
    fs::write(world.base.join("bin/script"), "#!/nowhere/sh\n").unwrap();
    for name in ["garbage", "script"] {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(world.base.join("bin").join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let cases = [
        ("nosuch", 127, "exec: \"nosuch\": executable file not found in $PATH"),
        ("/no/such", 127, "exec: \"/no/such\": stat /no/such: no such file or directory"),
        ("/etc/passwd", 126, "exec: \"/etc/passwd\": permission denied"),
        ("/etc", 126, "exec: \"/etc\": is a directory"),
        ("/bin/garbage", 126, "exec /bin/garbage: exec format error"),
        ("/bin/script", 127, "exec /bin/script: no such file or directory"),
    ];
    for (program, code, message) in cases {
        let run = world.run(&[program], Wishes::default());
        let wanted = Outcome::NotStarted { code, message: message.to_owned() };
        assert_eq!(run.exit.unwrap().outcome, wanted);
    }
}

fn exit_codes(world: &World) {
    assert_eq!(world.sh("exit 3").code(), 3);
    assert_eq!(world.sh("sh -c 'kill -9 $$'; exit $?").code(), 137, "as the shell reports its child");
    assert_eq!(world.sh("kill -9 $$").code(), 0, "process 1 cannot kill itself, as in Docker");
}

fn offline(world: &World) {
    let wishes = Wishes { network: Network::None, ..Wishes::default() };
    let run = world.sh_with("ip -o link | wc -l; ping -c 1 -W 1 127.0.0.1 >/dev/null && echo up", wishes);
    assert!(run.ok().contains("up"), "{run:?}");
}

fn timeout(world: &World) {
    let wishes = Wishes { timeout: Some(Duration::from_millis(200)), ..Wishes::default() };
    let exit = world.sh_with("echo begun; sleep 100 & sleep 100", wishes).exit.unwrap();
    assert_eq!(exit.outcome, Outcome::TimedOut);
    assert!(exit.took < Duration::from_secs(5), "{exit:?}");
}

fn the_tree_dies_with_the_step(world: &World) {
    let run = world.sh("(setsid sleep 98765 &) ; echo done");
    assert_eq!(run.ok(), "done");
    assert!(run.exit.unwrap().took < Duration::from_secs(5), "the child holds the pipe");
    assert!(!is_running("98765"), "a process outlived its step");
}

/// A case that another one starts, to kill it.
const SLEEPER: &str = "sleeper";

fn sleeper(world: &World) {
    world.sh("sleep 76543 & setsid sleep 76543; sleep 76543");
}

fn steps_die_with_the_build(world: &World) {
    let mode = if matches!(world.ids, Ids::Single { .. }) { "Single" } else { "Mapped" };
    let mode = if world.ids == Ids::Root { "Root" } else { mode };
    let mut build = Command::new(env::current_exe().unwrap()).args(["--one", mode, SLEEPER]).spawn().unwrap();
    assert!(becomes(|| is_running("76543")), "the step does not begin");
    build.kill().unwrap();
    build.wait().unwrap();
    assert!(becomes(|| !is_running("76543")), "a process outlived its build");
}

fn steps_die_with_the_holder(world: &World) {
    std::thread::scope(|scope| {
        let step = scope.spawn(|| world.sh("sleep 65432 & setsid sleep 65432; sleep 65432"));
        assert!(becomes(|| is_running("65432")), "the step does not begin");
        let children = |parent: u32| {
            let list = format!("/proc/{parent}/task/{parent}/children");
            let text = fs::read_to_string(list).unwrap();
            text.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<u32>>()
        };
        let holder = children(children(std::process::id())[0])[0];
        assert!(Command::new("kill").args(["-9", &holder.to_string()]).status().unwrap().success());
        let error = step.join().unwrap().exit.unwrap_err();
        assert_eq!(error.to_string(), "the sandbox was stopped");
        assert!(becomes(|| !is_running("65432")), "a process outlived its holder");
    });
}

/// Whether something comes true within a few seconds.
fn becomes(is: impl Fn() -> bool) -> bool {
    (0..500).any(|_| {
        let so = is();
        std::thread::sleep(Duration::from_millis(if so { 0 } else { 20 }));
        so
    })
}

/// Whether a process of the machine has this argument.
pub(super) fn is_running(argument: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
    })
}

fn steps_at_once(world: &World) {
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                let run = world.sh(&format!("for i in 1 2 3; do echo {number}; sleep 0.01; done"));
                assert_eq!(run.ok(), format!("{number}\n{number}\n{number}"));
            });
        }
    });
}

fn overhead(world: &World) {
    let best = (0..50).map(|_| {
        let start = std::time::Instant::now();
        world.run(&["/bin/true"], Wishes::default()).ok();
        start.elapsed()
    });
    println!("best of 50: {:?}", best.min().unwrap());
}
