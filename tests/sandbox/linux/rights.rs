//! What a step may do: Docker's capabilities and system calls, limits.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

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

/// With one id, owners cannot be changed; programs that insist go on.
fn owners(world: &World) {
    let run = world.sh("touch /x && chown 33:33 /x && chgrp 5 /x && echo went on");
    assert_eq!(run.ok(), "went on");
}
