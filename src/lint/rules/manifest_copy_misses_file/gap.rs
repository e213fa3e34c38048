//! What a command needs and does not find.
//!
//! A file *stands* where something brings it to its place, or where the mended file will: a file that is *lost* itself may
//! refer to further ones.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::ecosystem::{Closure, Missing, Need, Read};
use crate::model::{Build, KnownCommand, Presence, StepId};
use crate::rewrite::Needed;

/// Rounds in which lost files may lead to others.
const DEEPEST: usize = 20;

/// The files of one command.
pub(super) struct Gap<'a> {
    build: &'a Build<'a>,
    id: StepId,
    command: &'a KnownCommand,
    closure: &'a Closure,
    presences: RefCell<BTreeMap<String, Presence>>,
    lost: Vec<Lost<'a>>,
    parts: Vec<Lost<'a>>,
}

/// A file that nothing brings to its place.
pub(super) struct Lost<'a> {
    /// The file.
    pub(super) read: &'a Read,
    /// What refers to it: a file of the closure, or the command.
    pub(super) from: &'a str,
}

impl<'a> Gap<'a> {
    /// Looks for every file of the command's closure; `None` where none of them is known to stand.
    pub(super) fn new(build: &'a Build<'a>, id: StepId, command: &'a KnownCommand) -> Option<Self> {
        let closure = command.closure.as_ref()?;
        let (lost, parts) = (Vec::new(), Vec::new());
        let mut gap = Self { build, id, command, closure, presences: RefCell::default(), lost, parts };
        closure.reads.iter().find(|read| gap.presence(&read.path).is_there())?;
        gap.find_lost();
        gap.find_parts();
        Some(gap)
    }

    /// Files without which the command fails.
    pub(super) fn lost(&self) -> Vec<&Lost<'a>> {
        self.lost.iter().collect()
    }

    /// Manifests of parts for which nothing is installed.
    pub(super) fn parts(&self) -> Vec<&Lost<'a>> {
        self.parts.iter().collect()
    }

    /// Files that the command needs and that the context does not have.
    pub(super) fn missing(&self) -> impl Iterator<Item = &'a Missing> {
        self.closure.missing.iter().filter(|missing| {
            missing.required
                && self.stands(&missing.from)
                && self.is_absent(&missing.path)
                && !self.is_made(&missing.path)
        })
    }

    /// The step that copies what refers to a lost file.
    pub(super) fn copy_of(&self, lost: &Lost<'_>) -> Option<StepId> {
        self.copies(lost).into_iter().next()
    }

    /// The steps that copy files of the closure, the one that copies what refers to a lost file first.
    pub(super) fn copies(&self, lost: &Lost<'_>) -> Vec<StepId> {
        let copied = |path: &str| match self.presence(path) {
            Presence::Copied(id) => Some(id),
            _ => None,
        };
        let mut steps: Vec<StepId> = copied(lost.from).into_iter().collect();
        for step in self.closure.reads.iter().filter_map(|read| copied(&read.path)) {
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        steps
    }

    /// The lost file as what a copy has to bring.
    pub(super) fn needed(&self, lost: &Lost<'_>) -> Option<Needed> {
        let place = self.command.place_of(&lost.read.path)?;
        Some(Needed { path: lost.read.path.clone(), directory: lost.read.directory, place })
    }

    fn find_lost(&mut self) {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for _ in 0..DEEPEST {
            let closure = self.closure;
            let candidates = closure.reads.iter().filter(|read| !found.contains(read.path.as_str()));
            let fresh: Vec<Lost<'a>> = candidates.filter_map(|read| self.lost_read(read)).collect();
            if fresh.is_empty() {
                break;
            }
            found.extend(fresh.iter().map(|lost| lost.read.path.as_str()));
            self.lost.extend(fresh);
        }
    }

    /// The file as a lost one, where something that stands needs it.
    fn lost_read(&self, read: &'a Read) -> Option<Lost<'a>> {
        let from = match &read.need {
            Need::Optional => None,
            Need::Required { from } => Some(from).filter(|from| self.stands(from)),
            Need::Part { named_by, .. } => named_by.iter().find(|by| self.stands(by)),
        }?;
        self.is_absent(&read.path).then_some(Lost { read, from })
    }

    fn find_parts(&mut self) {
        let mut lists: BTreeMap<&'a str, Vec<&'a Read>> = BTreeMap::new();
        for read in &self.closure.reads {
            if let Need::Part { from, .. } = &read.need {
                lists.entry(from).or_default().push(read);
            }
        }
        for (from, reads) in lists {
            let all = reads.iter().all(|read| self.is_absent(&read.path)) && self.stands(from);
            let unheard = |read: &&&Read| self.comes_later(read) && self.lost.iter().all(|lost| lost.read != **read);
            if all {
                let parts: Vec<Lost<'a>> = reads.iter().filter(unheard).map(|read| Lost { read, from }).collect();
                self.parts.extend(parts);
            }
        }
    }

    /// Whether a later step of the stage copies the file to its place.
    fn comes_later(&self, read: &Read) -> bool {
        let Some(place) = self.command.place_of(&read.path) else { return false };
        let later = self.build.stages[self.id.stage].steps.iter().skip(self.id.step + 1);
        let placements = later.filter_map(|step| step.transfer()?.placement.as_ref());
        placements.into_iter().any(|placement| placement.landing(&read.path).as_ref() == Some(&place))
    }

    /// Whether a file stands where the command looks for it, or will in the mended file. What is no file of the closure
    /// is the command itself.
    fn stands(&self, path: &str) -> bool {
        let is_read = self.closure.reads.binary_search_by(|read| read.path.as_str().cmp(path)).is_ok();
        !is_read || self.presence(path).is_there() || self.lost.iter().any(|lost| lost.read.path == path)
    }

    fn is_absent(&self, path: &str) -> bool {
        self.presence(path) == Presence::Absent
    }

    fn presence(&self, path: &str) -> Presence {
        if let Some(known) = self.presences.borrow().get(path) {
            return *known;
        }
        let presence = self.build.presence(self.id, self.command, path);
        self.presences.borrow_mut().insert(path.to_owned(), presence);
        presence
    }

    /// Whether no clean checkout has the file, so that something makes it before the build.
    fn is_made(&self, path: &str) -> bool {
        self.build.inputs.context.is_some_and(|context| {
            context.unfiltered().entry(path).is_none() && context.unfiltered().is_untracked_by_rule(path)
        })
    }
}
