//! What a step writes, passed on until it is over.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

use super::step::Stream;

/// Passes on both streams until the reply is there and they are empty, and returns the reply. A process that left the
/// sandbox's reach and still holds a stream does not keep us: with the reply, all that the step wrote is in the pipes.
pub(super) fn pass_on(streams: [OwnedFd; 2], reply: &OwnedFd, sink: &mut dyn FnMut(Stream, &[u8])) -> Option<Vec<u8>> {
    let mut open = streams.map(Some);
    let mut answer: Option<Option<Vec<u8>>> = None;
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
            let received = recv(reply, &mut buffer[..], RecvFlags::empty());
            answer = Some(received.ok().filter(|(length, _)| *length > 0).map(|(length, _)| buffer[..length].to_vec()));
        }
        if answer.is_some() && open.iter().all(Option::is_none) {
            return answer.flatten();
        }
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
