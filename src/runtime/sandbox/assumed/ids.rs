//! The users that processes believe to be, with the rules of the kernel: <https://man7.org/linux/man-pages/man7/credentials.7.html>.

use std::collections::HashMap;

use rustix::io::Errno;

/// Real, effective and saved id.
type Three = [u32; 3];

/// The ids of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ids {
    users: Three,
    groups: Three,
    file_user: u32,
    file_group: u32,
    others: Vec<u32>,
}

/// One id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    User,
    EffectiveUser,
    Group,
    EffectiveGroup,
}

/// A change of ids; `None` leaves one as it is. `all` says whether the saved one is given, or follows the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    User(u32),
    Group(u32),
    Users { real: Option<u32>, effective: Option<u32>, saved: Option<u32>, all: bool },
    Groups { real: Option<u32>, effective: Option<u32>, saved: Option<u32>, all: bool },
    FileUser(u32),
    FileGroup(u32),
}

impl Ids {
    /// Whether root's rights would go with them.
    pub(super) fn is_root(&self) -> bool {
        self.users[1] == 0
    }

    /// Whether a file of this user and group could be given to itself by these ids.
    pub(super) fn may_own(&self, user: Option<u32>, group: Option<u32>) -> bool {
        let own_group = |group: u32| group == self.groups[1] || self.others.contains(&group);
        self.is_root() || (user.is_none_or(|user| user == self.users[1]) && group.is_none_or(own_group))
    }

    pub(super) fn tell(&self, which: Which) -> u32 {
        match which {
            Which::User => self.users[0],
            Which::EffectiveUser => self.users[1],
            Which::Group => self.groups[0],
            Which::EffectiveGroup => self.groups[1],
        }
    }

    pub(super) fn users(&self) -> Three {
        self.users
    }

    /// Real, effective and saved group.
    pub(super) fn groups_of_process(&self) -> Three {
        self.groups
    }

    /// The supplementary groups.
    pub(super) fn groups(&self) -> &[u32] {
        &self.others
    }

    pub(super) fn set_groups(&mut self, groups: Vec<u32>) -> Result<(), Errno> {
        if !self.is_root() {
            return Err(Errno::PERM);
        }
        self.others = groups;
        Ok(())
    }

    /// Makes a change; gives what the call returns.
    pub(super) fn change(&mut self, change: Change) -> Result<i64, Errno> {
        let root = self.is_root();
        match change {
            Change::User(id) => set(&mut self.users, root, id)?,
            Change::Group(id) => set(&mut self.groups, root, id)?,
            Change::Users { real, effective, saved, all } => {
                set_each(&mut self.users, root, [real, effective, saved], all)?;
            }
            Change::Groups { real, effective, saved, all } => {
                set_each(&mut self.groups, root, [real, effective, saved], all)?;
            }
            Change::FileUser(id) => return Ok(file_id(&mut self.file_user, self.users, root, id)),
            Change::FileGroup(id) => return Ok(file_id(&mut self.file_group, self.groups, root, id)),
        }
        (self.file_user, self.file_group) = (self.users[1], self.groups[1]);
        Ok(0)
    }
}

/// `setuid`: root sets all three, anybody else the effective one to the real or the saved one.
fn set(ids: &mut Three, root: bool, id: u32) -> Result<(), Errno> {
    match (root, id == ids[0] || id == ids[2]) {
        (true, _) => *ids = [id; 3],
        (false, true) => ids[1] = id,
        (false, false) => return Err(Errno::PERM),
    }
    Ok(())
}

fn set_each(ids: &mut Three, root: bool, wanted: [Option<u32>; 3], all: bool) -> Result<(), Errno> {
    let before = *ids;
    let known = |id: u32| root || before.contains(&id);
    if !wanted.into_iter().flatten().all(known) {
        return Err(Errno::PERM);
    }
    for (id, wanted) in ids.iter_mut().zip(wanted) {
        *id = wanted.unwrap_or(*id);
    }
    // `setreuid` keeps what the process became, once it is not what it was.
    if !all && (wanted[0].is_some() || wanted[1].is_some_and(|effective| effective != before[0])) {
        ids[2] = ids[1];
    }
    Ok(())
}

/// These two never fail, and give the id of before.
fn file_id(id: &mut u32, others: Three, root: bool, wanted: u32) -> i64 {
    let before = *id;
    if root || wanted == before || others.contains(&wanted) {
        *id = wanted;
    }
    before.into()
}

/// What is known of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    /// When it was started, in the kernel's ticks: numbers are given again.
    pub(super) started: u64,
    /// Who it has its ids from: the first thread of its process, or its parent.
    pub(super) from: Option<u32>,
}

impl Process {
    /// Reads `status` and `stat` of a thread's folder in `/proc`.
    pub(super) fn read(status: &str, stat: &str) -> Option<Self> {
        let field = |name: &str| -> Option<u32> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.trim().parse().ok()
        };
        let (own, first, parent) = (field("Pid")?, field("Tgid")?, field("PPid")?);
        let from = if own == first { parent } else { first };
        // The name before it may hold anything, blanks and brackets too.
        let (_, rest) = stat.rsplit_once(')')?;
        let started = rest.split_whitespace().nth(19)?.parse().ok()?;
        Some(Self { started, from: (from != 0).then_some(from) })
    }
}

/// The ids of all threads that changed them, or asked after somebody did.
#[derive(Debug, Default)]
pub(super) struct Table(HashMap<u32, (u64, Ids)>);

impl Table {
    /// The ids of a thread: its own, else those that it was born with. `None` where it is gone.
    pub(super) fn of(&mut self, pid: u32, look: &mut dyn FnMut(u32) -> Option<Process>) -> Option<Ids> {
        if self.0.is_empty() {
            return Some(Ids::default());
        }
        let mut at = pid;
        let mut found = Ids::default();
        let mut started = None;
        // Processes are not nested deeper than their numbers go; what is above the step's first is nobody.
        for _ in 0..1000 {
            let Some(process) = look(at) else { break };
            started = started.or(Some(process.started));
            if let Some((_, ids)) = self.0.get(&at).filter(|(known, _)| *known == process.started) {
                found = ids.clone();
                break;
            }
            let Some(from) = process.from else { break };
            at = from;
        }
        self.put(pid, started?, found.clone());
        Some(found)
    }

    /// Keeps the ids of a thread.
    pub(super) fn put(&mut self, pid: u32, started: u64, ids: Ids) {
        self.0.insert(pid, (started, ids));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gave_up_root_does_not_get_it_back() {
        let mut ids = Ids::default();
        assert_eq!(ids.set_groups(vec![42]), Ok(()));
        let all = |id| (Some(id), Some(id), Some(id));
        let (real, effective, saved) = all(42);
        assert_eq!(ids.change(Change::Groups { real, effective, saved, all: true }), Ok(0));
        assert_eq!(ids.change(Change::Users { real, effective, saved, all: true }), Ok(0));
        assert_eq!((ids.tell(Which::User), ids.tell(Which::EffectiveGroup), ids.groups()), (42, 42, &[42][..]));
        assert_eq!(ids.change(Change::User(0)), Err(Errno::PERM));
        assert_eq!(ids.set_groups(Vec::new()), Err(Errno::PERM));
        assert!(ids.may_own(Some(42), None) && !ids.may_own(Some(0), None) && !ids.may_own(None, Some(7)));
        assert_eq!(ids.change(Change::FileUser(7)), Ok(42));
        assert_eq!(ids.change(Change::FileUser(42)), Ok(42));
    }

    #[test]
    fn who_kept_root_may_return() {
        let mut ids = Ids::default();
        let change = Change::Users { real: None, effective: Some(33), saved: None, all: true };
        assert_eq!(ids.change(change), Ok(0));
        assert_eq!(ids.users(), [0, 33, 0]);
        assert_eq!(ids.change(Change::User(0)), Ok(0));
        assert_eq!(ids.users(), [0, 0, 0]);
        // As `setreuid` swaps.
        assert_eq!(ids.change(Change::Users { real: Some(5), effective: Some(6), saved: None, all: false }), Ok(0));
        assert_eq!(ids.users(), [5, 6, 6]);
    }

    #[test]
    fn children_are_born_with_the_ids_of_their_parents() {
        let mut table = Table::default();
        let mut look = |pid: u32| {
            let from =
                [(2, 1), (3, 2), (4, 3), (9, 1)].into_iter().find_map(|(own, from)| (own == pid).then_some(from));
            (pid < 10).then_some(Process { started: pid.into(), from })
        };
        assert_eq!(table.of(3, &mut look), Some(Ids::default()));
        let mut ids = Ids::default();
        ids.change(Change::User(33)).unwrap();
        table.put(2, 2, ids.clone());
        assert_eq!((table.of(4, &mut look), table.of(9, &mut look)), (Some(ids.clone()), Some(Ids::default())));
        // The number of a process that is gone, and of one that came after it.
        assert_eq!(table.of(77, &mut look), None);
        table.put(9, 5, ids);
        assert_eq!(table.of(9, &mut look), Some(Ids::default()));
    }

    #[test]
    fn a_thread_is_read() {
        let status = "Name:\tx) y\nTgid:\t7\nNgid:\t0\nPid:\t8\nPPid:\t1\n";
        let stat = "8 (x) y) S 1 7 7 0 -1 1077936384 1 0 0 0 0 0 0 0 20 0 1 0 4711 3 4";
        assert_eq!(Process::read(status, stat), Some(Process { started: 4711, from: Some(7) }));
        assert_eq!(Process::read("", stat), None);
    }
}
