//! System calls that wait for somebody else's answer: the listener of a filter, and the memory of the process that asks.
//! Structures and numbers are those of `linux/seccomp.h`.
#![allow(unsafe_code, reason = "raw system calls; each block says why it is sound")]

use std::ffi::CStr;
use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::{Instruction, checked};

/// A system call that was asked for and not made yet.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What the answer names.
    pub(crate) id: u64,
    /// The thread, in the process namespace of the listener's reader.
    pub(crate) pid: u32,
    flags: u32,
    /// The call, in the numbers of its architecture.
    pub(crate) number: i32,
    /// `AUDIT_ARCH_…`.
    pub(crate) architecture: u32,
    instruction: u64,
    /// Its arguments.
    pub(crate) arguments: [u64; 6],
}

#[repr(C)]
struct Answer {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

/// `SECCOMP_IOCTL_NOTIF_…`.
const RECEIVE: libc::c_ulong = 0xc050_2100;
const SEND: libc::c_ulong = 0xc018_2101;
const IS_VALID: libc::c_ulong = 0x4008_2102;
const SET_FLAGS: libc::c_ulong = 0x4008_2104;
/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE`.
const CONTINUE: u32 = 1;
/// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`.
const ON_ONE_PROCESSOR: u64 = 1;

/// Puts a filter on the process as [`super::install_filter`] does, and gives the listener of the calls that it asks about.
pub(crate) fn install_filter(program: &[Instruction]) -> io::Result<OwnedFd> {
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // Before Linux 5.19 signals interrupt a call that waits, which then begins anew.
    let calm = super::filter(program, flags | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    let listener = calm.or_else(|_| super::filter(program, flags))?;
    let listener = RawFd::try_from(listener).map_err(|_| io::Error::other("no descriptor"))?;
    // SAFETY: the kernel just gave this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(listener) })
}

/// Lets who asks and who answers take turns on one processor, where the kernel (6.6) can: that is much faster.
pub(crate) fn take_turns(listener: impl AsFd) -> io::Result<()> {
    // SAFETY: the argument is a number, not a pointer.
    checked(unsafe { libc::ioctl(listener.as_fd().as_raw_fd(), SET_FLAGS as _, ON_ONE_PROCESSOR) }.into()).map(drop)
}

/// The next call; waits for it. `NotFound`: who asked is gone.
pub(crate) fn receive(listener: impl AsFd) -> io::Result<Asked> {
    let mut asked = Asked::default();
    // SAFETY: the kernel writes one structure, whose bytes are zero before as it wants them.
    checked(unsafe { libc::ioctl(listener.as_fd().as_raw_fd(), RECEIVE as _, &raw mut asked) }.into())?;
    Ok(asked)
}

/// Whether who asked still waits, so that its number does not mean another process by now.
pub(crate) fn still_waits(listener: impl AsFd, asked: &Asked) -> bool {
    // SAFETY: the kernel reads one number.
    let done = unsafe { libc::ioctl(listener.as_fd().as_raw_fd(), IS_VALID as _, &raw const asked.id) };
    done == 0
}

/// What is answered to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It returns this, and is not made.
    Value(i64),
    /// It fails with the error of this number.
    Error(i32),
    /// The kernel shall make it.
    Continue,
}

/// Answers a call.
pub(crate) fn answer(listener: impl AsFd, asked: &Asked, reply: Reply) -> io::Result<()> {
    let (value, error, flags) = match reply {
        Reply::Value(value) => (value, 0, 0),
        Reply::Error(error) => (0, -error, 0),
        Reply::Continue => (0, 0, CONTINUE),
    };
    let answer = Answer { id: asked.id, value, error, flags };
    // SAFETY: the kernel reads one structure, which lives until the call is over.
    checked(unsafe { libc::ioctl(listener.as_fd().as_raw_fd(), SEND as _, &raw const answer) }.into()).map(drop)
}

/// What the kernel tells of a file, as the bytes that it would write for a process, with another owner. `extended` are
/// the flags and the mask of `statx`; without them it is `stat`, on architectures of 64 bits.
pub(crate) fn described(
    path: &CStr,
    follows: bool,
    extended: Option<(u64, u64)>,
    owner: (u32, u32),
) -> io::Result<Vec<u8>> {
    let link = if follows { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    let (size, user, group) = match extended {
        Some(_) => (size_of::<libc::statx>(), offset_of!(libc::statx, stx_uid), offset_of!(libc::statx, stx_gid)),
        None => (size_of::<libc::stat>(), offset_of!(libc::stat, st_uid), offset_of!(libc::stat, st_gid)),
    };
    let mut bytes = vec![0u8; size];
    let (name, to) = (path.as_ptr(), bytes.as_mut_ptr());
    let done = match extended {
        Some((flags, mask)) => {
            let flags = (flags as libc::c_int & libc::AT_STATX_SYNC_TYPE) | link;
            // SAFETY: the kernel reads the path and writes one `statx`, as many bytes as there are.
            unsafe { libc::syscall(libc::SYS_statx, libc::AT_FDCWD, name, flags, mask as libc::c_uint, to) }
        }
        #[cfg(target_pointer_width = "64")]
        // SAFETY: the kernel reads the path and writes one `stat`, as many bytes as there are.
        None => unsafe { libc::syscall(libc::SYS_newfstatat, libc::AT_FDCWD, name, to, link) },
        #[cfg(not(target_pointer_width = "64"))]
        None => return Err(io::ErrorKind::Unsupported.into()),
    };
    checked(done)?;
    bytes[user..user + 4].copy_from_slice(&owner.0.to_ne_bytes());
    bytes[group..group + 4].copy_from_slice(&owner.1.to_ne_bytes());
    Ok(bytes)
}

/// Reads the memory of a process from an address on; gives how much could be read.
pub(crate) fn read_memory(pid: u32, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let own = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let theirs = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: buffer.len() };
    // SAFETY: the kernel writes no more than the buffer holds, and verifies the other process's addresses.
    let done = unsafe { libc::process_vm_readv(pid.cast_signed(), &raw const own, 1, &raw const theirs, 1, 0) };
    checked(done as libc::c_long).map(|count| usize::try_from(count).unwrap_or_default())
}

/// Writes into the memory of a process.
pub(crate) fn write_memory(pid: u32, address: u64, bytes: &[u8]) -> io::Result<()> {
    let own = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let theirs = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes.len() };
    // SAFETY: the kernel only reads our bytes, and verifies the other process's addresses.
    let done = unsafe { libc::process_vm_writev(pid.cast_signed(), &raw const own, 1, &raw const theirs, 1, 0) };
    let written = checked(done as libc::c_long)?;
    if usize::try_from(written) == Ok(bytes.len()) { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}
