//! The processes that a build is made of.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// A process, with the time of its start: numbers are given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: i32,
    start: String,
    pub(crate) name: String,
}

impl Process {
    fn of(id: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let (name, rest) = stat.split_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let gone = matches!(*fields.first()?, "Z" | "X");
        let name = name.split_once('(')?.1.to_owned();
        (!gone).then_some(Self { id, start: (*fields.get(19)?).to_owned(), name })
    }

    /// Whether it runs. What has ended and is not waited for does not.
    pub(crate) fn runs(&self) -> bool {
        Self::of(self.id).as_ref() == Some(self)
    }

    pub(crate) fn kill(&self) {
        let _gone = Pid::from_raw(self.id).map(|id| kill_process(id, Signal::KILL));
    }
}

/// A process and all that descend from it.
pub(crate) fn tree(root: u32) -> Vec<Process> {
    let mut found = Vec::new();
    let mut open = vec![root.cast_signed()];
    while let Some(id) = open.pop() {
        found.extend(Process::of(id));
        for thread in fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            open.extend(children.split_whitespace().filter_map(|id| id.parse::<i32>().ok()));
        }
    }
    found
}

/// Kills a whole process group.
pub(crate) fn kill_group(leader: u32) {
    let _gone = Pid::from_raw(leader.cast_signed()).map(|id| kill_process_group(id, Signal::KILL));
}
