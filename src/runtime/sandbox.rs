//! Sandbox: steps run as processes that see a tree of their own and nothing of the machine but its kernel, its network
//! if wanted, and what they were given.
//!
//! [`Sandbox::start`] makes one holder for the whole build; [`Sandbox::run`] hands it a [`Step`], passes on
//! what the step writes, and returns when the step and all it started are gone. Steps may run at the same time, from
//! different threads.

mod assumed;
mod devices;
mod groups;
mod holder;
mod order;
mod output;
mod place;
mod profile;
mod program;
mod rights;
mod seccomp;
mod setup;
mod sources;
mod started;
mod step;
mod stubs;
mod trace;
mod visit;
mod wire;

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, MemfdFlags, memfd_create, stat, statat};
use rustix::net::{AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType};
use rustix::net::{Shutdown, sendmsg, shutdown, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

pub use started::{Door, Started};
pub use step::{Exit, Limits, MountKind, Network, Outcome, Security, Step, StepMount, Stream, User, Visit};
pub use trace::{Touch, Touched, Trace};

use super::namespace::Ids;
use super::sys;
use order::Order;
use started::Channel;

/// The name under which the program is started to be the holder.
pub(super) const HOLDER: &str = "layerwise-sandbox";

/// Where steps are run.
#[derive(Debug)]
pub struct Sandbox {
    ids: Ids,
    control: OwnedFd,
    /// One order at a time goes through the socket.
    sending: Mutex<()>,
    /// How many steps were ordered.
    ordered: AtomicU64,
    holder: Mutex<Child>,
}

/// Why a step could not be run at all. A step that ran and failed is no error but an [`Exit`].
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// There is no namespace.
    #[error("`RUN` cannot be executed here: {0}")]
    Refused(String),
    /// The user or group is not one that the build has.
    #[error("cannot run as {kind} {id}: {reason}")]
    NoSuchId {
        /// `user` or `group`.
        kind: &'static str,
        /// The id.
        id: u32,
        /// Why it is missing, and the remedy.
        reason: String,
    },
    /// What a mount shows cannot be opened.
    #[error("cannot mount {} at {}: {source}", what.display(), target.display())]
    Mount {
        /// What was to be shown.
        what: PathBuf,
        /// Where.
        target: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The sandbox could not be made around the step.
    #[error("cannot make the sandbox: {0}")]
    Setup(String),
    /// The holder is gone.
    #[error("the sandbox was stopped")]
    Stopped,
    /// Something else that needs the kernel.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
}

/// Does the job of the holder if this process was started as one; else returns at once.
pub(super) fn entry(name: &OsStr) {
    if name == HOLDER {
        holder::serve();
    }
}

impl Sandbox {
    /// Starts the holder, by executing this program again.
    ///
    /// # Errors
    /// Fails where [`Ids`] has no namespace, and when the program cannot be started.
    pub fn start(ids: &Ids) -> Result<Self, SandboxError> {
        Self::start_with(ids, Path::new("/proc/self/exe"))
    }

    /// Starts the holder by executing a certain `layerwise` program.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub fn start_with(ids: &Ids, program: &Path) -> Result<Self, SandboxError> {
        if let Ids::None { reason } = ids {
            return Err(SandboxError::Refused(reason.clone()));
        }
        let failed = |source: io::Error| SandboxError::System { what: "cannot start the sandbox", source };
        let (control, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(|error| failed(error.into()))?;
        let program = Unwritable::open(program);
        let holder = Command::new(program.path())
            .arg0(HOLDER)
            .env_clear()
            .stdin(theirs)
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        Ok(Self {
            ids: ids.clone(),
            control,
            sending: Mutex::new(()),
            ordered: AtomicU64::new(0),
            holder: Mutex::new(holder),
        })
    }

    /// Runs a step to its end. `sink` gets what it writes, as it writes it.
    ///
    /// # Errors
    /// See [`SandboxError`].
    pub fn run(&self, step: &Step<'_>, sink: &mut dyn FnMut(Stream, &[u8])) -> Result<Exit, SandboxError> {
        self.begin(step)?.finish(sink)
    }

    /// Starts a step. It writes and ends only as [`Started::finish`] takes what it writes.
    ///
    /// # Errors
    /// See [`SandboxError`].
    pub fn begin(&self, step: &Step<'_>) -> Result<Started, SandboxError> {
        let start = Instant::now();
        let groups = groups::Groups::make(&step.limits);
        let (order, mounts) = sources::order(step, &self.ids, &groups)?;
        let order = Order { number: self.next_number(), ..order };
        let stubs = stubs::Stubs::before(step.root, &order);
        let mut descriptors = vec![step.root];
        let (watch, watcher) = if order.traced { watched(step.root).map(Some)? } else { None }.unzip();
        descriptors.extend(watcher.as_ref().map(AsFd::as_fd));
        descriptors.extend(mounts.iter().map(AsFd::as_fd));
        let channel = self.order(&order, &descriptors)?;
        Ok(Started { channel, order, start, stubs, groups, watch })
    }

    /// Runs a command inside of a step that runs, to its end: in its tree and among its processes.
    ///
    /// # Errors
    /// [`SandboxError::Setup`] where the step has ended; else see [`SandboxError`].
    pub fn visit(&self, host: &Door, visit: &Visit, sink: &mut dyn FnMut(Stream, &[u8])) -> Result<Exit, SandboxError> {
        let start = Instant::now();
        let order = Order { number: self.next_number(), ..host.order(visit) };
        started::exit(self.order(&order, &[])?.pass_on(sink), start, Vec::new())
    }

    fn next_number(&self) -> u64 {
        self.ordered.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Sends an order off.
    fn order(&self, order: &Order, mounts: &[BorrowedFd<'_>]) -> Result<Channel, SandboxError> {
        let pipe = || pipe_with(PipeFlags::CLOEXEC).map_err(system("cannot make a pipe"));
        let ((output, give_output), (error, give_error)) = (pipe()?, pipe()?);
        let (reply, give_reply) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(system("cannot make a socket"))?;
        let text = memfd_create("order", MemfdFlags::CLOEXEC).map_err(system("cannot write the order"))?;
        let mut text = std::fs::File::from(text);
        io::Write::write_all(&mut text, &order.encode())
            .map_err(|source| SandboxError::System { what: "cannot write the order", source })?;
        let mut descriptors = vec![text.as_fd(), give_reply.as_fd(), give_output.as_fd(), give_error.as_fd()];
        descriptors.extend(mounts);
        self.send(&descriptors)?;
        Ok(Channel { reply, streams: [output, error] })
    }

    /// Kills all steps that run, and lets none run anymore.
    pub fn stop(&self) {
        let _gone = shutdown(&self.control, Shutdown::Both);
    }

    fn send(&self, descriptors: &[BorrowedFd<'_>]) -> Result<(), SandboxError> {
        const MOST: usize = 253;
        if descriptors.len() > MOST {
            return Err(SandboxError::Setup(format!("more than {} mounts", MOST - order::FIXED - 1)));
        }
        let mut space = vec![std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
        let _turn = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = sendmsg(&self.control, &[io::IoSlice::new(b"o")], &mut ancillary, SendFlags::NOSIGNAL);
        sent.map(drop).map_err(|_| SandboxError::Stopped)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop();
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        let _gone = holder.wait();
    }
}

/// A program that cannot be written through `/proc/self/exe` of the process it becomes, not even by root: the image may
/// have that name executed, and then runs code of its own in a process of our program (CVE-2019-5736).
struct Unwritable {
    mount: Option<OwnedFd>,
    plain: PathBuf,
}

impl Unwritable {
    fn open(program: &Path) -> Self {
        // The kernel clones only what this namespace reaches; the link of a process points into the one it began in.
        let path = std::fs::read_link(program).unwrap_or_else(|_| program.to_owned());
        let mount = devices::clone(path, false).and_then(|mount| {
            let (own, wanted) = (statat(&mount, "", AtFlags::EMPTY_PATH)?, stat(program)?);
            if (own.st_dev, own.st_ino) != (wanted.st_dev, wanted.st_ino) {
                return Err(io::Error::other("another file took the program's place"));
            }
            sys::change_mount(&mount, profile::READ_ONLY | profile::NOSUID, 0, false)?;
            Ok(mount)
        });
        Self { mount: mount.ok(), plain: program.to_owned() }
    }

    fn path(&self) -> PathBuf {
        let by_descriptor = |mount: &OwnedFd| PathBuf::from(format!("/proc/self/fd/{}", mount.as_raw_fd()));
        self.mount.as_ref().map_or_else(|| self.plain.clone(), by_descriptor)
    }
}

/// Who watches a step of that tree, and where the step finds them.
fn watched(root: BorrowedFd<'_>) -> Result<(trace::Watch, OwnedFd), SandboxError> {
    let (socket, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .map_err(system("cannot make a socket"))?;
    let failed = |source| SandboxError::System { what: "cannot trace the step", source };
    let root = root.try_clone_to_owned().map_err(failed)?;
    Ok((trace::Watch::start(socket, root).map_err(failed)?, theirs))
}

fn system(what: &'static str) -> impl FnOnce(rustix::io::Errno) -> SandboxError {
    move |source| SandboxError::System { what, source: source.into() }
}

/// Milliseconds for the holder, rounded up; 0 is no timeout.
fn milliseconds(timeout: Option<Duration>) -> u64 {
    timeout.map_or(0, |timeout| timeout.as_millis().clamp(1, u128::from(u64::MAX)) as u64)
}
