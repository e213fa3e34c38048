//! The thread that answers for the system calls of a traced step.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat2, readlink};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::calls::{self, Call, Does};
use super::{Touch, Trace};
use crate::runtime::sys::notify::{self, Asked, Reply};

/// Bytes of the longest path that the kernel takes.
const LONGEST: usize = 4096;
/// Bytes of memory that the kernel hands out at once; a string is read up to such a border.
const PAGE: u64 = 4096;
/// Paths that are kept at most.
const MOST: usize = 1 << 20;
/// Characters of a command line that are kept.
const SHOWN: usize = 80;

/// `AT_…` of `linux/fcntl.h`.
const AT_FDCWD: i32 = -100;
const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
const AT_EMPTY_PATH: u64 = 0x1000;

/// What the kernel makes up: no files of the tree.
const MADE_UP: [&str; 3] = ["/proc", "/sys", "/dev"];

/// A step that is watched.
#[derive(Debug)]
pub(in crate::runtime::sandbox) struct Watch(JoinHandle<Trace>);

impl Watch {
    /// Waits at `socket` for the listener of a step whose tree this is, and watches it to its end.
    pub(in crate::runtime::sandbox) fn start(socket: OwnedFd, root: OwnedFd) -> io::Result<Self> {
        let watching = move || {
            let mut watcher = Watcher { root, trace: Trace::default(), programs: HashMap::new() };
            // A step that never began has none.
            if let Some(listener) = receive(&socket) {
                drop(socket);
                watcher.watch(&listener);
            }
            watcher.trace
        };
        thread::Builder::new().name("trace".to_owned()).spawn(watching).map(Self)
    }

    /// What was seen, once the step has ended.
    pub(in crate::runtime::sandbox) fn finish(self) -> Option<Trace> {
        self.0.join().ok()
    }
}

/// The descriptor that is sent through a socket.
fn receive(socket: &OwnedFd) -> Option<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received =
        recvmsg(socket, &mut [io::IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC).ok()?;
    let mut sent = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(rights) => rights.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    sent.next().filter(|_| received.bytes > 0)
}

struct Watcher {
    root: OwnedFd,
    trace: Trace,
    /// By thread: the index of its program.
    programs: HashMap<u32, usize>,
}

/// Where a name leads.
struct Found {
    path: String,
    is_there: bool,
    is_directory: bool,
}

impl Watcher {
    fn watch(&mut self, listener: &OwnedFd) {
        // Only slower without.
        let _older = notify::take_turns(listener);
        loop {
            let mut waiting = [PollFd::new(listener, PollFlags::IN)];
            match poll(&mut waiting, None) {
                Err(Errno::INTR) => continue,
                Err(_) => return,
                Ok(_) => {}
            }
            if !waiting[0].revents().contains(PollFlags::IN) {
                // Nobody is left who could ask.
                return;
            }
            // A call is gone where its process was killed.
            let Ok(asked) = notify::receive(listener) else { continue };
            self.trace.calls += 1;
            self.note(&asked);
            let _gone = notify::answer(listener, &asked, Reply::Continue);
        }
    }

    fn note(&mut self, asked: &Asked) {
        for call in calls::about(asked.architecture, asked.number.cast_unsigned()) {
            match self.touch(asked, call) {
                Ok(Some((found, how))) => self.record(asked, found, &how),
                Ok(None) => {}
                Err(_) => self.trace.lost += 1,
            }
        }
    }

    /// What the call does, and to which path; nothing where it is about no file of the tree.
    fn touch(&self, asked: &Asked, call: &Call) -> io::Result<Option<(Found, Vec<Touch>)>> {
        if call.does == Does::Lose {
            return Err(io::Error::other("names mean something else from now on"));
        }
        let argument = |index: usize| asked.arguments.get(index).copied().unwrap_or_default();
        let flags = match (call.flags, call.how) {
            (Some(index), _) => OFlags::from_bits_retain(argument(index) as u32),
            (_, Some(index)) => {
                let mut word = [0; 8];
                notify::read_memory(asked.pid, argument(index), &mut word)?;
                OFlags::from_bits_retain(u64::from_ne_bytes(word) as u32)
            }
            _ => OFlags::empty(),
        };
        let at = call.at.map_or(0, argument);
        let name = call.path.map(|index| string(asked.pid, argument(index))).transpose()?.unwrap_or_default();
        let directory = call.directory.map_or(AT_FDCWD, |index| argument(index) as i32);
        if name.is_empty() && (call.path.is_none() || at & AT_EMPTY_PATH != 0) {
            // Of a file that is open already, it matters only what is done to it.
            if call.does == Does::Test {
                return Ok(None);
            }
            return Ok(self.opened(asked.pid, directory)?.map(|found| (found, touches(call.does, flags))));
        }
        if name.is_empty() {
            return Ok(None);
        }
        let stays = call.link || at & AT_SYMLINK_NOFOLLOW != 0 || flags.contains(OFlags::NOFOLLOW);
        let found = self.resolve(asked.pid, directory, &name, stays)?;
        Ok(found.map(|found| {
            let mut how = touches(call.does, flags);
            // To open a directory is not yet to read its names.
            if found.is_directory && how == [Touch::Read] {
                how = vec![Touch::Test];
            }
            (found, how)
        }))
    }

    /// The file at a descriptor.
    fn opened(&self, thread: u32, descriptor: i32) -> io::Result<Option<Found>> {
        let Some(path) = base(thread, descriptor)? else { return Ok(None) };
        self.resolve(thread, AT_FDCWD, &path, true)
    }

    /// Follows a name to the path that it leads to in the tree.
    fn resolve(&self, thread: u32, directory: i32, name: &str, stays: bool) -> io::Result<Option<Found>> {
        let full = if name.starts_with('/') {
            name.to_owned()
        } else {
            let Some(base) = base(thread, directory)? else { return Ok(None) };
            format!("{base}/{name}")
        };
        if is_made_up(&full) {
            // What leads back from there into the tree cannot be told.
            let leads_back = full.starts_with("/proc/") && (full.contains("/cwd/") || full.contains("/root/"));
            return if leads_back { Err(io::Error::other("a path through /proc")) } else { Ok(None) };
        }
        let mut flags = OFlags::PATH | OFlags::CLOEXEC;
        flags.set(OFlags::NOFOLLOW, stays);
        let (mut known, mut rest) = (full.as_str(), String::new());
        loop {
            let how = if rest.is_empty() { flags } else { OFlags::PATH | OFlags::CLOEXEC };
            match openat2(&self.root, known, how, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS) {
                Ok(opened) => return found(&opened, &rest),
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(error) => return Err(error.into()),
            }
            // What is not there stands below the last directory that is.
            let trimmed = known.trim_end_matches('/');
            let Some((parent, last)) = trimmed.rsplit_once('/') else {
                return Err(io::Error::other("no directory on the way"));
            };
            rest = format!("/{last}{rest}");
            known = if parent.is_empty() { "/" } else { parent };
        }
    }

    fn record(&mut self, asked: &Asked, found: Found, how: &[Touch]) {
        if is_made_up(&found.path) {
            return;
        }
        let program = self.program(asked.pid);
        if how.contains(&Touch::Read)
            && calls::about(asked.architecture, asked.number.cast_unsigned())
                .iter()
                .any(|call| call.does == Does::Execute)
        {
            // It becomes another program.
            self.programs.remove(&asked.pid);
        }
        if self.trace.paths.len() >= MOST && !self.trace.paths.contains_key(&found.path) {
            self.trace.lost += 1;
            return;
        }
        let is_there = found.is_there;
        let touched = self
            .trace
            .paths
            .entry(found.path)
            .or_insert_with(|| super::Touched { was_there: is_there, ..super::Touched::default() });
        touched.how.extend(how);
        touched.by.insert(program);
    }

    /// The index of the program that a thread executes.
    fn program(&mut self, thread: u32) -> usize {
        if let Some(known) = self.programs.get(&thread) {
            return *known;
        }
        let line = std::fs::read(format!("/proc/{thread}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).trim_end_matches('\0').replace(['\0', '\n'], " ");
        let line: String = line.chars().take(SHOWN).collect();
        let known = self.trace.programs.iter().position(|program| *program == line);
        let index = known.unwrap_or_else(|| {
            self.trace.programs.push(line);
            self.trace.programs.len() - 1
        });
        self.programs.insert(thread, index);
        index
    }
}

fn found(opened: &OwnedFd, rest: &str) -> io::Result<Option<Found>> {
    let Some(path) = link(&format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&opened.as_fd())))? else {
        return Ok(None);
    };
    let is_directory = rest.is_empty() && FileType::from_raw_mode(fstat(opened)?.st_mode) == FileType::Directory;
    let path = if rest.is_empty() { path } else { format!("{}{rest}", path.trim_end_matches('/')) };
    Ok(Some(Found { path: path.replace("//", "/"), is_there: rest.is_empty(), is_directory }))
}

/// What a call does.
fn touches(does: Does, flags: OFlags) -> Vec<Touch> {
    match does {
        Does::Open if flags.contains(OFlags::PATH) => vec![Touch::Test],
        Does::Open => {
            let access = flags & OFlags::ACCMODE;
            let writes = access == OFlags::WRONLY || access == OFlags::RDWR;
            let writes = writes || flags.intersects(OFlags::CREATE | OFlags::TRUNC);
            let mut how = if writes { vec![Touch::Write] } else { Vec::new() };
            how.extend((access != OFlags::WRONLY).then_some(Touch::Read));
            how
        }
        Does::Write => vec![Touch::Write],
        Does::Rename => vec![Touch::Rename],
        Does::Delete => vec![Touch::Delete],
        Does::Change => vec![Touch::Change],
        Does::List => vec![Touch::List],
        Does::Test | Does::Lose => vec![Touch::Test],
        Does::Execute => vec![Touch::Read],
    }
}

/// The path of a thread's working directory or open file; nothing where it has no name in the tree.
fn base(thread: u32, descriptor: i32) -> io::Result<Option<String>> {
    link(&if descriptor == AT_FDCWD {
        format!("/proc/{thread}/cwd")
    } else {
        format!("/proc/{thread}/fd/{descriptor}")
    })
}

fn link(path: &str) -> io::Result<Option<String>> {
    let target = match readlink(path, Vec::new()) {
        Ok(target) => target,
        // The call will fail as well.
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let target = target.into_string().map_err(|_| io::Error::other("a name that is no text"))?;
    Ok(Some(target).filter(|target| target.starts_with('/') && !target.ends_with(" (deleted)")))
}

fn is_made_up(path: &str) -> bool {
    MADE_UP.iter().any(|top| path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// The string at an address of another process.
fn string(thread: u32, address: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut from = address;
    while bytes.len() < LONGEST {
        let mut piece = [0; PAGE as usize];
        let length = (PAGE - from % PAGE).min((LONGEST - bytes.len()) as u64) as usize;
        let read = notify::read_memory(thread, from, &mut piece[..length])?;
        let piece = &piece[..read];
        if let Some(end) = piece.iter().position(|byte| *byte == 0) {
            bytes.extend_from_slice(&piece[..end]);
            return String::from_utf8(bytes).map_err(|_| io::Error::other("a name that is no text"));
        }
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(piece);
        from += read as u64;
    }
    Err(io::Error::other("no string"))
}
