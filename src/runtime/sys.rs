//! System calls that neither the standard library nor rustix offers in a safe form. The only unsafe code of the crate:
//! every function here is safe to call, or says what the caller owes it.
#![allow(unsafe_code, reason = "raw system calls; each block says why it is sound")]

pub(crate) mod notify;

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

use rustix::thread::UnshareFlags;

/// One instruction of a classic BPF program (`struct sock_filter` of `linux/filter.h`).
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// The operation, as `BPF_…` of `linux/bpf_common.h` or-ed together.
    pub(crate) code: u16,
    /// How many instructions to skip when the comparison holds.
    pub(crate) then: u8,
    /// How many instructions to skip when it does not.
    pub(crate) otherwise: u8,
    /// The operand.
    pub(crate) operand: u32,
}

/// The two sides of [`fork`].
#[derive(Debug)]
pub(crate) enum Forked {
    /// This is the new process.
    Child,
    /// This is the old one, and here is the new one.
    Parent(Child),
}

/// A process that [`fork`] made.
#[derive(Debug)]
pub(crate) struct Child {
    /// Its number in the caller's process namespace.
    pub(crate) pid: i32,
    /// Becomes readable when it has ended.
    pub(crate) pidfd: OwnedFd,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// What it returned, if it returned.
    pub(crate) code: Option<i32>,
    /// The signal that killed it, if one did.
    pub(crate) signal: Option<i32>,
    /// The most memory that it or one of its waited-for children held at once, in bytes.
    pub(crate) max_rss: u64,
    /// Processor time of it and of its waited-for children, in user and kernel mode together.
    pub(crate) processor: Duration,
}

/// `struct clone_args` of `linux/sched.h`, up to the members this crate sets.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

/// `struct mount_attr` of `linux/mount.h`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

/// What a call returned: negative is an error, and `errno` says which.
fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Gives the calling process namespaces of its own; open files stay as they are.
///
/// A new user namespace needs a process of one thread; in one of more, the others keep what they had.
pub(crate) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    debug_assert!(!flags.contains(UnshareFlags::FILES), "would close files under other threads");
    // SAFETY: unsound only with `CLONE_FILES`, which takes files away from their owners.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(io::Error::from)
}

/// Copies the process into new namespaces, given as `CLONE_NEW…` or-ed together, or 0. With `CLONE_PARENT` the copy is no
/// child of this process, but one of this one's parent.
///
/// # Errors
/// Fails in a process of more than one thread: locks that another thread holds would stay locked in the copy.
pub(crate) fn fork(namespaces: u64) -> io::Result<Forked> {
    if threads()? != 1 {
        return Err(io::Error::other("only a process of one thread can be copied"));
    }
    let mut pidfd: RawFd = -1;
    let arguments = CloneArgs {
        flags: namespaces | libc::CLONE_PIDFD as u64,
        pidfd: ptr::from_mut(&mut pidfd) as u64,
        // The kernel takes that of this process where the copy belongs to its parent.
        exit_signal: if namespaces & libc::CLONE_PARENT as u64 == 0 { libc::SIGCHLD as u64 } else { 0 },
        ..CloneArgs::default()
    };
    // SAFETY: without `CLONE_VM` the child has a copy of the memory, and without other threads a consistent one. The
    // kernel writes one descriptor to `pidfd`, which outlives the call.
    let pid = checked(unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<CloneArgs>()) })?;
    if pid == 0 {
        return Ok(Forked::Child);
    }
    // SAFETY: the kernel made this descriptor for us a moment ago.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Forked::Parent(Child { pid: pid as i32, pidfd }))
}

/// How many threads the process has.
pub(crate) fn threads() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

/// Ends the process at once, without running what is registered for its end.
pub(crate) fn end_now(code: i32) -> ! {
    // SAFETY: takes no memory and does not return.
    unsafe { libc::_exit(code) }
}

/// Waits until a child has ended and says how.
pub(crate) fn wait(pid: i32) -> io::Result<Ended> {
    let mut status = 0;
    // SAFETY: the structure is plain numbers, for which zeros are values.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live variables of the types that the call writes.
        let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
        match checked(waited.into()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    let time =
        |time: libc::timeval| Duration::new(time.tv_sec.cast_unsigned(), time.tv_usec.cast_unsigned() as u32 * 1000);
    Ok(Ended {
        code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
        signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
        max_rss: usage.ru_maxrss.cast_unsigned() * 1024,
        processor: time(usage.ru_utime) + time(usage.ru_stime),
    })
}

/// Becomes another program. Returns only if that fails.
pub(crate) fn exec(path: &CStr, arguments: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |list: &[CString]| {
        let ends = std::iter::once(ptr::null());
        list.iter().map(|item| item.as_ptr()).chain(ends).collect::<Vec<_>>()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: both lists end with a null pointer, and the strings behind them live until the call is over.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Changes the attributes of the mount at a descriptor: `MOUNT_ATTR_…` to set and to clear. `deep` takes all mounts
/// below it too.
pub(crate) fn change_mount(mount: impl AsFd, set: u64, clear: u64, deep: bool) -> io::Result<()> {
    let attributes = MountAttributes { set, clear, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if deep { libc::AT_RECURSIVE } else { 0 };
    let (fd, size) = (mount.as_fd().as_raw_fd(), size_of::<MountAttributes>());
    // SAFETY: the kernel reads `size` bytes of the structure and an empty path.
    let done = unsafe { libc::syscall(libc::SYS_mount_setattr, fd, c"".as_ptr(), flags, &raw const attributes, size) };
    checked(done).map(drop)
}

/// Closes every descriptor from `first` on now. Call it before anything owns one of them.
pub(crate) fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: the caller says that nothing in the process owns what is closed.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
    checked(done).map(drop)
}

/// Closes every descriptor from `first` on when the process becomes another program.
pub(crate) fn close_on_exec(first: u32) -> io::Result<()> {
    // SAFETY: marks descriptors; closes none now.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    checked(done).map(drop)
}

/// Puts signals back to what a new program expects: each does its default, none is blocked. The standard library
/// ignores `SIGPIPE`.
pub(crate) fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: the default action runs no code of ours. Signals that cannot be changed are refused, which is well.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: zeros are an empty set; the kernel only reads it.
    unsafe {
        let none: libc::sigset_t = std::mem::zeroed();
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// Joins a session keyring of its own, so that keys of the session that started us are out of reach.
pub(crate) fn own_keyring() -> io::Result<()> {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_int = 1;
    // SAFETY: a null name asks for a nameless keyring; no memory is read.
    let done = unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, ptr::null::<libc::c_char>()) };
    checked(done).map(drop)
}

/// Puts a system call filter on the process and all it starts, without forbidding setuid programs. Needs
/// `CAP_SYS_ADMIN` in the process's user namespace.
pub(crate) fn install_filter(program: &[Instruction]) -> io::Result<()> {
    filter(program, 0).map(drop)
}

/// The same with flags; gives what the kernel returns.
fn filter(program: &[Instruction], flags: libc::c_ulong) -> io::Result<libc::c_long> {
    #[repr(C)]
    struct Program {
        length: u16,
        instructions: *const Instruction,
    }
    let length = u16::try_from(program.len()).map_err(|_| io::Error::other("the filter is too long"))?;
    let program = Program { length, instructions: program.as_ptr() };
    // SAFETY: the kernel reads `length` instructions, which live until the call is over, and verifies them.
    let done = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    checked(done)
}

/// Brings up the loopback device of the process's network namespace.
pub(crate) fn loopback_up(socket: impl AsFd) -> io::Result<()> {
    // SAFETY: the structure is plain bytes and numbers, for which zeros are values.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l'.cast_signed() as libc::c_char;
    request.ifr_name[1] = b'o'.cast_signed() as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the kernel reads one `ifreq`, which lives until the call is over.
    let done = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    checked(done.into()).map(drop)
}
