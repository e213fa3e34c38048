//! The first process of a step, from its birth to the program: its mounts, its root, its rights.
//!
//! What comes from the machine (device nodes, `/sys`) is opened before the root is changed and hung in afterwards, so
//! that no path of the image is ever followed while the machine's files can be reached.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, open};
use rustix::mount::{MoveMountFlags, UnmountFlags, move_mount, unmount};
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::{Signal, chdir, fchdir, getcwd, pivot_root, set_parent_process_death_signal, setsid, umask};
use rustix::system::sethostname;

use super::devices::{self, Borrowed};
use super::order::{Attached, Order};
use super::{place, profile, program, rights};
use crate::runtime::sys;

/// Why the program was not started.
#[derive(Debug)]
pub(super) enum Failure {
    /// The sandbox could not be made.
    Setup { what: String, source: io::Error },
    /// The program cannot be run: code and message as Docker has them.
    Program { code: i32, message: String },
}

/// What belongs to a step's process.
#[derive(Debug)]
pub(super) struct Belongings {
    pub(super) root: OwnedFd,
    pub(super) streams: [OwnedFd; 3],
    /// Where who traces the step waits for the listener of its filter.
    pub(super) watcher: Option<OwnedFd>,
    pub(super) mounts: Vec<OwnedFd>,
    /// Where the build waits.
    pub(super) build: OwnedFd,
}

/// What steps have for a mask, and all that is made for them: that of the build's caller would be seen in images.
pub(super) const MASK: Mode = Mode::from_bits_truncate(0o022);

/// Adds to an error what was tried.
pub(super) trait Tried<T> {
    fn tried(self, what: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Tried<T> for Result<T, E> {
    fn tried(self, what: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|source| Failure::Setup { what: what.into(), source: source.into() })
    }
}

/// Becomes the step's program. Returns only if that fails.
pub(super) fn become_program(order: &Order, belongings: Belongings) -> Failure {
    match prepare(order, belongings) {
        Ok(program) => program.start(),
        Err(failure) => failure,
    }
}

fn prepare(order: &Order, belongings: Belongings) -> Result<program::Program, Failure> {
    let Belongings { root, streams, watcher, mounts, build } = belongings;
    umask(MASK);
    setsid().tried("cannot start a session")?;
    // Refused where keys are not built in, and then there are none to protect.
    let _without = sys::own_keyring();
    sethostname(&order.hostname).tried("cannot set the host name")?;
    join_groups(order)?;
    if order.offline {
        let any = socket(AddressFamily::INET, SocketType::DGRAM, None).tried("cannot open a socket")?;
        sys::loopback_up(any).tried("cannot bring up the loopback device")?;
    }
    take_streams(order, &streams)?;
    let borrowed = Borrowed::open()?;
    if !order.insecure {
        // Root may make device nodes, as in Docker; without Docker's list of devices they must not work.
        sys::change_mount(&root, profile::NODEV, 0, false).tried("cannot disable devices")?;
    }
    enter(&root)?;
    borrowed.hang_in()?;
    rights::limit_processes(order.processes)?;
    attach(order, mounts)?;
    if !order.insecure {
        devices::hide()?;
    }
    rights::limit(order)?;
    finish(order, &build, watcher)
}

/// Puts the process into the control groups of its step.
pub(super) fn join_groups(order: &Order) -> Result<(), Failure> {
    for file in &order.groups_to_join {
        let file = Path::new(OsStr::from_bytes(file));
        std::fs::write(file, "0").tried(format!("cannot join {}", file.display()))?;
    }
    Ok(())
}

/// Takes the streams for its own.
pub(super) fn take_streams(order: &Order, streams: &[OwnedFd; 3]) -> Result<(), Failure> {
    for (number, stream) in streams.iter().enumerate() {
        program::take_place(stream, number).tried("cannot pass on the output")?;
    }
    program::give_streams(order.user, order.group);
    Ok(())
}

/// Goes to the working directory, gives up what the program may not have, and finds it. `build` is where the build waits,
/// `watcher` where who traces the step does.
pub(super) fn finish(order: &Order, build: &OwnedFd, watcher: Option<OwnedFd>) -> Result<program::Program, Failure> {
    let reached = enter_directory(order, true);
    rights::drop(order, build.as_fd(), watcher)?;
    if let Err(error) = reached {
        // It may be the user's alone.
        enter_directory(order, false).map_err(|_| error).tried(in_words(&order.directory))?;
    }
    sys::reset_signals();
    // Changing user forgets this, so it comes last. Our parent may have died before: then nobody reads the pipe.
    set_parent_process_death_signal(Some(Signal::KILL)).tried("cannot ask to die with the build")?;
    sys::close_on_exec(3).tried("cannot close descriptors")?;
    program::Program::find(order)
}

/// Puts the tree in the place of `/`, and lets go of the old one.
fn enter(root: &OwnedFd) -> Result<(), Failure> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    move_mount(root, "", CWD, "/", flags).tried("cannot hang in the tree")?;
    fchdir(root).tried("cannot enter the tree")?;
    pivot_root(".", ".").tried("cannot change the root")?;
    unmount(".", UnmountFlags::DETACH).tried("cannot let go of the old root")?;
    chdir("/").tried("cannot enter the root")
}

/// Hangs in what the step asked for.
fn attach(order: &Order, mounts: Vec<OwnedFd>) -> Result<(), Failure> {
    let root = open_root()?;
    let mut mounts = mounts.into_iter();
    for attachment in &order.attachments {
        let target = Path::new(OsStr::from_bytes(&attachment.target));
        let failed = || format!("cannot mount at {}", target.display());
        let (mount, directory) = match &attachment.what {
            Attached::Mount { directory } => {
                let mount = mounts.next().ok_or_else(|| io::Error::other("its descriptor is missing"));
                (mount.tried(failed())?, *directory)
            }
            Attached::File { .. } => (devices::file(&attachment.what).tried(failed())?, false),
            Attached::Tmpfs { size, mode } => (devices::tmpfs(*size, *mode).tried(failed())?, true),
        };
        let at = place::make(root.as_fd(), target, directory).tried(failed())?;
        hang(&mount, &at).tried(failed())?;
        if matches!(attachment.what, Attached::File { .. }) {
            devices::file_is_hung_in().tried(failed())?;
        }
    }
    Ok(())
}

/// The root as it is now.
pub(super) fn open_root() -> Result<OwnedFd, Failure> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    open("/", flags, Mode::empty()).tried("cannot open the root")
}

/// Hangs a mount in an opened place.
pub(super) fn hang(mount: &OwnedFd, at: &OwnedFd) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(mount, "", at, "", flags)?)
}

/// Goes to the working directory, which may be made where it is missing. The image chose the path: the kernel would
/// follow a link in `/proc` to whatever a descriptor of this process shows.
fn enter_directory(order: &Order, may_make: bool) -> io::Result<()> {
    let path = Path::new(OsStr::from_bytes(&order.directory));
    let root = open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let place = place::resolve(root.as_fd(), path)?;
    if place.rest.is_empty() {
        fchdir(place.directory)?;
    } else if may_make {
        fchdir(place::make(root.as_fd(), path, true)?)?;
    } else {
        return Err(io::ErrorKind::NotFound.into());
    }
    // The kernel names what lies outside of the root `(unreachable)`.
    if getcwd(Vec::new())?.as_bytes().starts_with(b"/") { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}

fn in_words(directory: &[u8]) -> String {
    format!("cannot enter the working directory {}", String::from_utf8_lossy(directory))
}
