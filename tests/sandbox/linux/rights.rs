//! What a step may do: Docker's capabilities and system calls, limits.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use layerwise::runtime::layer::{Owners, recorded_owner};
use layerwise::runtime::namespace::Ids;
use layerwise::runtime::sandbox::{Limits, Outcome, Security, User};

use super::basics::is_running;
use super::probe::{Door, program};
use super::world::{Wishes, World};
use super::{Case, EVERYBODY, MANY_IDS};

pub(super) const CASES: &[Case] = &[
    ("capabilities_of_root", EVERYBODY, capabilities_of_root),
    ("capabilities_of_a_user", MANY_IDS, capabilities_of_a_user),
    ("insecure", EVERYBODY, insecure),
    ("system_calls", EVERYBODY, system_calls),
    ("limits", EVERYBODY, limits),
    ("memory_of_all", EVERYBODY, memory_of_all),
    ("fork_bomb", EVERYBODY, fork_bomb),
    ("owners", EVERYBODY, owners),
];

const STATUS: &str = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr -d '\\t' | tr '\\n' ' '";

fn capabilities_of_root(world: &World) {
    let held = "CapInh:0000000000000000 CapPrm:00000000a80425fb CapEff:00000000a80425fb CapBnd:00000000a80425fb \
                CapAmb:0000000000000000 NoNewPrivs:0 Seccomp:2";
    assert_eq!(world.sh(STATUS).ok(), held, "as Docker 28.5 shows it");
}

fn capabilities_of_a_user(world: &World) {
    let user = User { uid: 1000, gid: 1000, groups: Vec::new() };
    let run = world.sh_with(STATUS, Wishes { user, ..Wishes::default() });
    let held = "CapInh:0000000000000000 CapPrm:0000000000000000 CapEff:0000000000000000 CapBnd:00000000a80425fb \
                CapAmb:0000000000000000 NoNewPrivs:0 Seccomp:2";
    assert_eq!(run.ok(), held);
}

fn insecure(world: &World) {
    let wishes = Wishes { security: Security::Insecure, ..Wishes::default() };
    let run = world.sh_with("grep Seccomp: /proc/self/status; mount -t tmpfs none /tmp && echo mounted", wishes);
    assert_eq!(run.ok(), "Seccomp:\t0\nmounted");
}

/// What a call returns in a step.
fn call(world: &World, door: Door, number: u32, arguments: &[Option<u32>], text: &[u8]) -> i32 {
    let path = world.base.join("bin/probe");
    fs::write(&path, program(door, number, arguments, text)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    world.run(&["/bin/probe"], Wishes::default()).code()
}

const EPERM: i32 = 1;
const ENOSYS: i32 = 38;

fn system_calls(world: &World) {
    if !cfg!(target_arch = "x86_64") {
        println!("skipped: the programs are for x86-64");
        return;
    }
    let wide = |number, arguments: &[u32]| {
        let arguments: Vec<Option<u32>> = arguments.iter().copied().map(Some).collect();
        call(world, Door::Wide, number, &arguments, b"")
    };
    assert_eq!(wide(250, &[0, 0]), EPERM, "keyctl(KEYCTL_GET_KEYRING_ID)");
    assert_eq!(wide(248, &[0, 0]), EPERM, "add_key");
    assert_eq!(wide(321, &[0, 0, 0]), EPERM, "bpf");
    assert_eq!(wide(323, &[0]), EPERM, "userfaultfd");
    assert_eq!(wide(298, &[0, 0, 0]), EPERM, "perf_event_open");
    assert_eq!(wide(304, &[0, 0, 0]), EPERM, "open_by_handle_at");
    assert_eq!(wide(246, &[0, 0, 0]), EPERM, "kexec_load");
    assert_eq!(wide(425, &[1, 0]), EPERM, "io_uring_setup");
    assert_eq!(wide(272, &[0x1000_0000]), EPERM, "unshare(CLONE_NEWUSER)");
    assert_eq!(wide(56, &[0x1000_0011, 0]), EPERM, "clone(CLONE_NEWUSER)");
    assert_eq!(wide(435, &[0, 0]), ENOSYS, "clone3");
    assert_eq!(wide(41, &[40, 1, 0]), EPERM, "socket(AF_VSOCK)");
    assert_eq!(wide(41, &[38, 5, 0]), EPERM, "socket(AF_ALG)");
    assert_eq!(wide(0x4000_0027, &[]), EPERM, "getpid of x32");
    assert_eq!(wide(135, &[8]), 0, "personality(PER_LINUX32)");
    assert_eq!(wide(135, &[0x0020_0000]), EPERM, "personality(ADDR_NO_RANDOMIZE and more)");
    let narrow = |number, arguments: &[Option<u32>]| call(world, Door::Narrow, number, arguments, b"");
    assert_eq!(narrow(288, &[Some(0), Some(0)]), EPERM, "keyctl through the 32-bit door");
    assert_eq!(narrow(310, &[Some(0x1000_0000)]), EPERM, "unshare through the 32-bit door");
    assert_eq!(narrow(60, &[Some(0o22)]), (-0o22_i32) & 0xff, "umask through the 32-bit door returns the old mask");
}

fn limits(world: &World) {
    const NOFILE: u32 = 7;
    let limits = Limits { resources: vec![(NOFILE, 77, 88)], ..Limits::default() };
    let run = world.sh_with("ulimit -n; ulimit -Hn", Wishes { limits, ..Wishes::default() });
    assert_eq!(run.ok(), "77\n88");
}

fn memory_of_all(world: &World) {
    let limits = Limits { memory: Some(32 << 20), ..Limits::default() };
    let wishes = Wishes { limits, timeout: Some(Duration::from_secs(20)), ..Wishes::default() };
    // Something that grows without end: `tail` keeps the last line.
    let run = world.sh_with("head -c 200000000 /dev/zero | tail -n 1 | wc -c", wishes);
    let exit = run.exit.unwrap();
    if exit.not_granted.is_empty() {
        // The kernel chooses whom it kills: `tail`, so that `wc` counts nothing, or the shell with all of them.
        assert_ne!(run.out, "200000000\n", "nothing was killed: {exit:?}");
        assert!(run.out.is_empty() || run.out == "0\n", "{:?}, {exit:?}", run.out);
        assert!(exit.max_rss < 40 << 20, "{exit:?}");
    } else {
        println!("{}", exit.not_granted.join("; "));
    }
}

fn fork_bomb(world: &World) {
    let limits = Limits { processes: Some(400), ..Limits::default() };
    let wishes = Wishes { limits, timeout: Some(Duration::from_secs(1)), ..Wishes::default() };
    let bomb = "echo 'b() { b 87654 | b 87654 & }; b; sleep 50' >/tmp/b; sh /tmp/b 87654; sleep 60";
    let exit = world.sh_with(bomb, wishes).exit.unwrap();
    assert_eq!(exit.outcome, Outcome::TimedOut);
    assert!(exit.took < Duration::from_secs(20), "{exit:?}");
    assert!(!is_running("87654"), "a process outlived its step");
}

/// With one id, owners are kept beside the files, and programs hear that they are who they wanted to be.
fn owners(world: &World) {
    let run = world.sh("touch /x && chown 33:33 /x && chown :5 /x && echo went on");
    assert_eq!(run.ok(), "went on");
    if !matches!(world.ids, Ids::Single { .. }) {
        return;
    }
    let owner = |upper: &Path, file: &str| {
        let path = upper.join(file);
        recorded_owner(&path, &rustix::fs::lstat(&path).unwrap(), Owners::Recorded).unwrap()
    };
    assert_eq!(owner(&run.upper, "x"), (33, 5));
    let script = "mkdir -p /d/in && cd /d && touch in/a in/b f && ln -s in/a l && ln -s /d/in/b /far && \
        chown -R 7:8 in && chown 9 l && chown -h 10 l && chown 11 ../far && chown 12 f && chown 0:0 f && \
        chmod 6755 in/a && chown 13 in/a && chown 1:2 /nothing 2>/dev/null; ls -l in/a | cut -c1-10";
    let run = world.sh(script);
    assert_eq!(run.ok(), "-rwxr-xr-x");
    // With a link, busybox takes the group of the link.
    for (file, wanted) in [("d/in", (7, 8)), ("d/in/a", (13, 0)), ("d/in/b", (11, 0)), ("d/f", (0, 0)), ("d", (0, 0))] {
        assert_eq!(owner(&run.upper, file), wanted, "{file}");
    }
    let run = world
        .sh("touch /x /y && chown 33:34 /x && chgrp 5 /x && cp -a /x /z && ls -ln /x /y /z | awk '{print $3, $4}'");
    assert_eq!(run.ok(), "33 5\n0 0\n33 5");
    assert_eq!(owner(&run.upper, "z"), (33, 5));
    let run = world.sh("su app -c 'id -u; id -g; sh -c \"id -u\"; chown 0 /tmp/x; echo $?' 2>/dev/null; id -u");
    assert_eq!(run.ok(), "1000\n1000\n1000\n1\n0");
}
