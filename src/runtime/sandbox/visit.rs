//! A command inside of a step that runs: in its tree, among its processes, with its network and its rights, as
//! `docker exec` has it.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{setsid, umask};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use super::order::Order;
use super::program::Program;
use super::rights;
use super::setup::{self, Failure, Tried};
use crate::runtime::sys::{self, Forked};

/// Enters the step and makes a process there, which becomes the program; who called this ends, after it has told the
/// number of the process to `tell`. `build` is where the build waits. Comes back only where there is no program.
pub(super) fn become_program(
    host: &OwnedFd,
    order: &Order,
    streams: &[OwnedFd; 3],
    (build, tell): (&OwnedFd, OwnedFd),
) -> Failure {
    match prepare(host, order, streams, (build, tell)) {
        Ok(program) => program.start(),
        Err(failure) => failure,
    }
}

fn prepare(
    host: &OwnedFd,
    order: &Order,
    streams: &[OwnedFd; 3],
    (build, tell): (&OwnedFd, OwnedFd),
) -> Result<Program, Failure> {
    join(host, ThreadNameSpaceType::PROCESS_ID)?;
    let forked = sys::fork(libc::CLONE_PARENT as u64).tried("cannot make a process inside of the container")?;
    if let Forked::Parent(child) = forked {
        let told = File::from(tell).write_all(&child.pid.to_ne_bytes());
        sys::end_now(i32::from(told.is_err()));
    }
    drop(tell);
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
    setup::finish(order, build, None)
}

fn join(host: &OwnedFd, namespaces: ThreadNameSpaceType) -> Result<(), Failure> {
    move_into_thread_name_spaces(host.as_fd(), namespaces).tried("cannot enter the container")
}
