//! A step as the build describes it, and how it ended.

use std::net::IpAddr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::trace::Trace;

/// A command to run in a tree.
#[derive(Debug)]
pub struct Step<'a> {
    /// The root of the tree, from [`crate::runtime::overlay::mount`]. A mounted tree can be the root of one step only:
    /// running moves it. Its descriptor still reads and writes the tree afterwards.
    pub root: BorrowedFd<'a>,
    /// The program, searched in the `PATH` of `environment` when it has no `/`, and its arguments.
    pub arguments: Vec<Vec<u8>>,
    /// All variables, `NAME=value` each. Nothing of our own environment is added.
    pub environment: Vec<Vec<u8>>,
    /// The working directory; made when it is missing, as Docker does.
    pub directory: PathBuf,
    /// Who runs it.
    pub user: User,
    /// What appears in the tree while it runs, in this order.
    pub mounts: Vec<StepMount>,
    /// What it sees of the network.
    pub network: Network,
    /// Its host name. `BuildKit` says `buildkitsandbox`.
    pub hostname: String,
    /// Lines added to `/etc/hosts`: name and address.
    pub extra_hosts: Vec<(String, IpAddr)>,
    /// Limits beside those of this process.
    pub limits: Limits,
    /// When to kill it.
    pub timeout: Option<Duration>,
    /// What it may do.
    pub security: Security,
    /// Whether it is seen which files it reaches; not with [`Security::Insecure`], and not where there is one id, as a filter
    /// has one listener.
    pub traced: bool,
}

/// A command to run inside of a step that runs, as the same user and with the same rights.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The program and its arguments, as those of a [`Step`].
    pub arguments: Vec<Vec<u8>>,
    /// All variables, `NAME=value` each.
    pub environment: Vec<Vec<u8>>,
    /// The working directory.
    pub directory: PathBuf,
    /// When to kill it. What it has started stays until the step ends.
    pub timeout: Option<Duration>,
}

/// Ids of a step's process, inside the tree's own numbering.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// What a step sees of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// The machine's.
    #[default]
    Host,
    /// A loopback device alone.
    None,
}

/// What a step may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Security {
    /// Docker's default capabilities, system calls and hidden paths.
    #[default]
    Default,
    /// All that this process may do (`RUN --security=insecure`).
    Insecure,
}

/// Limits of a step.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// Resource (`RLIMIT_…` of `sys/resource.h`), soft and hard limit.
    pub resources: Vec<(u32, u64, u64)>,
    /// Most processes and threads at once. Held by the process namespace too since Linux 6.14, then not below 317.
    pub processes: Option<u64>,
    /// Most memory, in bytes.
    pub memory: Option<u64>,
}

/// Something that appears in the tree while a step runs. Its place is made when it is missing, and removed afterwards
/// if it is still empty then.
#[derive(Debug, Clone)]
pub struct StepMount {
    /// Where, absolute.
    pub target: PathBuf,
    /// What.
    pub kind: MountKind,
}

/// What appears.
#[derive(Debug, Clone)]
pub enum MountKind {
    /// A file or directory of the host or of another tree (`--mount=type=bind`, `type=cache`). Symbolic links in the
    /// path are followed, so it must have been resolved within its tree.
    Bind {
        /// What to show.
        source: PathBuf,
        /// Whether writing is refused.
        read_only: bool,
    },
    /// A mounted tree, or a part of one. It can be shown to one step only.
    Tree {
        /// The detached mount, as of [`crate::runtime::overlay::Mounted::part`].
        source: Arc<OwnedFd>,
        /// Whether writing is refused.
        read_only: bool,
    },
    /// An empty directory in memory.
    Tmpfs {
        /// At most so many bytes.
        size: Option<u64>,
    },
    /// A file that exists in memory only, such as a secret.
    File {
        /// Its content.
        content: Vec<u8>,
        /// Its permissions.
        mode: u32,
        /// Its owner.
        uid: u32,
        /// Its group.
        gid: u32,
    },
    /// A socket of the host, such as that of an SSH agent.
    Socket {
        /// The socket.
        source: PathBuf,
    },
}

/// Which of the two streams a step wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Exit {
    /// Why it is over.
    pub outcome: Outcome,
    /// How long it took, from the order to its end.
    pub took: Duration,
    /// The most memory that its first process, or one it waited for, held at once, in bytes.
    pub max_rss: u64,
    /// Processor time of it and of what it waited for.
    pub processor: Duration,
    /// Limits that were asked for and could not be set, in words.
    pub not_granted: Vec<String>,
    /// What was seen of it, where it was traced.
    pub trace: Option<Trace>,
}

/// Why a step is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its first process returned this; 0 is success.
    Code(i32),
    /// This signal killed its first process.
    Signal(i32),
    /// It took longer than it may, and was killed.
    TimedOut,
    /// The program could not be started: the code that `docker run` has for it (126, 127), and what Docker says.
    NotStarted {
        /// 127: no such program; 126: it is there and cannot be run.
        code: i32,
        /// Such as `exec: "nosuch": executable file not found in $PATH`.
        message: String,
    },
}

impl Exit {
    /// Whether the step succeeded.
    pub fn success(&self) -> bool {
        self.outcome == Outcome::Code(0)
    }

    /// The exit code as a shell would give it.
    pub fn code(&self) -> i32 {
        match &self.outcome {
            Outcome::Code(code) | Outcome::NotStarted { code, .. } => *code,
            Outcome::Signal(signal) => 128 + signal,
            Outcome::TimedOut => 124,
        }
    }
}
