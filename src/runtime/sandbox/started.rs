//! A step that was started: waited for, killed, visited.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::time::Instant;

use rustix::net::{Shutdown, shutdown};

use super::groups::Groups;
use super::holder::Reply;
use super::order::Order;
use super::step::{Exit, Stream, Visit};
use super::stubs::Stubs;
use super::trace::Watch;
use super::{SandboxError, milliseconds, output};

/// A step that runs.
#[derive(Debug)]
pub struct Started {
    pub(super) channel: Channel,
    pub(super) order: Order,
    pub(super) start: Instant,
    pub(super) stubs: Stubs,
    pub(super) groups: Groups,
    pub(super) watch: Option<Watch>,
}

/// The way to a step that runs, for others than who waits for its end.
#[derive(Debug)]
pub struct Door {
    reply: OwnedFd,
    order: Order,
}

/// What comes from a step.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) reply: OwnedFd,
    /// Standard output and standard error.
    pub(super) streams: [OwnedFd; 2],
}

impl Channel {
    /// Passes on what is written, until the end.
    pub(super) fn pass_on(self, sink: &mut dyn FnMut(Stream, &[u8])) -> Option<Reply> {
        output::pass_on(self.streams, &self.reply, sink).and_then(|bytes| Reply::decode(&bytes))
    }
}

impl Started {
    /// The way to it.
    ///
    /// # Errors
    /// Fails where this process has no descriptors left.
    pub fn door(&self) -> io::Result<Door> {
        Ok(Door { reply: self.channel.reply.try_clone()?, order: self.order.clone() })
    }

    /// Waits for its end. `sink` gets what it writes, as it writes it.
    ///
    /// # Errors
    /// See [`SandboxError`].
    pub fn finish(self, sink: &mut dyn FnMut(Stream, &[u8])) -> Result<Exit, SandboxError> {
        let Self { channel, start, stubs, mut groups, watch, .. } = self;
        let reply = channel.pass_on(sink);
        stubs.remove();
        let exit = exit(reply, start, std::mem::take(&mut groups.not_granted))?;
        Ok(Exit { trace: watch.and_then(Watch::finish), ..exit })
    }
}

impl Door {
    /// Kills the step and all that runs inside of it. Who waits for its end hears of it.
    pub fn kill(&self) {
        // The holder takes it for a build that waits no longer.
        let _gone = shutdown(&self.reply, Shutdown::Write);
    }

    /// The order for a command inside.
    pub(super) fn order(&self, visit: &Visit) -> Order {
        Order {
            inside: self.order.number,
            arguments: visit.arguments.clone(),
            environment: visit.environment.clone(),
            directory: visit.directory.as_os_str().as_bytes().to_vec(),
            timeout: milliseconds(visit.timeout),
            attachments: Vec::new(),
            traced: false,
            ..self.order.clone()
        }
    }
}

/// How a step ended, from what the holder says.
pub(super) fn exit(reply: Option<Reply>, start: Instant, not_granted: Vec<String>) -> Result<Exit, SandboxError> {
    match reply {
        Some(Reply::Ended { outcome, max_rss, processor }) => {
            Ok(Exit { outcome, took: start.elapsed(), max_rss, processor, not_granted, trace: None })
        }
        Some(Reply::Failed { what }) => Err(SandboxError::Setup(what)),
        None => Err(SandboxError::Stopped),
    }
}
