//! Assumed ids: what a step believes of its users where the build has one id.
//!
//! The kernel lets nobody there change owners or users. So those calls are not made: the filter asks, and a thread of the
//! build answers. It keeps the owners of files as attributes (they come out in the layer) and the users of processes in a
//! table: both are told to who asks. Where there is nothing to tell, the kernel makes the call. What a process makes after
//! it became somebody else is root's, and the kernel lets it do what root may.

mod call;
mod ids;
mod owner;

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::runtime::sys::notify::{self, Asked, Reply};
use call::{Call, Calls, FilePlace};
use ids::Table;
use owner::Place;

/// Answers for one step. It stops when it is dropped.
#[derive(Debug)]
pub(super) struct Assumed {
    thread: Option<JoinHandle<()>>,
    stop: Option<OwnedFd>,
}

impl Assumed {
    /// Starts to answer what comes from a listener.
    pub(super) fn start(listener: OwnedFd) -> io::Result<Self> {
        let (stopped, stop) = pipe_with(PipeFlags::CLOEXEC)?;
        let proc = openat(CWD, "/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        // Only a matter of speed.
        let _older = notify::take_turns(&listener);
        let serve = move || serve(&listener, &stopped, proc);
        let thread = std::thread::Builder::new().name("assumed ids".to_owned()).spawn(serve)?;
        Ok(Self { thread: Some(thread), stop: Some(stop) })
    }
}

impl Drop for Assumed {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A thread that panicked answers no more, and the step has heard so.
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(listener: &OwnedFd, stopped: &OwnedFd, proc: OwnedFd) {
    let calls = Calls::known();
    let mut answers = Answers { table: Table::default(), place: Place::new(proc) };
    loop {
        let mut waiting = [PollFd::new(listener, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        match poll(&mut waiting, None) {
            Err(Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        let (asks, stops) = (waiting[0].revents(), waiting[1].revents());
        if !stops.is_empty() {
            return;
        }
        if asks.contains(PollFlags::IN) {
            // Who asked may be gone before we look.
            let Ok(asked) = notify::receive(listener) else { continue };
            let reply = match calls.of(&asked) {
                Some(Call::Look { place, address, extended }) => {
                    answers.look(listener, &asked, &place, address, extended)
                }
                Some(call) => match answers.answer(listener, &asked, &call) {
                    Ok(value) => Reply::Value(value),
                    Err(error) => Reply::Error(error.raw_os_error()),
                },
                None => Reply::Error(Errno::NOSYS.raw_os_error()),
            };
            let _gone = notify::answer(listener, &asked, reply);
        } else if asks.intersects(PollFlags::HUP | PollFlags::ERR) {
            return;
        }
    }
}

/// What is known of the step.
struct Answers {
    table: Table,
    place: Place,
}

impl Answers {
    fn answer(&mut self, listener: &OwnedFd, asked: &Asked, call: &Call) -> Result<i64, Errno> {
        let pid = asked.pid;
        match call {
            Call::Own { place, user, group } => {
                let asks = self.ids(pid)?;
                let path = match place.path {
                    Some(address) => Some(text(pid, address)?),
                    None => None,
                };
                if !notify::still_waits(listener, asked) {
                    return Err(Errno::INTR);
                }
                self.place.own(pid, place, path.as_deref(), &asks, (*user, *group)).map(|()| 0)
            }
            Call::Change(change) => {
                let mut ids = self.ids(pid)?;
                let value = ids.change(*change)?;
                self.put(pid, ids)?;
                Ok(value)
            }
            Call::Ask(which) => Ok(self.ids(pid)?.tell(*which).into()),
            Call::AskAll { users, addresses, size } => {
                let ids = self.ids(pid)?;
                let all = if *users { ids.users() } else { ids.groups_of_process() };
                for (address, id) in addresses.iter().zip(all) {
                    write(pid, *address, &[id], *size)?;
                }
                Ok(0)
            }
            Call::SetGroups { count, address, size } => {
                let mut ids = self.ids(pid)?;
                ids.set_groups(read(pid, *address, *count, *size)?)?;
                self.put(pid, ids)?;
                Ok(0)
            }
            Call::Groups { count, address, size } => {
                let ids = self.ids(pid)?;
                let groups = ids.groups();
                if *count > 0 {
                    if groups.len() > *count as usize {
                        return Err(Errno::INVAL);
                    }
                    write(pid, *address, groups, *size)?;
                }
                Ok(i64::try_from(groups.len()).unwrap_or_default())
            }
            Call::Look { .. } => Err(Errno::NOSYS),
        }
    }

    /// Tells what a file is, if it is not root's; else the kernel does.
    fn look(
        &mut self,
        listener: &OwnedFd,
        asked: &Asked,
        place: &FilePlace,
        address: u64,
        extended: Option<(u64, u64)>,
    ) -> Reply {
        let pid = asked.pid;
        let path = match place.path.map(|address| text(pid, address)) {
            None => None,
            Some(Ok(path)) => Some(path),
            // The kernel says what is wrong with it.
            Some(Err(_)) => return Reply::Continue,
        };
        let Some(bytes) = self.place.look(pid, place, path.as_deref(), extended) else { return Reply::Continue };
        if !notify::still_waits(listener, asked) || notify::write_memory(pid, address, &bytes).is_err() {
            return Reply::Continue;
        }
        Reply::Value(0)
    }

    fn ids(&mut self, pid: u32) -> Result<ids::Ids, Errno> {
        let proc = self.place.proc();
        self.table.of(pid, &mut |pid| process(proc, pid)).ok_or(Errno::SRCH)
    }

    fn put(&mut self, pid: u32, ids: ids::Ids) -> Result<(), Errno> {
        let proc = self.place.proc();
        let process = process(proc, pid).ok_or(Errno::SRCH)?;
        self.table.put(pid, process.started, ids);
        Ok(())
    }
}

/// What the table wants to know of a thread.
fn process(proc: &OwnedFd, pid: u32) -> Option<ids::Process> {
    let read = |name: &str| -> Option<String> {
        let opened = openat(proc, format!("{pid}/{name}"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut text = Vec::new();
        File::from(opened).read_to_end(&mut text).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    };
    ids::Process::read(&read("status")?, &read("stat")?)
}

/// Most bytes of a path.
const LONGEST: usize = 4096;
/// A read that ends where memory does reads nothing; memory ends at multiples of this.
const PAGE: u64 = 4096;

/// The text that begins at an address of a process, with its zero byte left out.
fn text(pid: u32, address: u64) -> Result<Vec<u8>, Errno> {
    let mut text = Vec::new();
    let mut from = address;
    while text.len() < LONGEST {
        let mut piece = vec![0; (PAGE - from % PAGE) as usize];
        let count = notify::read_memory(pid, from, &mut piece).map_err(|_| Errno::FAULT)?;
        let piece = &piece[..count];
        if let Some(end) = piece.iter().position(|byte| *byte == 0) {
            text.extend_from_slice(&piece[..end]);
            return if text.len() < LONGEST { Ok(text) } else { Err(Errno::NAMETOOLONG) };
        }
        if piece.is_empty() {
            return Err(Errno::FAULT);
        }
        text.extend_from_slice(piece);
        from = from.checked_add(count as u64).ok_or(Errno::FAULT)?;
    }
    Err(Errno::NAMETOOLONG)
}

/// Reads ids of `size` bytes each.
fn read(pid: u32, address: u64, count: u32, size: usize) -> Result<Vec<u32>, Errno> {
    /// `NGROUPS_MAX` of `linux/limits.h`.
    const MOST: u32 = 65_536;
    if count > MOST {
        return Err(Errno::INVAL);
    }
    let mut bytes = vec![0; count as usize * size];
    let read =
        if bytes.is_empty() { 0 } else { notify::read_memory(pid, address, &mut bytes).map_err(|_| Errno::FAULT)? };
    if read < bytes.len() {
        return Err(Errno::FAULT);
    }
    Ok(bytes.chunks(size).map(|id| id.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))).collect())
}

/// Writes ids of `size` bytes each.
fn write(pid: u32, address: u64, ids: &[u32], size: usize) -> Result<(), Errno> {
    let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()[..size].to_vec()).collect();
    notify::write_memory(pid, address, &bytes).map_err(|_| Errno::FAULT)
}

/// The name of a descriptor of a process, relative to `/proc`.
fn descriptor(pid: u32, number: i32) -> String {
    format!("{pid}/fd/{number}")
}
