//! What a step's process gives up before it becomes the program: limits, capabilities, system calls, user.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};
use rustix::thread::{Gid, Uid};

use super::order::Order;
use super::seccomp::Identity;
use super::setup::{Failure, Tried};
use super::{output, profile, seccomp};
use crate::runtime::sys;

/// Reads the facts before there are steps: each would read them for itself.
pub(super) fn prepare() {
    let _kept = (profile::paths(), seccomp::program(Identity::Real));
}

/// Sets the limits that the step asked for.
pub(super) fn limit(order: &Order) -> Result<(), Failure> {
    for (number, soft, hard) in &order.limits {
        let known = RESOURCES.iter().find(|(_, own)| own == number);
        let Some((resource, _)) = known else { continue };
        let finite = |limit: u64| (limit != u64::MAX).then_some(limit);
        let limit = Rlimit { current: finite(*soft), maximum: finite(*hard) };
        setrlimit(*resource, limit).tried(format!("cannot set limit {number}"))?;
    }
    Ok(())
}

/// Bounds how many processes and threads there are in the step's process namespace. Call it before `/proc/sys` is
/// protected, after `/proc` is hung in.
pub(super) fn limit_processes(most: u64) -> Result<(), Failure> {
    // Since Linux 6.14 each process namespace has a bound of its own; before, this would be the machine's.
    if most == 0 || kernel() < (6, 14) {
        return Ok(());
    }
    // The kernel takes no less than its reserve and a few for each processor; the program itself is one.
    let least = 301 + 8 * std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    std::fs::write("/proc/sys/kernel/pid_max", most.saturating_add(1).clamp(least, 1 << 22).to_string())
        .tried("cannot limit the number of processes")
}

/// The kernel's version.
fn kernel() -> (u32, u32) {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Numbers of `sys/resource.h` that have the same meaning on every architecture this runs on.
const RESOURCES: [(Resource, u32); 16] = [
    (Resource::Cpu, 0),
    (Resource::Fsize, 1),
    (Resource::Data, 2),
    (Resource::Stack, 3),
    (Resource::Core, 4),
    (Resource::Rss, 5),
    (Resource::Nproc, 6),
    (Resource::Nofile, 7),
    (Resource::Memlock, 8),
    (Resource::As, 9),
    (Resource::Locks, 10),
    (Resource::Sigpending, 11),
    (Resource::Msgqueue, 12),
    (Resource::Nice, 13),
    (Resource::Rtprio, 14),
    (Resource::Rttime, 15),
];

/// Allows the system calls that Docker allows. What comes after it is among them. The build listens to the filter of a step
/// with assumed ids; where the kernel knows no listeners, or another one listens already, such calls are taken for done.
/// At `watcher` waits who traces the step.
fn filter(order: &Order, build: BorrowedFd<'_>, watcher: Option<OwnedFd>) -> Result<(), Failure> {
    if let Some(watcher) = watcher
        && let program @ [_, ..] = seccomp::program(Identity::Traced)
    {
        let listener = sys::notify::install_filter(program).tried("cannot trace the step")?;
        return output::hand_over(watcher.as_fd(), &listener).tried("cannot hand over the listener of the filter");
    }
    if order.owners_ignored
        && let program @ [_, ..] = seccomp::program(Identity::Assumed)
        && let Ok(listener) = sys::notify::install_filter(program)
    {
        return output::hand_over(build, &listener).tried("cannot hand over the listener of the filter");
    }
    let program = seccomp::program(if order.owners_ignored { Identity::Ignored } else { Identity::Real });
    if program.is_empty() {
        let none = Err(std::io::Error::from(std::io::ErrorKind::Unsupported));
        return none.tried("no system call filter is known for this processor, so only insecure steps can be executed");
    }
    sys::install_filter(program).tried("cannot install the system call filter")
}

/// Becomes the step's user, with no more rights than Docker grants. `build` is the socket on which the build waits, `watcher`
/// that of who traces the step.
pub(super) fn drop(order: &Order, build: BorrowedFd<'_>, watcher: Option<OwnedFd>) -> Result<(), Failure> {
    let granted = if order.insecure { CapabilitySet::all() } else { profile::capabilities() };
    for capability in CapabilitySet::all().difference(granted).iter() {
        // What this kernel does not know cannot be held.
        let _unknown = remove_capability_from_bounding_set(capability);
    }
    let _older = clear_ambient_capability_set();
    if !order.insecure {
        filter(order, build, watcher)?;
    }
    if let Some(groups) = &order.groups {
        let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
        set_thread_groups(&groups).tried("cannot set supplementary groups")?;
    }
    let (uid, gid) = (Uid::from_raw(order.user), Gid::from_raw(order.group));
    set_thread_res_gid(gid, gid, gid).tried(format!("cannot become group {}", order.group))?;
    set_thread_res_uid(uid, uid, uid).tried(format!("cannot become user {}", order.user))?;
    let held = if uid.is_root() { granted } else { CapabilitySet::empty() };
    let held = match rustix::thread::capabilities(None) {
        Ok(own) => held & own.permitted,
        Err(_) => held,
    };
    let sets = CapabilitySets { effective: held, permitted: held, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).tried("cannot give up capabilities")
}
