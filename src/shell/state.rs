//! What is known at a point of a script: the shell's own state, and what hangs on a command's exit status there.

use std::collections::HashMap;

use super::script::{Assignment, Directory, Guard};
use super::word::Value;

/// Whom the exit status of a piece of the script concerns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    /// A failure fails the step.
    Counts,
    /// More of the list follows: a failure fails the step under `set -e` only.
    Middle,
    /// A failure is swallowed.
    Ignored,
}

/// The place of a piece of the script among the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// It may not run.
    pub(super) conditional: bool,
    /// Whom its status concerns.
    pub(super) status: Status,
    /// `set -e` has no say here: a condition, or the left side of `&&` or `||`.
    pub(super) suppressed: bool,
    /// `exit 1` here fails the step.
    pub(super) exit_counts: bool,
}

impl Place {
    /// The whole script.
    pub(super) const TOP: Self =
        Self { conditional: false, status: Status::Counts, suppressed: false, exit_counts: true };

    /// A condition, or another place whose status is looked at and then forgotten.
    pub(super) fn ignored(self) -> Self {
        Self { status: Status::Ignored, suppressed: true, ..self }
    }

    pub(super) fn conditional(self) -> Self {
        Self { conditional: true, ..self }
    }

    /// A subshell or another shell at this place.
    pub(super) fn subshell(self, state: &State) -> Self {
        let status = if self.masked(state) { Status::Ignored } else { Status::Counts };
        Self { status, exit_counts: status == Status::Counts, ..self }
    }

    /// Whether a failure here does not fail the step.
    pub(super) fn masked(self, state: &State) -> bool {
        match self.status {
            Status::Counts => false,
            Status::Middle => !state.errexit,
            Status::Ignored => true,
        }
    }

    pub(super) fn guard(self, state: &State) -> Guard {
        Guard {
            conditional: self.conditional || state.may_have_left,
            masked: self.masked(state),
            by_order: self.status == Status::Middle && !state.errexit,
        }
    }
}

/// How many variables are followed; beyond that all are taken as not known.
const MOST_VARIABLES: usize = 64;

/// The shell's state.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option or a fact of its own, as in the shell itself")]
pub(super) struct State {
    pub(super) directory: Directory,
    pub(super) errexit: bool,
    pub(super) pipefail: bool,
    /// An `exit 0` may have ended the script.
    pub(super) may_have_left: bool,
    /// What stands here may run several times, or later: a loop or a function.
    pub(super) repeated: bool,
    /// The user that an outer `sudo -u … sh -c` switched to.
    pub(super) user: Option<String>,
    /// Prefixes of the shell that runs this script.
    pub(super) prefixes: Vec<String>,
    /// Assignments before the shell that runs this script.
    pub(super) assignments: Vec<Assignment>,
    /// Variables that the script assigned; `None` where the value is not known.
    variables: HashMap<String, Option<String>>,
    /// There were more variables than are followed.
    overflowed: bool,
}

impl State {
    pub(super) fn new(errexit: bool, pipefail: bool) -> Self {
        Self {
            directory: Directory::Start,
            errexit,
            pipefail,
            may_have_left: false,
            repeated: false,
            user: None,
            prefixes: Vec::new(),
            assignments: Vec::new(),
            variables: HashMap::new(),
            overflowed: false,
        }
    }

    /// What another shell starts with. Of the variables it sees only those that are exported, so none is known.
    pub(super) fn for_new_shell(&self, errexit: bool, pipefail: bool) -> Self {
        let mut state = Self { errexit, pipefail, may_have_left: self.may_have_left, ..self.clone() };
        for value in state.variables.values_mut() {
            *value = None;
        }
        state
    }

    /// Records an assignment; `None` for a value that is not known.
    pub(super) fn assign(&mut self, name: &str, value: Option<String>) {
        if self.variables.len() >= MOST_VARIABLES && !self.variables.contains_key(name) {
            self.overflowed = true;
        } else {
            self.variables.insert(name.to_owned(), value);
        }
    }

    /// Forgets that the script assigned a variable, as a `for` loop gives it values of its own.
    pub(super) fn forget(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// The value of a variable. `assigned` says how often the whole script assigns each: in a loop, a value is known
    /// only where no later assignment can have replaced it.
    pub(super) fn lookup(&self, name: &str, assigned: &HashMap<String, usize>) -> Value {
        let times = if self.repeated { assigned.get(name).copied().unwrap_or(0) } else { 0 };
        match self.variables.get(name) {
            Some(Some(value)) if times <= 1 => Value::Known(value.clone()),
            Some(_) => Value::Hidden,
            None if self.overflowed || times > 0 => Value::Hidden,
            None => Value::Outer,
        }
    }

    /// Keeps what holds both here and in `other`, another way that the script may have taken.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.directory != other.directory {
            self.directory = Directory::Unknown;
        }
        self.errexit &= other.errexit;
        self.pipefail &= other.pipefail;
        self.may_have_left |= other.may_have_left;
        self.overflowed |= other.overflowed;
        self.hide_changes_of(other);
    }

    /// Takes as not known each variable that differs in `other`.
    pub(super) fn hide_changes_of(&mut self, other: &Self) {
        for (name, value) in &mut self.variables {
            if other.variables.get(name) != Some(value) {
                *value = None;
            }
        }
        for name in other.variables.keys() {
            self.variables.entry(name.clone()).or_insert(None);
        }
    }
}
