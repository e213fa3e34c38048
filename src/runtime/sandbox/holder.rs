//! The holder: a process of one thread that makes the steps' processes, watches them and says how they ended.
//!
//! A process with many threads cannot safely copy itself and then do as much as a step's set-up does, so the build
//! leaves that to this one. It is process 1 of a process namespace: when it dies, by whatever, the kernel kills every
//! step. It ends when the build lets go of its socket.

mod reply;
mod running;

use std::io::{self, IoSliceMut, Read, Seek, SeekFrom};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::process::setsid;
use rustix::thread::UnshareFlags;

pub(super) use reply::Reply;
use running::Running;

use super::order::Order;
use super::rights;
use crate::runtime::sys::{self, Forked};

/// As many descriptors as one message carries.
const MOST: usize = 253;

/// Is the holder, with the build's socket as standard input. Never returns.
pub(super) fn serve() -> ! {
    let code = match born() {
        Ok(control) => {
            watch(&control);
            0
        }
        Err(error) => {
            // The build reads this from standard error.
            let _closed = rustix::io::write(io::stderr(), format!("layerwise: no sandbox: {error}\n").as_bytes());
            1
        }
    };
    sys::end_now(code)
}

/// Takes its place in namespaces of its own: the process that was started waits for the one that serves.
fn born() -> io::Result<OwnedFd> {
    // What the build's caller left open must not be there for a step to find.
    sys::close_from(3)?;
    let control = io::stdin().as_fd().try_clone_to_owned()?;
    let _leader = setsid();
    sys::unshare(UnshareFlags::NEWNS)?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    match sys::fork(libc::CLONE_NEWPID as u64)? {
        Forked::Child => Ok(control),
        Forked::Parent(child) => {
            drop(control);
            let _served = sys::wait(child.pid);
            sys::end_now(0)
        }
    }
}

/// Serves until the build is gone.
fn watch(control: &OwnedFd) {
    let mut steps: Vec<Running> = Vec::new();
    rights::prepare();
    loop {
        let asked = {
            let mut waiting = vec![PollFd::new(control, PollFlags::IN)];
            waiting.extend(steps.iter().flat_map(Running::waiting));
            let _interrupted = poll(&mut waiting, next_deadline(&steps).as_ref());
            waiting[0].revents()
        };
        steps.retain_mut(|step| !step.settle());
        if asked.contains(PollFlags::IN) {
            match receive(control) {
                Ok(Some((order, descriptors))) => {
                    let started = Running::start(&order, descriptors, &steps);
                    steps.extend(started);
                }
                Ok(None) | Err(_) => return,
            }
        } else if asked.intersects(PollFlags::HUP | PollFlags::ERR) {
            return;
        }
    }
}

/// How long until the first step has had its time.
fn next_deadline(steps: &[Running]) -> Option<Timespec> {
    let first = steps.iter().filter_map(Running::deadline).min()?;
    // A little later than the deadline, so that it has passed when we look.
    let left = first.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
    Timespec::try_from(left).ok()
}

/// The next order with its descriptors; nothing when the build is gone.
fn receive(control: &OwnedFd) -> io::Result<Option<(Order, Vec<OwnedFd>)>> {
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received = recvmsg(control, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    if received.bytes == 0 {
        return Ok(None);
    }
    let mut descriptors = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => rights.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    let written = descriptors.next().ok_or_else(|| io::Error::other("an order without its text"))?;
    let mut written = std::fs::File::from(written);
    let mut bytes = Vec::new();
    written.seek(SeekFrom::Start(0))?;
    written.read_to_end(&mut bytes)?;
    let order = Order::decode(&bytes).ok_or_else(|| io::Error::other("an order that cannot be read"))?;
    Ok(Some((order, descriptors.collect())))
}
