//! Ways out of the sandbox that must not lead anywhere.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};

use super::probe::{Door, program};
use super::world::{Wishes, World};
use super::{Case, EVERYBODY, ROOT};

pub(super) const CASES: &[Case] = &[
    ("files_of_the_machine", EVERYBODY, files_of_the_machine),
    ("processes_of_the_machine", EVERYBODY, processes_of_the_machine),
    ("processes_of_the_machine_cannot_be_named", EVERYBODY, processes_of_the_machine_cannot_be_named),
    ("no_descriptor_is_left_open", EVERYBODY, no_descriptor_is_left_open),
    ("the_kernel_is_protected", EVERYBODY, the_kernel_is_protected),
    ("mounts_cannot_be_changed", EVERYBODY, mounts_cannot_be_changed),
    ("device_nodes_do_not_work", ROOT, device_nodes_do_not_work),
    ("device_nodes_of_the_machine_stay_as_they_are", EVERYBODY, device_nodes_of_the_machine_stay_as_they_are),
    ("our_program_cannot_be_overwritten", EVERYBODY, our_program_cannot_be_overwritten),
    ("a_tree_with_hostile_links", EVERYBODY, a_tree_with_hostile_links),
    ("descriptors_of_the_caller", EVERYBODY, descriptors_of_the_caller),
];

fn files_of_the_machine(world: &World) {
    fs::write(world.folder.path().join("marker-of-the-machine"), "").unwrap();
    let folder = world.folder.path().display();
    let run = world.sh(&format!(
        "ls / /.. /proc/1/root {folder} /proc/1/root{folder} 2>/dev/null; cd /; cd ../../..; pwd; cat /proc/mounts; \
         for fd in /proc/self/fd/*; do readlink $fd; ls $fd/.. 2>/dev/null; done; cat /proc/self/mountinfo"
    ));
    assert!(!run.out.contains("marker-of-the-machine"), "{run:?}");
    assert!(!run.out.contains(&folder.to_string()), "paths of the machine are shown: {run:?}");
}

fn processes_of_the_machine(world: &World) {
    let run = world.sh("ls /proc | grep -c '^[0-9]'; kill -9 -1; echo alive; ipcs -q 2>/dev/null | grep -c 0x; true");
    let count: u32 = run.ok().lines().next().unwrap().parse().unwrap();
    assert!(count < 6, "{run:?}");
    assert!(run.out.contains("alive"), "process 1 is not killed by its own");
}

const ESRCH: i32 = 3;
const EBADF: i32 = 9;
const EPERM: i32 = 1;

/// What a call returns in a step.
fn call(world: &World, number: u32, arguments: &[u32]) -> i32 {
    let path = world.base.join("bin/probe");
    let arguments: Vec<Option<u32>> = arguments.iter().copied().map(Some).collect();
    fs::write(&path, program(Door::Wide, number, &arguments, b"")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    world.run(&["/bin/probe"], Wishes::default()).code()
}

/// By its number on the machine a process is nobody in a step: neither the build nor its parent can be traced, written to
/// or killed.
fn processes_of_the_machine_cannot_be_named(world: &World) {
    if !cfg!(target_arch = "x86_64") {
        println!("skipped: the programs are for x86-64");
        return;
    }
    let own = std::process::id();
    let parent = std::os::unix::process::parent_id();
    for process in [own, parent].into_iter().filter(|process| *process > 50) {
        for (name, number, arguments) in [
            ("kill", 62, &[process, 9][..]),
            ("ptrace(PTRACE_ATTACH)", 101, &[16, process, 0, 0]),
            ("ptrace(PTRACE_SEIZE)", 101, &[0x4206, process, 0, 0]),
            ("pidfd_open", 434, &[process, 0]),
        ] {
            let answer = call(world, number, arguments);
            assert!(answer == ESRCH || answer == EPERM, "{name}({process}): {answer}");
        }
    }
}

/// Nothing that the holder or the build has open is open in a step (CVE-2024-21626).
fn no_descriptor_is_left_open(world: &World) {
    if !cfg!(target_arch = "x86_64") {
        println!("skipped: the programs are for x86-64");
        return;
    }
    for descriptor in (3..24).chain([63, 255]) {
        assert_eq!(call(world, 72, &[descriptor, 1]), EBADF, "fcntl({descriptor}, F_GETFD)");
        assert_eq!(call(world, 81, &[descriptor]), EBADF, "fchdir({descriptor})");
    }
}

fn the_kernel_is_protected(world: &World) {
    let script = "for file in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches \
                  /proc/irq/default_smp_affinity /sys/kernel/mm/transparent_hugepage/enabled /sys/power/state; do \
                  [ -e $file ] || continue; (echo h >$file) 2>/dev/null && echo written $file; done; \
                  head -c 1 /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | grep -v == | tr -d '\\n'; \
                  ls /sys/firmware /proc/acpi 2>/dev/null | grep -v :; dmesg 2>&1 | head -1; \
                  date -s 2001-01-01 >/dev/null 2>&1; date +%Y | grep 2001; hostname x 2>/dev/null && echo named; true";
    let run = world.sh(script);
    assert_eq!(run.ok().trim(), "dmesg: klogctl: Operation not permitted");
}

fn mounts_cannot_be_changed(world: &World) {
    let script = "mount -t tmpfs none /tmp && echo mounted; mount -o remount,rw /proc/sys && echo remounted; \
                  umount /proc/sys && echo unmounted; umount -l /proc/kcore && echo unmasked; \
                  mkdir /tmp/old && pivot_root / /tmp/old && echo pivoted; unshare -U true && echo unshared; \
                  unshare -m true && echo unshared; nsenter -t 1 -m true && echo entered; true";
    assert_eq!(world.sh(script).ok(), "");
}

/// `chmod -R 700 /` is no more than an image's own affair.
fn device_nodes_of_the_machine_stay_as_they_are(world: &World) {
    let names = ["full", "null", "random", "tty", "urandom", "zero"].map(|name| format!("/dev/{name}"));
    let modes = || names.clone().map(|name| fs::metadata(name).unwrap().permissions().mode());
    let before = modes();
    let script = format!(
        "chmod 604 {names}; chown 1:1 {names}; echo >/dev/null && head -c 2 /dev/zero | wc -c",
        names = names.join(" ")
    );
    let run = world.sh(&script);
    let after = modes();
    if after != before {
        // Nothing on the machine works without them.
        for (name, mode) in names.iter().zip(before) {
            fs::set_permissions(name, fs::Permissions::from_mode(mode)).unwrap();
        }
    }
    assert_eq!(before, after, "{run:?}");
    assert_eq!(run.ok().trim(), "2");
}

/// Docker has a list of devices; without it nodes that root makes must not open.
fn device_nodes_do_not_work(world: &World) {
    let script =
        "for place in / /tmp /dev /dev/shm; do mknod $place/mine c 1 3 && (: <$place/mine) && echo $place; done; true";
    let run = world.sh(script);
    assert_eq!(run.ok(), "", "{run:?}");
    assert_eq!(run.err.matches("Permission denied").count(), 4, "{run:?}");
}

const CHMOD: u32 = 90;
const EROFS: i32 = 30;

/// CVE-2019-5736: the image has our own program executed inside, with a loader of its own.
fn our_program_cannot_be_overwritten(world: &World) {
    if !cfg!(target_arch = "x86_64") {
        println!("skipped: the program is for x86-64");
        return;
    }
    let lib = world.base.join("lib64");
    fs::create_dir(&lib).unwrap();
    let loader = lib.join("ld-linux-x86-64.so.2");
    fs::write(&loader, program(Door::Wide, CHMOD, &[None, Some(0o777)], b"/proc/self/exe")).unwrap();
    fs::set_permissions(&loader, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(world.base.join("bin/again"), "#!/proc/self/exe\n").unwrap();
    fs::set_permissions(world.base.join("bin/again"), fs::Permissions::from_mode(0o755)).unwrap();
    for start in ["/proc/self/exe", "/bin/again"] {
        let code = world.run(&[start], Wishes::default()).code();
        assert_eq!(code, EROFS, "changed through {start}");
    }
}

/// Directories that a step's set-up uses are links of the image.
fn a_tree_with_hostile_links(world: &World) {
    let outside = world.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    for name in ["proc", "dev", "sys"] {
        let _absent = fs::remove_dir(world.base.join(name));
        std::os::unix::fs::symlink(&outside, world.base.join(name)).unwrap();
    }
    let _run = world.sh("echo >/proc/x; echo >/dev/x; true");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "a link of the image led to the machine");
}

/// CVE-2024-21626: the image's working directory is what a descriptor shows that the build's caller left open.
fn descriptors_of_the_caller(world: &World) {
    fs::write(world.folder.path().join("marker-of-the-machine"), "").unwrap();
    // Not closed when the holder is started.
    let left = rustix::fs::open(world.folder.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    let world = World::new(world.ids.clone()).unwrap();
    let link = format!("/proc/self/fd/{}", left.as_raw_fd());
    std::os::unix::fs::symlink(&link, world.base.join("app")).unwrap();
    for directory in ["/app", &link, "/app/..", "/proc/self/cwd/../../.."] {
        let wishes = Wishes { directory: Some(PathBuf::from(directory)), ..Wishes::default() };
        let run = world.sh_with(&format!("pwd; ls . ..; ls {link} {link}/.."), wishes);
        assert!(!run.out.contains("marker-of-the-machine"), "{directory}: {run:?}");
        assert!(!run.out.contains("unreachable"), "{directory}: {run:?}");
    }
}
