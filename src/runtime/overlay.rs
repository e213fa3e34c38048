//! Overlay mounts: layers below, one writable folder on top, seen as one tree through a descriptor.
//!
//! A mount made here is *detached*: it hangs in no folder and nobody else sees it. Paths are opened relative to its
//! root, and a step's process puts it in the place of `/`. It goes away with its last descriptor.

mod classic;
mod part;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, open};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_flag, fsconfig_set_string,
    fsmount, fsopen, open_tree,
};

use super::namespace::Ids;
use super::sys;

/// `MOUNT_ATTR_RDONLY` of `linux/mount.h`.
const READ_ONLY: u64 = 1;

/// A tree that only this process sees.
#[derive(Debug)]
pub struct Mounted {
    /// The root of the tree. Resolve paths in it with `openat2` and `RESOLVE_IN_ROOT`.
    pub root: OwnedFd,
}

/// Why a tree could not be mounted.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// No namespace, hence no mounts.
    #[error("cannot mount: {0}")]
    Refused(String),
    /// The kernel refused.
    #[error("cannot mount the layers over {}: {what}: {source}", path.display())]
    Kernel {
        /// What was tried.
        what: String,
        /// The writable folder, or the lowest layer of a tree without one.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl Mounted {
    /// The root of the tree.
    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}

/// Mounts `upper` over layers. `lowers` has the lowest layer first, each a folder in the form that overlay reads. `work`
/// is an empty folder beside `upper`, used by the kernel. Without layers the tree is `upper` itself.
///
/// What is written may be lost when the machine loses power (`volatile`): who keeps `upper` makes it durable.
///
/// # Errors
/// [`MountError`] names the folder and what the kernel said.
pub fn mount(lowers: &[PathBuf], upper: &Path, work: &Path, ids: &Ids) -> Result<Mounted, MountError> {
    if let (Ids::None { .. }, []) = (ids, lowers) {
        let root = open(upper, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        return Ok(Mounted { root: root.map_err(failed("open", upper))? });
    }
    allowed(ids)?;
    if lowers.is_empty() {
        return alone(upper);
    }
    let top = Some(Top { upper, work });
    build(lowers, top, ids).or_else(|error| older(error, lowers, top, ids))
}

/// Mounts layers, lowest first, as a tree that cannot be written.
///
/// # Errors
/// [`MountError`] names the lowest layer and what the kernel said.
pub fn mount_read_only(lowers: &[PathBuf], ids: &Ids) -> Result<Mounted, MountError> {
    allowed(ids)?;
    let Some(lowest) = lowers.first() else {
        return Err(MountError::Refused("a tree needs at least one layer".to_owned()));
    };
    if let [only] = lowers {
        let mounted = alone(only)?;
        sys::change_mount(&mounted.root, READ_ONLY, 0, false).map_err(kernel("read-only", lowest))?;
        return Ok(mounted);
    }
    build(lowers, None, ids).or_else(|error| older(error, lowers, None, ids))
}

/// The writable part of a tree.
#[derive(Debug, Clone, Copy)]
struct Top<'a> {
    upper: &'a Path,
    work: &'a Path,
}

/// Builds a mount option by option.
fn build(lowers: &[PathBuf], top: Option<Top<'_>>, ids: &Ids) -> Result<Mounted, MountError> {
    let named = top.map_or_else(|| lowers.first().map_or(Path::new(""), PathBuf::as_path), |top| top.upper);
    let context = begin(named)?;
    layers(&context, lowers)?;
    if let Some(Top { upper, work }) = top {
        set_folder(&context, "upperdir", upper)?;
        set_folder(&context, "workdir", work)?;
        fsconfig_set_flag(context.as_fd(), "volatile").map_err(failed("volatile", upper))?;
    }
    finish(&context, ids, named)
}

/// Linux before 6.7 takes layers in one piece only; then what it says is an unknown option or call.
fn older(error: MountError, lowers: &[PathBuf], top: Option<Top<'_>>, ids: &Ids) -> Result<Mounted, MountError> {
    let MountError::Kernel { path, source, .. } = &error else { return Err(error) };
    let unknown = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP].map(Errno::raw_os_error);
    if !source.raw_os_error().is_some_and(|number| unknown.contains(&number)) {
        return Err(error);
    }
    let mounted = classic::mount(lowers, top, ids);
    mounted.map(|root| Mounted { root }).map_err(kernel("mount", path))
}

fn allowed(ids: &Ids) -> Result<(), MountError> {
    match ids {
        Ids::None { reason } => Err(MountError::Refused(reason.clone())),
        _ => Ok(()),
    }
}

/// One folder as a tree.
fn alone(folder: &Path) -> Result<Mounted, MountError> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let root = open_tree(CWD, folder, flags).map_err(failed("open_tree", folder))?;
    Ok(Mounted { root })
}

fn begin(path: &Path) -> Result<OwnedFd, MountError> {
    fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(failed("fsopen", path))
}

/// Adds layers, given with the lowest first; the kernel takes the uppermost first. One call each: a single list would
/// have a length limit.
fn layers(context: &OwnedFd, lowers: &[PathBuf]) -> Result<(), MountError> {
    lowers.iter().rev().try_for_each(|lower| set_folder(context, "lowerdir+", lower))
}

/// Names a folder by a descriptor: the kernel takes at most 255 bytes, and shows them inside the mount.
fn set_folder(context: &OwnedFd, key: &'static str, folder: &Path) -> Result<(), MountError> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = open(folder, flags, Mode::empty()).map_err(failed("open", folder))?;
    let name = format!("/proc/self/fd/{}", opened.as_raw_fd());
    fsconfig_set_string(context.as_fd(), key, name).map_err(failed(key, folder))
}

/// What the kernel is told beside the folders. In a user namespace it keeps its marks in `user.overlay.*`,
/// else in `trusted.overlay.*`. There, as Docker: a moved directory is copied, and a changed file is whole, so that an
/// upper folder is a layer. Nor are moves followed that a layer claims: its folders are its own.
fn options(ids: &Ids) -> &'static [(&'static str, Option<&'static str>)] {
    if ids.in_user_namespace() {
        return &[("userxattr", None)];
    }
    &[("redirect_dir", Some("nofollow")), ("metacopy", Some("off")), ("index", Some("off"))]
}

/// Makes the mount.
fn finish(context: &OwnedFd, ids: &Ids, path: &Path) -> Result<Mounted, MountError> {
    for (key, value) in options(ids) {
        match value {
            Some(value) => fsconfig_set_string(context.as_fd(), *key, *value),
            None => fsconfig_set_flag(context.as_fd(), *key),
        }
        .map_err(failed(key, path))?;
    }
    fsconfig_create(context.as_fd()).map_err(|source| MountError::Kernel {
        what: said(context, "create"),
        path: path.to_owned(),
        source: source.into(),
    })?;
    let flags = FsMountFlags::FSMOUNT_CLOEXEC;
    let root = fsmount(context.as_fd(), flags, MountAttrFlags::empty()).map_err(failed("fsmount", path))?;
    Ok(Mounted { root })
}

/// What the kernel wrote about the failure, else the step that failed.
fn said(context: &OwnedFd, step: &str) -> String {
    let mut text = [0; 1024];
    match rustix::io::read(context, &mut text[..]) {
        Ok(length) => String::from_utf8_lossy(&text[..length]).trim().trim_start_matches("e ").to_owned(),
        Err(_) => step.to_owned(),
    }
}

fn failed(what: &str, path: &Path) -> impl FnOnce(rustix::io::Errno) -> MountError {
    move |source| kernel(what, path)(source.into())
}

fn kernel(what: &str, path: &Path) -> impl FnOnce(io::Error) -> MountError {
    move |source| MountError::Kernel { what: what.to_owned(), path: path.to_owned(), source }
}
