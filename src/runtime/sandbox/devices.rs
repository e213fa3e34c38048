//! What a step finds in `/proc`, `/dev` and `/sys`, as the OCI runtime specification and Docker's defaults have it, and
//! what is hidden there.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Uid, chmodat, fchmod, fchown, makedev, mknodat, open, statat, unlink,
};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, fsconfig_create,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree, unmount,
};

use super::order::Attached;
use super::setup::{Failure, Tried, hang, open_root};
use super::{place, profile};
use crate::runtime::sys;

/// The nodes that every container has: <https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-devices>,
/// with their numbers: <https://www.kernel.org/doc/html/latest/admin-guide/devices.html>.
const NODES: [(&str, u32, u32); 6] =
    [("full", 1, 7), ("null", 1, 3), ("random", 1, 8), ("tty", 5, 0), ("urandom", 1, 9), ("zero", 1, 5)];

/// Links in `/dev`, of the same page.
const LINKS: [(&str, &str); 6] = [
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
    ("pts/ptmx", "/dev/ptmx"),
    ("/proc/kcore", "/dev/core"),
];

/// Mounts that need the machine's own to be made.
#[derive(Debug)]
pub(super) struct Borrowed {
    proc: OwnedFd,
    sysfs: OwnedFd,
    nodes: Vec<OwnedFd>,
}

fn nothing() -> MountAttrFlags {
    MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC
}

impl Borrowed {
    /// Opens them. Call it before the root is changed.
    pub(super) fn open() -> Result<Self, Failure> {
        let proc = filesystem("proc", &[], nothing()).tried(
            "cannot mount /proc (a container around this process may hide parts of its own, which forbids it)",
        )?;
        let read_only = nothing() | MountAttrFlags::MOUNT_ATTR_RDONLY;
        let sysfs = filesystem("sysfs", &[], read_only).or_else(|_| machine_sysfs()).tried("cannot mount /sys")?;
        let nodes = match own_nodes() {
            Ok(nodes) => nodes,
            Err(_) => NODES.into_iter().map(|(name, ..)| machine_node(name)).collect::<Result<_, _>>()?,
        };
        Ok(Self { proc, sysfs, nodes })
    }

    /// Hangs everything in below the new root.
    pub(super) fn hang_in(self) -> Result<(), Failure> {
        let root = open_root()?;
        let put = |mount: io::Result<OwnedFd>, path: &str, directory: bool| {
            let failed = || format!("cannot mount {path}");
            let at = place::make(root.as_fd(), Path::new(path), directory).tried(failed())?;
            hang(&mount.tried(failed())?, &at).tried(failed())
        };
        put(Ok(self.proc), "/proc", true)?;
        let dev = [("mode", "755"), ("size", "65536k")];
        // The nodes are mounts of their own: what a step adds here does not work.
        put(filesystem("tmpfs", &dev, nothing() - MountAttrFlags::MOUNT_ATTR_NOEXEC), "/dev", true)?;
        for (node, (name, ..)) in self.nodes.into_iter().zip(NODES) {
            put(Ok(node), &format!("/dev/{name}"), false)?;
        }
        for (to, from) in LINKS {
            symlink(to, from).tried(format!("cannot make {from}"))?;
        }
        put(terminals(), "/dev/pts", true)?;
        let memory = [("mode", "1777"), ("size", "65536k")];
        put(filesystem("tmpfs", &memory, nothing()), "/dev/shm", true)?;
        put(filesystem("mqueue", &[], nothing()), "/dev/mqueue", true)?;
        put(Ok(self.sysfs), "/sys", true)
    }
}

/// Nodes of our own, each as a mount. Root may change the mode and owner of a node, and the machine's would stay changed.
///
/// # Errors
/// In a user namespace, where the kernel makes no device nodes, and for a root that may not make any.
fn own_nodes() -> io::Result<Vec<OwnedFd>> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let memory = filesystem("tmpfs", &[("mode", "700"), ("size", "4k")], attributes)?;
    for (name, major, minor) in NODES {
        mknodat(&memory, name, FileType::CharacterDevice, Mode::empty(), makedev(major, minor))?;
        // What mknod gives goes through the mask.
        chmodat(&memory, name, Mode::from(0o666), AtFlags::empty())?;
    }
    // The kernel clones only what is mounted in this namespace. Nothing of the step runs yet.
    move_mount(&memory, "", CWD, "/dev", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    let nodes = NODES.into_iter().map(|(name, ..)| clone(Path::new("/dev").join(name), false)).collect();
    unmount("/dev", UnmountFlags::DETACH)?;
    nodes
}

/// A node of the machine. In a user namespace nobody owns it, so nobody can change it; root that may not make nodes can.
fn machine_node(name: &str) -> Result<OwnedFd, Failure> {
    clone(Path::new("/dev").join(name), false).tried(format!("cannot open /dev/{name}"))
}

/// The machine's `/sys`, read-only. Without a network namespace of its own, a user namespace may not have a fresh one.
fn machine_sysfs() -> io::Result<OwnedFd> {
    let mount = clone("/sys", true)?;
    let set = profile::NOSUID | profile::NODEV | profile::NOEXEC | profile::READ_ONLY;
    sys::change_mount(&mount, set, 0, true)?;
    Ok(mount)
}

/// Pseudo terminals of its own. Group 5 is `tty`, where the namespace has it.
fn terminals() -> io::Result<OwnedFd> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let options = [("ptmxmode", "0666"), ("mode", "0620"), ("gid", "5")];
    filesystem("devpts", &options, attributes).or_else(|_| filesystem("devpts", &options[..2], attributes))
}

/// Mounts a file system detached.
pub(super) fn filesystem(kind: &str, options: &[(&str, &str)], attributes: MountAttrFlags) -> io::Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        fsconfig_set_string(context.as_fd(), *key, *value)?;
    }
    if kind == "devpts" {
        // Kernels before 4.7 shared all terminals without it; later ones ignore it.
        let _ignored = fsconfig_set_flag(context.as_fd(), "newinstance");
    }
    fsconfig_create(context.as_fd())?;
    Ok(fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

/// An empty directory in memory, of at most so many bytes.
pub(super) fn tmpfs(size: u64, mode: u32) -> io::Result<OwnedFd> {
    let (size, mode) = (size.to_string(), format!("{mode:o}"));
    let mut options = vec![("mode", mode.as_str())];
    if size != "0" {
        options.push(("size", &size));
    }
    filesystem("tmpfs", &options, nothing() - MountAttrFlags::MOUNT_ATTR_NOEXEC)
}

/// A second mount of what is at a path; `deep` takes what is mounted below it too.
pub(super) fn clone(path: impl AsRef<Path>, deep: bool) -> io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if deep {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    Ok(open_tree(CWD, path.as_ref(), flags)?)
}

/// Where a file in memory is made: in `/dev`, which is ours.
const DRAFT: &str = "/dev/.attached";

/// Takes the name of [`file()`] away. The kernel hangs in only what has one, so this comes afterwards.
pub(super) fn file_is_hung_in() -> io::Result<()> {
    Ok(unlink(DRAFT)?)
}

/// A file in memory, as a mount.
pub(super) fn file(file: &Attached) -> io::Result<OwnedFd> {
    let Attached::File { content, mode, user, group, read_only } = file else {
        return Err(io::Error::other("not a file"));
    };
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let made = open(DRAFT, flags, Mode::from(0o600))?;
    let mut made = std::fs::File::from(made);
    made.write_all(content)?;
    fchmod(&made, Mode::from(*mode))?;
    // One id cannot give files away: they stay with the one who runs the step.
    let _single = fchown(&made, Some(Uid::from_raw(*user)), Some(Gid::from_raw(*group)));
    let mount = clone(DRAFT, false)?;
    let read_only = if *read_only { profile::READ_ONLY } else { 0 };
    sys::change_mount(&mount, profile::NOSUID | profile::NODEV | profile::NOEXEC | read_only, 0, false)?;
    Ok(mount)
}

/// Hides and protects parts of `/proc` and `/sys`.
pub(super) fn hide() -> Result<(), Failure> {
    let paths = profile::paths();
    for path in &paths.masked {
        let failed = || format!("cannot hide {path}");
        let Ok(stat) = statat(CWD, path, rustix::fs::AtFlags::empty()) else { continue };
        let cover = if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            nothing_there()
        } else {
            clone("/dev/null", false)
        };
        let at = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).tried(failed())?;
        hang(&cover.tried(failed())?, &at).tried(failed())?;
    }
    for path in &paths.read_only {
        let failed = || format!("cannot protect {path}");
        if statat(CWD, path, rustix::fs::AtFlags::empty()).is_err() {
            continue;
        }
        let mount = clone(path, true).tried(failed())?;
        sys::change_mount(&mount, profile::READ_ONLY, 0, true).tried(failed())?;
        let at = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).tried(failed())?;
        hang(&mount, &at).tried(failed())?;
    }
    Ok(())
}

/// An empty directory that cannot be written.
fn nothing_there() -> io::Result<OwnedFd> {
    let options = [("size", "4k"), ("nr_inodes", "1")];
    filesystem("tmpfs", &options, nothing() | MountAttrFlags::MOUNT_ATTR_RDONLY)
}
