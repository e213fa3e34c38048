//! The user namespace of a build: who is "root" there, and which ids of the machine stand behind it.
//!
//! A build by root needs none. Anybody else's runs in a user and mount namespace of its own, where it is root over the
//! ids that the machine lends it: a range from `/etc/subuid` and `/etc/subgid`, else the user's own id alone. Everything
//! after [`enter`] (threads, store, copies, steps) runs in there and sees itself as user 0.

mod idmap;

use std::fs;
use std::io;

use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{DumpableBehavior, geteuid, getgid, getuid, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, UnshareFlags, capabilities};
use rustix::thread::{Gid, Uid, set_thread_res_gid, set_thread_res_uid};

pub use idmap::{IdMap, IdRange};

use super::sys;

/// Whose ids the files and processes of a build have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ids {
    /// The machine's own ids: the build is run by root.
    Root,
    /// Root of a user namespace with a range of ids.
    Mapped(IdMap),
    /// Root of a user namespace that knows one user and one group. Other owners cannot be kept on disk.
    Single {
        /// Why there are no more.
        reason: String,
    },
    /// No namespace: steps cannot be run, files can be copied.
    None {
        /// What keeps the kernel from granting one, and the remedy.
        reason: String,
    },
}

/// What [`enter`] shall try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wish {
    /// The best that the machine grants.
    #[default]
    Best,
    /// One id, even where more could be had.
    Single,
}

/// Why the namespaces could not be entered at all.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The process has other threads.
    #[error("a user namespace can only be entered before threads are started")]
    Threads,
    /// A step of it failed in an unexpected way.
    #[error("{what}: {source}")]
    Step {
        /// What was tried.
        what: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl Ids {
    /// Whether the build is root of a user namespace, not of the machine.
    pub fn in_user_namespace(&self) -> bool {
        matches!(self, Self::Mapped(_) | Self::Single { .. })
    }

    /// Whether steps can be run.
    pub fn can_run(&self) -> bool {
        !matches!(self, Self::None { .. })
    }

    /// Whether a process can have this user id, and a file this owner.
    pub fn has_user(&self, uid: u32) -> bool {
        match self {
            Self::Root => true,
            Self::Mapped(map) => map.users.iter().any(|range| range.contains(uid)),
            Self::Single { .. } | Self::None { .. } => uid == 0,
        }
    }

    /// Whether a process can have this group id, and a file this group.
    pub fn has_group(&self, gid: u32) -> bool {
        match self {
            Self::Root => true,
            Self::Mapped(map) => map.groups.iter().any(|range| range.contains(gid)),
            Self::Single { .. } | Self::None { .. } => gid == 0,
        }
    }
}

/// Enters the namespaces that a build needs. Call it once, before any thread is started.
///
/// # Errors
/// A machine that grants no namespace is no error but [`Ids::None`]. See [`Refused`] for what is.
pub fn enter(wish: Wish) -> Result<Ids, Refused> {
    if may_mount() && wish == Wish::Best {
        return settle();
    }
    if sys::threads().map_err(step("cannot count threads"))? != 1 {
        return Err(Refused::Threads);
    }
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    let helper = idmap::Helper::start(user, group, wish).map_err(step("cannot start the process that maps ids"))?;
    if let Err(error) = sys::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS) {
        return Ok(Ids::None { reason: blocked(&error) });
    }
    let ids = helper.map().map_err(step("cannot map ids"))?;
    set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT).map_err(errno("cannot become group 0"))?;
    set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).map_err(errno("cannot become user 0"))?;
    // A change of ids hides the process from itself: its files in /proc would belong to nobody.
    set_dumpable_behavior(DumpableBehavior::Dumpable).map_err(errno("cannot own /proc/self"))?;
    if let Err(error) = private() {
        return Ok(Ids::None { reason: blocked(&error) });
    }
    Ok(ids)
}

/// Whether this process may mount in its user namespace.
fn may_mount() -> bool {
    let held = capabilities(None).map(|sets| sets.effective);
    geteuid().is_root() && held.is_ok_and(|held| held.contains(CapabilitySet::SYS_ADMIN))
}

/// A process that is root already: of the machine, or of a namespace that somebody else made.
fn settle() -> Result<Ids, Refused> {
    let map = IdMap::current().map_err(step("cannot read /proc/self/uid_map"))?;
    if map.is_whole() {
        return Ok(Ids::Root);
    }
    // The mounts may still be those of the user namespace above.
    if let Err(error) = sys::unshare(UnshareFlags::NEWNS).and_then(|()| private()) {
        return Ok(Ids::None { reason: blocked(&error) });
    }
    if map.is_single() {
        return Ok(Ids::Single { reason: "the user namespace around this process has one id".to_owned() });
    }
    Ok(Ids::Mapped(map))
}

/// Mounts made from here on are seen by no other namespace.
fn private() -> io::Result<()> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).map_err(io::Error::from)
}

fn step(what: &'static str) -> impl FnOnce(io::Error) -> Refused {
    move |source| Refused::Step { what, source }
}

fn errno(what: &'static str) -> impl FnOnce(rustix::io::Errno) -> Refused {
    move |source| Refused::Step { what, source: source.into() }
}

/// What blocks user namespaces here, with the remedy.
fn blocked(error: &io::Error) -> String {
    let setting = |name: &str| fs::read_to_string(format!("/proc/sys/{name}")).map(|text| text.trim().to_owned());
    let is = |name: &str, value: &str| setting(name).is_ok_and(|own| own == value);
    let remedy = if is("kernel/unprivileged_userns_clone", "0") {
        "the machine forbids them; `sysctl kernel.unprivileged_userns_clone=1` allows them"
    } else if is("user/max_user_namespaces", "0") {
        "the machine allows none; `sysctl user.max_user_namespaces=15000` allows them"
    } else if is("kernel/apparmor_restrict_unprivileged_userns", "1") {
        "AppArmor restricts them; `sysctl kernel.apparmor_restrict_unprivileged_userns=0` or a profile for this program \
         allows them"
    } else if fs::exists("/.dockerenv").unwrap_or(false) || fs::exists("/run/.containerenv").unwrap_or(false) {
        "the container around this process forbids them; start it with `--privileged`, or with \
         `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`"
    } else {
        "run it as root, or on a machine that allows user namespaces"
    };
    format!("this process may not make user namespaces ({error}): {remedy}")
}
