//! A step that runs: made, watched, killed when its time is over or nobody waits for it, and reported.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::net::{SendFlags, send};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::Reply;
use crate::runtime::sandbox::order::{FIXED, Order};
use crate::runtime::sandbox::setup::{self, Belongings, Failure};
use crate::runtime::sandbox::step::Outcome;
use crate::runtime::sandbox::visit;
use crate::runtime::sys::{self, Child, Forked};

/// A step and what is watched of it.
#[derive(Debug)]
pub(super) struct Running {
    number: u64,
    child: Child,
    /// Where the build waits.
    reply: OwnedFd,
    /// What the process says before it becomes the program.
    said: File,
    deadline: Option<Instant>,
    timed_out: bool,
    killed: bool,
}

impl Running {
    /// Makes the process. What fails is told to the build at once.
    pub(super) fn start(order: &Order, descriptors: Vec<OwnedFd>, others: &[Self]) -> Option<Self> {
        if descriptors.len() + usize::from(order.inside != 0) < FIXED {
            return None;
        }
        let mut descriptors = descriptors.into_iter();
        let reply = descriptors.next()?;
        let made = if order.inside == 0 {
            Self::make(order, &reply, descriptors)
        } else {
            let host = others.iter().find(|other| other.number == order.inside);
            let host = host.ok_or_else(|| io::Error::other("what it was to run in has ended"));
            host.and_then(|host| Self::make_inside(&host.child.pidfd, order, &reply, descriptors))
        };
        match made {
            Ok((child, said)) => {
                let timeout = (order.timeout > 0).then(|| Duration::from_millis(order.timeout));
                let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                Some(Self { number: order.number, child, reply, said, deadline, timed_out: false, killed: false })
            }
            Err(error) => {
                tell(&reply, &Reply::Failed { what: format!("cannot make the step's process: {error}") });
                None
            }
        }
    }

    fn make(
        order: &Order,
        reply: &OwnedFd,
        mut descriptors: impl Iterator<Item = OwnedFd>,
    ) -> io::Result<(Child, File)> {
        let build = reply.try_clone()?;
        let streams = streams(&mut descriptors)?;
        let root = next(&mut descriptors)?;
        let watcher = if order.traced { Some(next(&mut descriptors)?) } else { None };
        let (said, say) = pipe_with(PipeFlags::CLOEXEC)?;
        match sys::fork(namespaces(order))? {
            Forked::Parent(child) => Ok((child, said.into())),
            Forked::Child => {
                let belongings = Belongings { root, streams, watcher, mounts: descriptors.collect(), build };
                give_up(say, setup::become_program(order, belongings))
            }
        }
    }

    /// Makes a process among those of another step. Only what is made by a process that has entered the namespace of
    /// processes is in it, so one in between does that, hands over its child and ends.
    fn make_inside(
        host: &OwnedFd,
        order: &Order,
        reply: &OwnedFd,
        mut descriptors: impl Iterator<Item = OwnedFd>,
    ) -> io::Result<(Child, File)> {
        let streams = streams(&mut descriptors)?;
        let (said, say) = pipe_with(PipeFlags::CLOEXEC)?;
        let (made, tell) = pipe_with(PipeFlags::CLOEXEC)?;
        let between = match sys::fork(0)? {
            Forked::Parent(between) => between,
            Forked::Child => give_up(say, visit::become_program(host, order, &streams, (reply, tell))),
        };
        drop((say, tell));
        let mut said = File::from(said);
        let mut number = [0; 4];
        let told = File::from(made).read_exact(&mut number);
        sys::wait(between.pid)?;
        let number = i32::from_ne_bytes(number);
        let Some(pid) = Pid::from_raw(number).filter(|_| told.is_ok()) else {
            let mut reason = Vec::new();
            said.read_to_end(&mut reason)?;
            return Err(io::Error::other(match Reply::decode(&reason) {
                Some(Reply::Failed { what }) => what,
                _ => "nobody was made".to_owned(),
            }));
        };
        // It is our child, so its number stays its own until we wait for it.
        Ok((Child { pid: number, pidfd: pidfd_open(pid, PidfdFlags::empty())? }, said))
    }

    /// What to wait for: its end, and the build's.
    pub(super) fn waiting(&self) -> Vec<PollFd<'_>> {
        let mut waiting = vec![PollFd::new(&self.child.pidfd, PollFlags::IN)];
        if !self.killed {
            waiting.push(PollFd::new(&self.reply, PollFlags::RDHUP));
        }
        waiting
    }

    /// When its time is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Looks what became of it. True when it is over and reported.
    pub(super) fn settle(&mut self) -> bool {
        let [ended, abandoned] = self.ready();
        if !ended {
            let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if late || abandoned {
                self.timed_out |= late;
                self.deadline = None;
                self.killed = true;
                // Process 1 of its namespace: everything in there dies with it.
                let _dead = pidfd_send_signal(&self.child.pidfd, Signal::KILL);
            }
            return false;
        }
        let reply = self.end().unwrap_or_else(|error| Reply::Failed { what: format!("the step is lost: {error}") });
        tell(&self.reply, &reply);
        true
    }

    fn ready(&self) -> [bool; 2] {
        let mut waiting = self.waiting();
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let _interrupted = poll(&mut waiting, Some(&now));
        let mut ready = waiting.iter().map(|one| !one.revents().is_empty());
        [ready.next() == Some(true), ready.next() == Some(true)]
    }

    /// How it ended.
    fn end(&mut self) -> io::Result<Reply> {
        let ended = sys::wait(self.child.pid)?;
        let mut said = Vec::new();
        self.said.read_to_end(&mut said)?;
        if let Some(reply) = Reply::decode(&said) {
            return Ok(reply);
        }
        let outcome = match (self.timed_out, ended.code, ended.signal) {
            (true, _, _) => Outcome::TimedOut,
            (_, Some(code), _) => Outcome::Code(code),
            (_, _, signal) => Outcome::Signal(signal.unwrap_or_default()),
        };
        Ok(Reply::Ended { outcome, max_rss: ended.max_rss, processor: ended.processor })
    }
}

/// Standard input, output and error.
fn streams(descriptors: &mut impl Iterator<Item = OwnedFd>) -> io::Result<[OwnedFd; 3]> {
    let input = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    Ok([input, next(descriptors)?, next(descriptors)?])
}

fn next(descriptors: &mut impl Iterator<Item = OwnedFd>) -> io::Result<OwnedFd> {
    descriptors.next().ok_or_else(|| io::Error::other("a descriptor is missing"))
}

/// Says why there is no program, and ends.
fn give_up(say: OwnedFd, failure: Failure) -> ! {
    let _nobody = File::from(say).write_all(&reply_of(failure).encode());
    sys::end_now(127)
}

/// The namespaces of a step.
fn namespaces(order: &Order) -> u64 {
    let always = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    let network = if order.offline { libc::CLONE_NEWNET } else { 0 };
    u64::from((always | network).cast_unsigned())
}

fn reply_of(failure: Failure) -> Reply {
    match failure {
        Failure::Setup { what, source } => Reply::Failed { what: format!("{what}: {source}") },
        Failure::Program { code, message } => {
            Reply::Ended { outcome: Outcome::NotStarted { code, message }, max_rss: 0, processor: Duration::ZERO }
        }
    }
}

fn tell(to: &OwnedFd, reply: &Reply) {
    // The build may have stopped waiting.
    let _gone = send(to, &reply.encode(), SendFlags::NOSIGNAL);
}
