//! A directory or file of a mounted tree as a mount of its own.
//!
//! Linux before 6.15 clones nothing that lies inside of a detached mount, only what the caller's mount namespace has. There
//! a thread hangs the tree into a mount namespace of its own, clones there and ends: nobody else ever sees it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::thread;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount_change, move_mount, open_tree};
use rustix::thread::UnshareFlags;

use super::Mounted;
use crate::runtime::sys;

impl Mounted {
    /// What a path of the tree shows, as a detached mount; links on the way are followed within the tree. Ask once: the
    /// tree may be hung in for it.
    ///
    /// # Errors
    /// Nothing stands there, or what the kernel says.
    pub fn part(&self, path: &Path) -> io::Result<OwnedFd> {
        if path.as_os_str().is_empty() {
            return self.root.try_clone();
        }
        match cloned(&self.root, path) {
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => hung_in(&self.root, path),
            other => other,
        }
    }
}

fn cloned(root: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let opened = openat2(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::IN_ROOT)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    Ok(open_tree(opened.as_fd(), "", flags)?)
}

fn hung_in(root: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let clone = || {
        sys::unshare(UnshareFlags::NEWNS)?;
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        move_mount(root, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
        cloned(root, path)
    };
    thread::scope(|scope| scope.spawn(clone).join())
        .unwrap_or_else(|_| Err(io::Error::other("the mounting thread ended")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::runtime::namespace::Ids;
    use crate::runtime::overlay;

    #[test]
    fn older_kernels_show_a_part_too() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: not run by root");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let lowers = ["low", "high"].map(|name| folder.path().join(name));
        for lower in &lowers {
            fs::create_dir_all(lower.join("a/b")).unwrap();
            fs::write(lower.join("a/b/file"), lower.file_name().unwrap().as_encoded_bytes()).unwrap();
        }
        let mounted = match overlay::mount_read_only(&lowers, &Ids::Root) {
            Err(error) if error.to_string().contains("not permitted") => {
                println!("skipped: this process may not mount");
                return;
            }
            mounted => mounted.unwrap(),
        };
        let part = hung_in(&mounted.root, Path::new("a/b")).unwrap();
        drop(mounted);
        let read = rustix::fs::openat(&part, "file", OFlags::RDONLY, Mode::empty()).unwrap();
        assert_eq!(io::read_to_string(fs::File::from(read)).unwrap(), "high");
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        assert!(!mounts.contains(&folder.path().display().to_string()), "the mount is seen");
    }
}
