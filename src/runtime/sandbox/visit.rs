//! A command inside of a step that runs: in its tree, among its processes, with its network and its rights, as
//! `docker exec` has it.

use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{setsid, umask};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use super::order::Order;
use super::program::Program;
use super::rights;
use super::setup::{self, Failure, Tried};
use crate::runtime::sys::{self, Forked};

/// What a process returns that a signal has killed, as shells have it: this and the signal's number.
const KILLED: i32 = 128;

/// Becomes a process that waits for the program and returns what it returns. Comes back only where there is no program,
/// and in the process that was to be it.
pub(super) fn become_program(host: &OwnedFd, order: &Order, streams: &[OwnedFd; 3], build: &OwnedFd) -> Failure {
    match prepare(host, order, streams, build) {
        Ok(program) => program.start(),
        Err(failure) => failure,
    }
}

fn prepare(host: &OwnedFd, order: &Order, streams: &[OwnedFd; 3], build: &OwnedFd) -> Result<Program, Failure> {
    join(host, ThreadNameSpaceType::PROCESS_ID)?;
    let forked = sys::fork(0).tried("cannot make a process inside of the container")?;
    if let Forked::Parent(child) = forked {
        let ended = sys::wait(child.pid);
        sys::end_now(ended.map_or(KILLED, |ended| ended.code.unwrap_or(KILLED + ended.signal.unwrap_or_default())))
    }
    umask(setup::MASK);
    setsid().tried("cannot start a session")?;
    setup::join_groups(order)?;
    setup::take_streams(order, streams)?;
    let mut others = ThreadNameSpaceType::MOUNT
        | ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION
        | ThreadNameSpaceType::HOST_NAME_AND_NIS_DOMAIN_NAME;
    // The machine's network is everybody's, and need not be entered.
    others.set(ThreadNameSpaceType::NETWORK, order.offline);
    join(host, others)?;
    rights::limit(order)?;
    setup::finish(order, build)
}

fn join(host: &OwnedFd, namespaces: ThreadNameSpaceType) -> Result<(), Failure> {
    move_into_thread_name_spaces(host.as_fd(), namespaces).tried("cannot enter the container")
}
