//! Overlay mounts by `mount(2)`, for kernels that do not take them option by option.
//!
//! Such a mount needs a folder to hang in. A thread of its own, with a mount namespace of its own, hangs it over the
//! writable folder, takes a detached copy and ends: nobody else ever sees it. All options fit into one page, so layers
//! are named by their descriptors, relative to `/proc/self/fd`.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::{CWD, Mode, OFlags, open};
use rustix::mount::{MountFlags, MountPropagationFlags, OpenTreeFlags, mount_change, open_tree};
use rustix::process::chdir;
use rustix::thread::UnshareFlags;

use super::{Top, options};
use crate::runtime::namespace::Ids;
use crate::runtime::sys;

/// Mounts layers, lowest first, and what is written on top of them.
pub(super) fn mount(lowers: &[PathBuf], top: Option<Top<'_>>, ids: &Ids) -> io::Result<OwnedFd> {
    let hung = || hang(lowers, top, ids);
    thread::scope(|scope| scope.spawn(hung).join())
        .unwrap_or_else(|_| Err(io::Error::other("the mounting thread ended")))
}

/// Mounts in a namespace of this thread alone. Folders are opened in there: the kernel takes them from nowhere else.
fn hang(lowers: &[PathBuf], top: Option<Top<'_>>, ids: &Ids) -> io::Result<OwnedFd> {
    let Some(place) = top.map(|top| top.upper).or(lowers.first().map(PathBuf::as_path)) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let place = std::path::absolute(place)?;
    sys::unshare(UnshareFlags::NEWNS)?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    let opened = |path: &Path| open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let layers = lowers.iter().rev().map(|lower| opened(lower)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = layers.iter().map(|layer| layer.as_raw_fd().to_string()).collect();
    let mut text = format!("lowerdir={}", names.join(":"));
    let writable = top.map(|top| Ok::<_, io::Error>([opened(top.upper)?, opened(top.work)?])).transpose()?;
    if let Some([upper, work]) = &writable {
        let [upper, work] = [upper, work].map(|folder| folder.as_raw_fd().to_string());
        text.extend([",upperdir=", &upper, ",workdir=", &work, ",volatile"]);
    }
    for (key, value) in options(ids) {
        text.extend([",", key]);
        text.extend(value.iter().flat_map(|value| ["=", value]));
    }
    chdir("/proc/self/fd")?;
    let flags = if top.is_none() { MountFlags::RDONLY } else { MountFlags::empty() };
    rustix::mount::mount("overlay", &place, "overlay", flags, Some(CString::new(text)?.as_c_str()))?;
    Ok(open_tree(CWD, &place, OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{Mode, OFlags, openat};

    use super::*;

    #[test]
    fn layers_are_mounted_over_each_other_and_nobody_sees_it() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: not run by root");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            fs::create_dir(folder.path().join(name)).unwrap();
            folder.path().join(name)
        };
        let lowers: Vec<PathBuf> = (0..200).map(|number| make(&format!("layer{number}"))).collect();
        fs::write(lowers[0].join("name"), "lowest").unwrap();
        fs::write(lowers[199].join("name"), "top").unwrap();
        let (upper, work) = (make("upper"), make("work"));
        let root = match mount(&lowers, Some(Top { upper: &upper, work: &work }), &Ids::Root) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error()) => {
                println!("skipped: this process may not mount");
                return;
            }
            root => root.unwrap(),
        };
        let read = openat(&root, "name", OFlags::RDONLY, Mode::empty()).unwrap();
        assert_eq!(io::read_to_string(fs::File::from(read)).unwrap(), "top");
        openat(&root, "new", OFlags::CREATE | OFlags::WRONLY, Mode::from(0o644)).unwrap();
        assert!(upper.join("new").exists());
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        assert!(!mounts.contains(&upper.display().to_string()), "the mount is seen");
    }
}
