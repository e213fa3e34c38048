//! For tests: what a user does who is not root.

use std::path::Path;
use std::thread;

use rustix::fs::{Gid, Uid};

/// A user and group that no machine has.
const NOBODY: u32 = 54_321;

/// Does something as a user who is not root, and who owns `folder`. Only a thread becomes that user, and it ends.
pub(crate) fn unprivileged(folder: &Path, work: impl FnOnce() + Send) {
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let run = || {
        if is_root {
            let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
            rustix::thread::set_thread_res_gid(group, group, group).unwrap();
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
        }
        work();
    };
    thread::scope(|scope| scope.spawn(run).join()).unwrap();
}
