//! Which ids of the machine a user namespace has: ranges lent by `/etc/subuid` and `/etc/subgid`, written by the setuid
//! programs `newuidmap` and `newgidmap` from the process outside.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::thread::{CapabilitySet, capabilities};

use super::{Ids, Wish};
use crate::runtime::sys::{self, Forked};

/// A run of ids, and the run on the outside that stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// The first id inside the namespace.
    pub inside: u32,
    /// The first id outside.
    pub outside: u32,
    /// How many.
    pub count: u32,
}

/// The ids of a user namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdMap {
    /// Users.
    pub users: Vec<IdRange>,
    /// Groups.
    pub groups: Vec<IdRange>,
}

impl IdRange {
    /// Whether an id inside the namespace is one of these.
    pub fn contains(self, id: u32) -> bool {
        id.checked_sub(self.inside).is_some_and(|offset| offset < self.count)
    }
}

impl IdMap {
    /// The map of the namespace that this process is in.
    pub(super) fn current() -> io::Result<Self> {
        let read = |path: &str| fs::read_to_string(path).map(|text| ranges(&text));
        Ok(Self { users: read("/proc/self/uid_map")?, groups: read("/proc/self/gid_map")? })
    }

    /// Whether every id stands for itself: this is no namespace but the machine.
    pub(super) fn is_whole(&self) -> bool {
        let whole =
            |ranges: &[IdRange]| matches!(ranges, [one] if *one == IdRange { inside: 0, outside: 0, count: u32::MAX });
        whole(&self.users) && whole(&self.groups)
    }

    /// Whether there is but one user.
    pub(super) fn is_single(&self) -> bool {
        self.users.iter().map(|range| u64::from(range.count)).sum::<u64>() < 2
    }
}

/// The lines of a `uid_map`: first inside, first outside, count.
fn ranges(text: &str) -> Vec<IdRange> {
    let line = |line: &str| {
        let mut numbers = line.split_whitespace().map(|number| number.parse().ok());
        Some(IdRange { inside: numbers.next()??, outside: numbers.next()??, count: numbers.next()?? })
    };
    text.lines().filter_map(line).collect()
}

/// A process that stays outside the namespace to write its map.
pub(super) struct Helper {
    child: sys::Child,
    go: fs::File,
    answer: fs::File,
    user: u32,
    group: u32,
}

impl Helper {
    /// Starts it. It ends by itself when [`Helper::map`] is never called.
    pub(super) fn start(user: u32, group: u32, wish: Wish) -> io::Result<Self> {
        let parent = std::process::id();
        let (go_read, go_write) = pipe_with(PipeFlags::CLOEXEC)?;
        let (answer_read, answer_write) = pipe_with(PipeFlags::CLOEXEC)?;
        match sys::fork(0)? {
            Forked::Parent(child) => Ok(Self { child, go: go_write.into(), answer: answer_read.into(), user, group }),
            Forked::Child => {
                drop((go_write, answer_read));
                let mut byte = [0];
                if fs::File::from(go_read).read(&mut byte).unwrap_or(0) == 1 {
                    let said = write_outside(parent, user, group, wish).err().unwrap_or_default();
                    let _gone = fs::File::from(answer_write).write_all(said.as_bytes());
                }
                sys::end_now(0)
            }
        }
    }

    /// Writes the map of the namespace that this process entered since: a range where the machine lends one, else this
    /// user alone.
    pub(super) fn map(mut self) -> io::Result<Ids> {
        let mut said = String::new();
        self.go.write_all(b"g")?;
        self.answer.read_to_string(&mut said)?;
        sys::wait(self.child.pid)?;
        if said.is_empty() {
            return Ok(Ids::Mapped(IdMap::current()?));
        }
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {} 1", self.user))?;
        fs::write("/proc/self/gid_map", format!("0 {} 1", self.group))?;
        Ok(Ids::Single { reason: said })
    }
}

/// Gives process `target` a range of ids. The error says why there is none.
fn write_outside(target: u32, user: u32, group: u32, wish: Wish) -> Result<(), String> {
    if wish == Wish::Single {
        return Err("one id was asked for".to_owned());
    }
    let held = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    if held.contains(CapabilitySet::SETUID | CapabilitySet::SETGID) {
        return pass_on(target).map_err(|error| format!("the ids of this namespace cannot be passed on: {error}"));
    }
    let name = user_name(user);
    let users = lent("/etc/subuid", name.as_deref(), user)?;
    let groups = lent("/etc/subgid", name.as_deref(), user)?;
    map_with("newuidmap", target, user, users)?;
    map_with("newgidmap", target, group, groups)
}

/// Root without the right to mount, as in a container: its own ids, each for itself.
fn pass_on(target: u32) -> io::Result<()> {
    for file in ["uid_map", "gid_map"] {
        let own = ranges(&fs::read_to_string(format!("/proc/self/{file}"))?);
        let lines: Vec<String> = own.iter().map(|range| format!("{0} {0} {1}\n", range.inside, range.count)).collect();
        fs::write(format!("/proc/{target}/{file}"), lines.concat())?;
    }
    Ok(())
}

/// The name of a user, from `/etc/passwd`, else from the environment.
fn user_name(user: u32) -> Option<String> {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    });
    entry.or_else(|| std::env::var("USER").ok())
}

/// The first range that a file like `/etc/subuid` lends to a user, by name or by number (subuid(5)).
fn lent(file: &str, name: Option<&str>, user: u32) -> Result<(u32, u32), String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let number = user.to_string();
    let range = text.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let range = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        ((Some(owner) == name || owner == number) && range.1 > 0).then_some(range)
    });
    let who = name.unwrap_or(&number);
    range.ok_or_else(|| {
        format!("{file} lends no ids to `{who}`; `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {who}` does")
    })
}

/// Runs `newuidmap` or `newgidmap`: id 0 is the user, the rest is lent.
fn map_with(program: &str, target: u32, own: u32, (start, count): (u32, u32)) -> Result<(), String> {
    let numbers = [target, 0, own, 1, 1, start, count].map(|number| number.to_string());
    let run = Command::new(program).args(numbers.iter().map(OsStr::new)).stdin(Stdio::null()).output();
    match run {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("`{program}` is not installed (package `uidmap` or `shadow-utils`)"))
        }
        Err(error) => Err(format!("`{program}` cannot be run: {error}")),
        Ok(run) if run.status.success() => Ok(()),
        Ok(run) => Err(format!("`{program}` failed: {}", String::from_utf8_lossy(&run.stderr).trim())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_read_line_by_line() {
        let map = ranges("         0       1000          1\n         1     100000      65536\n");
        assert_eq!(map.len(), 2);
        assert!(map[0].contains(0) && !map[0].contains(1));
        assert!(map[1].contains(65536) && !map[1].contains(65537));
    }

    #[test]
    fn the_machine_itself_has_a_whole_map() {
        let whole = ranges("         0          0 4294967295\n");
        let map = IdMap { users: whole.clone(), groups: whole };
        assert!(map.is_whole() && !map.is_single());
    }
}
