//! From a step to the holder's order: sources opened, ids checked, generated files written.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, statat};

use super::groups::Groups;
use super::order::{Attached, Attachment, Order};
use super::step::{MountKind, Network, Security, Step, StepMount};
use super::{SandboxError, devices, milliseconds, profile};
use crate::runtime::namespace::Ids;
use crate::runtime::sys;

/// What every step finds in `/etc/hosts`, as `BuildKit` writes it.
fn hosts(step: &Step<'_>) -> String {
    let name = &step.hostname;
    let mut text = format!("127.0.0.1\tlocalhost {name}\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    for (name, address) in &step.extra_hosts {
        text.extend([address.to_string().as_str(), "\t", name, "\n"]);
    }
    text
}

/// The order for a step, and the mounts that go with it.
pub(super) fn order(step: &Step<'_>, ids: &Ids, groups: &Groups) -> Result<(Order, Vec<OwnedFd>), SandboxError> {
    check_ids(step, ids)?;
    let mut mounts = Vec::new();
    let mut attachments = vec![
        generated("/etc/resolv.conf", fs::read("/etc/resolv.conf").unwrap_or_default()),
        generated("/etc/hosts", hosts(step).into_bytes()),
    ];
    for mount in &step.mounts {
        attachments.push(attachment(mount, &mut mounts)?);
    }
    let single = matches!(ids, Ids::Single { .. });
    let order = Order {
        number: 0,
        inside: 0,
        arguments: step.arguments.clone(),
        environment: step.environment.clone(),
        directory: step.directory.as_os_str().as_bytes().to_vec(),
        user: step.user.uid,
        group: step.user.gid,
        groups: (!single).then(|| step.user.groups.clone()),
        hostname: step.hostname.clone().into_bytes(),
        offline: step.network == Network::None,
        insecure: step.security == Security::Insecure,
        owners_ignored: single,
        traced: step.traced && step.security == Security::Default && !single,
        limits: step.limits.resources.clone(),
        processes: step.limits.processes.unwrap_or(0),
        timeout: milliseconds(step.timeout),
        groups_to_join: groups.members().into_iter().map(|file| file.into_os_string().into_vec()).collect(),
        attachments,
    };
    Ok((order, mounts))
}

fn check_ids(step: &Step<'_>, ids: &Ids) -> Result<(), SandboxError> {
    let reason = || match ids {
        Ids::Single { reason } => format!("there is one id here: {reason}"),
        _ => "it is not among the ids that /etc/subuid and /etc/subgid lend".to_owned(),
    };
    if !ids.has_user(step.user.uid) {
        return Err(SandboxError::NoSuchId { kind: "user", id: step.user.uid, reason: reason() });
    }
    if !ids.has_group(step.user.gid) {
        return Err(SandboxError::NoSuchId { kind: "group", id: step.user.gid, reason: reason() });
    }
    Ok(())
}

/// A file of ours that the step can read only.
fn generated(target: &str, content: Vec<u8>) -> Attachment {
    let what = Attached::File { content, mode: 0o644, user: 0, group: 0, read_only: true };
    Attachment { target: target.into(), what }
}

fn attachment(mount: &StepMount, mounts: &mut Vec<OwnedFd>) -> Result<Attachment, SandboxError> {
    let failed = |what: &Path| {
        let (what, target) = (what.to_owned(), mount.target.clone());
        move |source: io::Error| SandboxError::Mount { what, target, source }
    };
    let mut shown = |opened: io::Result<OwnedFd>, read_only: bool| -> io::Result<Attached> {
        let opened = opened?;
        let stat = statat(&opened, "", AtFlags::EMPTY_PATH)?;
        let read_only = if read_only { profile::READ_ONLY } else { 0 };
        sys::change_mount(&opened, profile::NOSUID | profile::NODEV | read_only, 0, true)?;
        mounts.push(opened);
        Ok(Attached::Mount { directory: FileType::from_raw_mode(stat.st_mode) == FileType::Directory })
    };
    let what = match &mount.kind {
        MountKind::Bind { source, read_only } => {
            shown(devices::clone(source, false), *read_only).map_err(failed(source))?
        }
        MountKind::Socket { source } => shown(devices::clone(source, false), false).map_err(failed(source))?,
        MountKind::Tree { source, read_only } => {
            shown(source.try_clone(), *read_only).map_err(failed(Path::new("a tree")))?
        }
        MountKind::Tmpfs { size } => Attached::Tmpfs { size: size.unwrap_or(0), mode: 0o1777 },
        MountKind::File { content, mode, uid, gid } => {
            Attached::File { content: content.clone(), mode: *mode, user: *uid, group: *gid, read_only: false }
        }
    };
    Ok(Attachment { target: mount.target.as_os_str().as_bytes().to_vec(), what })
}
