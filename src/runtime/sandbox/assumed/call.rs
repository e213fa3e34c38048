//! The calls that are answered, read from their numbers and arguments.

use std::collections::HashMap;

use super::ids::{Change, Which};
use crate::runtime::sandbox::seccomp;
use crate::runtime::sys::notify::Asked;

/// `AT_FDCWD`, `AT_SYMLINK_NOFOLLOW` and `AT_EMPTY_PATH` of `linux/fcntl.h`.
const HERE: i32 = -100;
const NO_FOLLOW: u64 = 0x100;
const EMPTY_PATH: u64 = 0x1000;

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// Gives a file to somebody; `None` leaves that half as it is.
    Own { place: FilePlace, user: Option<u32>, group: Option<u32> },
    /// Changes the ids of the process.
    Change(Change),
    /// Asks for one of them.
    Ask(Which),
    /// Asks for the real, effective and saved ids, to be written to these addresses.
    AskAll { users: bool, addresses: [u64; 3], size: usize },
    /// Sets the supplementary groups.
    SetGroups { count: u32, address: u64, size: usize },
    /// Asks for them.
    Groups { count: u32, address: u64, size: usize },
    /// Asks what a file is, to be written to this address; for `statx` with its flags and mask.
    Look { place: FilePlace, address: u64, extended: Option<(u64, u64)> },
}

/// Which file is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilePlace {
    /// A descriptor: the file itself where there is no path, else where a relative path begins. `None` is the working
    /// directory.
    pub(super) descriptor: Option<i32>,
    /// Where the path stands in the memory of the process.
    pub(super) path: Option<u64>,
    /// Whether a link at its end is followed.
    pub(super) follows: bool,
    /// Whether an empty path means the descriptor.
    pub(super) may_be_empty: bool,
}

/// Names of the calls, by architecture and number.
pub(super) struct Calls(HashMap<(u32, u32), &'static str>);

impl Calls {
    /// Those that filters of this machine ask about.
    pub(super) fn known() -> Self {
        Self(seccomp::asked().into_iter().collect())
    }

    /// What is asked; `None` where it is nothing that filters ask about.
    pub(super) fn of(&self, asked: &Asked) -> Option<Call> {
        let name = *self.0.get(&(asked.architecture, asked.number.cast_unsigned()))?;
        // Of the two forms that 32-bit architectures have, the one without the suffix has ids of 16 bits.
        let long = seccomp::is_64_bit(asked.architecture) || name.ends_with("32") || name == "fchownat";
        call(name.trim_end_matches("32"), &asked.arguments, if long { 4 } else { 2 })
    }
}

/// A call by its name; ids have `size` bytes.
fn call(name: &str, arguments: &[u64; 6], size: usize) -> Option<Call> {
    let id = |index: usize| match (arguments[index] as u32, size) {
        (id, 4) => id,
        (id, _) => id & 0xffff,
    };
    let some = |index: usize| Some(id(index)).filter(|id| *id != if size == 4 { u32::MAX } else { 0xffff });
    let [first, second, third, fourth, fifth, _] = *arguments;
    let place = |descriptor: Option<i32>, path: Option<u64>, flags: u64| FilePlace {
        descriptor: descriptor.filter(|descriptor| *descriptor != HERE),
        path,
        follows: flags & NO_FOLLOW == 0,
        may_be_empty: flags & EMPTY_PATH != 0,
    };
    let own = |descriptor: Option<i32>, path: Option<u64>, user: usize, flags: u64| Call::Own {
        place: place(descriptor, path, flags),
        user: some(user),
        group: some(user + 1),
    };
    let look = |place, address, extended| Call::Look { place, address, extended };
    Some(match name {
        "chown" => own(None, Some(first), 1, 0),
        "lchown" => own(None, Some(first), 1, NO_FOLLOW),
        "fchown" => own(Some(first as i32), None, 1, 0),
        "fchownat" => own(Some(first as i32), Some(second), 2, fifth),
        "getuid" => Call::Ask(Which::User),
        "geteuid" => Call::Ask(Which::EffectiveUser),
        "getgid" => Call::Ask(Which::Group),
        "getegid" => Call::Ask(Which::EffectiveGroup),
        "getresuid" => Call::AskAll { users: true, addresses: [first, second, third], size },
        "getresgid" => Call::AskAll { users: false, addresses: [first, second, third], size },
        "getgroups" => Call::Groups { count: first as u32, address: second, size },
        "setgroups" => Call::SetGroups { count: first as u32, address: second, size },
        "setuid" => Call::Change(Change::User(id(0))),
        "setgid" => Call::Change(Change::Group(id(0))),
        "setreuid" => Call::Change(Change::Users { real: some(0), effective: some(1), saved: None, all: false }),
        "setregid" => Call::Change(Change::Groups { real: some(0), effective: some(1), saved: None, all: false }),
        "setresuid" => Call::Change(Change::Users { real: some(0), effective: some(1), saved: some(2), all: true }),
        "setresgid" => Call::Change(Change::Groups { real: some(0), effective: some(1), saved: some(2), all: true }),
        "setfsuid" => Call::Change(Change::FileUser(id(0))),
        "setfsgid" => Call::Change(Change::FileGroup(id(0))),
        "stat" => look(place(None, Some(first), 0), second, None),
        "lstat" => look(place(None, Some(first), NO_FOLLOW), second, None),
        "fstat" => look(place(Some(first as i32), None, 0), second, None),
        "newfstatat" => look(place(Some(first as i32), Some(second), fourth), third, None),
        "statx" => look(place(Some(first as i32), Some(second), third), fifth, Some((third, fourth))),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_that_a_filter_asks_about_is_read() {
        for (_, name) in seccomp::asked() {
            assert!(call(name.trim_end_matches("32"), &[0; 6], 4).is_some(), "{name}");
        }
    }

    #[test]
    fn minus_one_leaves_an_id_as_it_is() {
        let long = call("chown", &[7, 33, u64::from(u32::MAX), 0, 0, 0], 4);
        let Some(Call::Own { place, user, group }) = long else { panic!("{long:?}") };
        assert_eq!((user, group, place.path, place.follows), (Some(33), None, Some(7), true));
        let short = call("setreuid", &[0xffff, 5, 0, 0, 0, 0], 2);
        let expected = Change::Users { real: None, effective: Some(5), saved: None, all: false };
        assert_eq!(short, Some(Call::Change(expected)));
    }
}
