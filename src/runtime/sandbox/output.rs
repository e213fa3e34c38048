//! What a step writes, passed on until it is over; and the one thing that it hands over itself, the listener of its filter.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use super::assumed::Assumed;
use super::step::Stream;

/// Passes on both streams until the reply is there and they are empty, and returns the reply. A process that left the
/// sandbox's reach and still holds a stream does not keep us: with the reply, all that the step wrote is in the pipes.
pub(super) fn pass_on(streams: [OwnedFd; 2], reply: &OwnedFd, sink: &mut dyn FnMut(Stream, &[u8])) -> Option<Vec<u8>> {
    let mut open = streams.map(Some);
    let mut answer: Option<Option<Vec<u8>>> = None;
    // They answer until this function is left.
    let mut answering: Vec<Assumed> = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let mut waiting: Vec<PollFd<'_>> =
            open.iter().flatten().map(|stream| PollFd::new(stream, PollFlags::IN)).collect();
        if answer.is_none() {
            waiting.push(PollFd::new(reply, PollFlags::IN));
        }
        let patience = answer.is_some().then_some(Timespec { tv_sec: 0, tv_nsec: 0 });
        let ready = match poll(&mut waiting, patience.as_ref()) {
            Err(Errno::INTR) => continue,
            Err(_) => return answer.flatten(),
            Ok(ready) => ready,
        };
        if ready == 0 {
            return answer.flatten();
        }
        let events: Vec<bool> = waiting.iter().map(|one| !one.revents().is_empty()).collect();
        let mut events = events.into_iter();
        for (stream, kind) in open.iter_mut().zip([Stream::Output, Stream::Error]) {
            let readable = stream.is_some() && events.next() == Some(true);
            if readable && !read_some(stream.as_ref(), kind, &mut buffer, sink) {
                *stream = None;
            }
        }
        if answer.is_none() && events.next() == Some(true) {
            match receive(reply, &mut buffer) {
                // Without answers, its calls fail.
                Received::Listener(listener) => answering.extend(Assumed::start(listener)),
                Received::Reply(reply) => answer = Some(reply),
            }
        }
        if answer.is_some() && open.iter().all(Option::is_none) {
            return answer.flatten();
        }
    }
}

/// Hands the listener of a step's filter to the build.
pub(super) fn hand_over(build: BorrowedFd<'_>, listener: &OwnedFd) -> io::Result<()> {
    let descriptors = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(build, &[IoSlice::new(b"l")], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// What came from the step's side.
enum Received {
    Listener(OwnedFd),
    /// `None`: nothing more will come.
    Reply(Option<Vec<u8>>),
}

fn receive(reply: &OwnedFd, buffer: &mut [u8]) -> Received {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(reply, &mut [IoSliceMut::new(buffer)], &mut ancillary, RecvFlags::CMSG_CLOEXEC);
    let Ok(received) = received else { return Received::Reply(None) };
    let listener = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
        _ => None,
    });
    match listener {
        Some(listener) => Received::Listener(listener),
        None => Received::Reply((received.bytes > 0).then(|| buffer[..received.bytes].to_vec())),
    }
}

/// Reads once. False when the stream has ended.
fn read_some(stream: Option<&OwnedFd>, kind: Stream, buffer: &mut [u8], sink: &mut dyn FnMut(Stream, &[u8])) -> bool {
    let Some(stream) = stream else { return false };
    match rustix::io::read(stream, &mut *buffer) {
        Ok(0) => false,
        Ok(length) => {
            sink(kind, &buffer[..length]);
            true
        }
        Err(Errno::INTR) => true,
        Err(_) => false,
    }
}
