//! The program of a step: found as Docker finds it, started, and what Docker says when it cannot be.

use std::ffi::{CString, NulError, OsStr};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, FileType, Gid, Uid, accessat, fchown, stat};
use rustix::io::Errno;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use super::order::Order;
use super::setup::{Failure, Tried};
use crate::runtime::sys;

/// Where programs are searched when the step's environment does not say.
const PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program that was found.
#[derive(Debug)]
pub(super) struct Program {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Program {
    /// Searches the program, in the tree and with the rights of the step.
    pub(super) fn find(order: &Order) -> Result<Self, Failure> {
        let strings = |list: &[Vec<u8>]| -> Result<Vec<CString>, NulError> {
            list.iter().map(|item| CString::new(item.as_slice())).collect()
        };
        let arguments = strings(&order.arguments).tried("an argument has a zero byte")?;
        let environment = strings(&order.environment).tried("a variable has a zero byte")?;
        let name = order.arguments.first().map_or(&b""[..], Vec::as_slice);
        let path = search(name, &order.environment).map_err(|(code, said)| Failure::Program {
            code,
            message: format!("exec: \"{}\": {said}", String::from_utf8_lossy(name)),
        })?;
        let path = CString::new(path.into_os_string().as_bytes()).tried("the program's path has a zero byte")?;
        Ok(Self { path, arguments, environment })
    }

    /// Becomes it. Returns only if that fails.
    pub(super) fn start(&self) -> Failure {
        let error = sys::exec(&self.path, &self.arguments, &self.environment);
        let said = words(Errno::from_io_error(&error).unwrap_or(Errno::IO));
        let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
        Failure::Program { code, message: format!("exec {}: {said}", self.path.to_string_lossy()) }
    }
}

/// Finds a program: as it stands if it has a `/`, else in the folders of `PATH`.
fn search(name: &[u8], environment: &[Vec<u8>]) -> Result<PathBuf, (i32, String)> {
    let plain = Path::new(OsStr::from_bytes(name));
    if name.contains(&b'/') {
        return match runnable(plain) {
            Ok(()) => Ok(plain.to_owned()),
            Err(Errno::NOENT) => Err((127, format!("stat {}: no such file or directory", plain.display()))),
            Err(error) => Err((126, words(error))),
        };
    }
    let path = environment.iter().rev().find_map(|variable| variable.strip_prefix(b"PATH=")).unwrap_or(PATH);
    for folder in path.split(|byte| *byte == b':') {
        let folder = if folder.is_empty() { b"." } else { folder };
        let full = Path::new(OsStr::from_bytes(folder)).join(plain);
        if !name.is_empty() && runnable(&full).is_ok() {
            return Ok(full);
        }
    }
    Err((127, "executable file not found in $PATH".to_owned()))
}

/// Whether this process may run a file.
fn runnable(path: &Path) -> Result<(), Errno> {
    let stat = stat(path)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Err(Errno::ISDIR);
    }
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).or_else(|error| match error {
        // Kernels before 5.8 know no such flag.
        Errno::NOSYS | Errno::INVAL => accessat(CWD, path, Access::EXEC_OK, AtFlags::empty()),
        other => Err(other),
    })
}

/// An error as the Go library words it, which is what Docker shows.
fn words(error: Errno) -> String {
    match error {
        Errno::NOEXEC => "exec format error".to_owned(),
        Errno::NOENT => "no such file or directory".to_owned(),
        Errno::ACCESS => "permission denied".to_owned(),
        Errno::ISDIR => "is a directory".to_owned(),
        Errno::TOOBIG => "argument list too long".to_owned(),
        other => io::Error::from(other).to_string(),
    }
}

/// Makes a descriptor standard input, output or error, owned by nobody else's user.
pub(super) fn take_place(stream: &OwnedFd, number: usize) -> io::Result<()> {
    Ok(match number {
        0 => dup2_stdin(stream),
        1 => dup2_stdout(stream),
        _ => dup2_stderr(stream),
    }?)
}

/// Lets a step's user open `/dev/stdout` and its like again.
pub(super) fn give_streams(uid: u32, gid: u32) {
    for stream in [io::stdout().as_fd(), io::stderr().as_fd()] {
        // Not allowed with a single id, where the user is the same anyway.
        let _single = fchown(stream, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    }
}
