//! Limits that hold for a step as a whole: memory and processes, by control groups, where this user may make them.
//!
//! Both forms of the kernel's interface are tried: version 2 has one tree, version 1 one for each controller
//! (<https://docs.kernel.org/admin-guide/cgroup-v2.html>, <https://docs.kernel.org/admin-guide/cgroup-v1/memory.html>).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::step::Limits;

/// Where systems mount them.
const ROOT: &str = "/sys/fs/cgroup";

/// The groups of one step. They are removed when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Groups {
    folders: Vec<PathBuf>,
    /// What was asked for and cannot be had, in words.
    pub(super) not_granted: Vec<String>,
}

impl Groups {
    /// Makes the groups that the limits need.
    pub(super) fn make(limits: &Limits) -> Self {
        let mut groups = Self::default();
        groups.limit("memory", limits.memory, ["memory.max", "memory.limit_in_bytes"]);
        // The step's process namespace bounds them too, where the kernel can.
        groups.limit("pids", limits.processes, ["pids.max", "pids.max"]);
        groups
    }

    /// The files that a process of the step writes itself into.
    pub(super) fn members(&self) -> Vec<PathBuf> {
        self.folders.iter().map(|folder| folder.join("cgroup.procs")).collect()
    }

    /// Sets one limit, in the file that either version has for it.
    fn limit(&mut self, controller: &str, limit: Option<u64>, files: [&str; 2]) {
        let Some(limit) = limit else { return };
        let set = self.unified(controller, files[0], limit).or_else(|_| self.separate(controller, files[1], limit));
        if let Err(error) = set {
            let what = if controller == "pids" { "processes" } else { controller };
            self.not_granted.push(format!("no limit on {what}: no control group can be made ({error})"));
        }
    }

    /// Version 2: one group for everything.
    fn unified(&mut self, controller: &str, file: &str, limit: u64) -> io::Result<()> {
        let root = Path::new(ROOT);
        let has = |file: &str| {
            let text = fs::read_to_string(root.join(file))?;
            Ok::<_, io::Error>(text.split_whitespace().any(|name| name == controller))
        };
        if !has("cgroup.controllers")? {
            return Err(io::Error::other(format!("the controller `{controller}` is missing")));
        }
        if !has("cgroup.subtree_control")? {
            fs::write(root.join("cgroup.subtree_control"), format!("+{controller}"))?;
        }
        let own = self.folders.iter().find(|folder| folder.parent() == Some(root)).cloned();
        let folder = own.map_or_else(|| self.folder(root), Ok)?;
        fs::write(folder.join(file), limit.to_string())
    }

    /// Version 1: a group for each controller.
    fn separate(&mut self, controller: &str, file: &str, limit: u64) -> io::Result<()> {
        let folder = self.folder(&Path::new(ROOT).join(controller))?;
        fs::write(folder.join(file), limit.to_string())
    }

    /// A new group.
    fn folder(&mut self, parent: &Path) -> io::Result<PathBuf> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !parent.join("cgroup.procs").exists() {
            return Err(io::Error::other(format!("{} is no control group", parent.display())));
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("layerwise-{}-{number}", std::process::id()));
        fs::create_dir(&folder)?;
        self.folders.push(folder.clone());
        Ok(folder)
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for folder in &self.folders {
            // The kernel lets go of dead processes a moment later.
            for _ in 0..50 {
                match fs::remove_dir(folder) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        thread::sleep(Duration::from_millis(2));
                    }
                    _ => break,
                }
            }
        }
    }
}
