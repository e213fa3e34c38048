//! Events: changes with weights, from the project's history or, where that is short, from what projects do in general.

use std::collections::{BTreeSet, HashMap};

use super::{
    Profile,
    simulate::{argument_changes, is_ignored, names_path, reads_path},
};
use crate::{
    context::{EntryKind, History},
    model::{Action, Build, StepId, Transfer},
};

/// Commits below which the history alone is no basis: the rest of the weight goes to the classes.
pub const ENOUGH_COMMITS: usize = 30;

/// Share of commits that touch only sources: pooled over 10,008 commits of 51 repositories, rounded.
const SOURCE_SHARE: f64 = 0.62;
/// Share of commits that touch a manifest or lock file, usually with sources.
const MANIFEST_SHARE: f64 = 0.28;
/// Share of commits that touch one given other file, such as an entry point script.
const FILE_SHARE: f64 = 0.02;

/// A file of a git repository that changes with every commit.
const METADATA: &str = ".git/index";

/// A change that happens with some weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Where it comes from.
    pub source: EventSource,
    /// Its share; the weights of all events add up to 1.
    pub weight: f64,
    /// The instructions it dirties directly.
    pub dirt: BTreeSet<usize>,
}

/// Where an event comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventSource {
    /// The commit of that index in the history.
    Commit(usize),
    /// A class of commits: `sources`, `manifests`, `one file`, `nothing`.
    Class(&'static str),
}

/// All that may happen to a build.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Events {
    /// Events; their weights add up to 1.
    pub events: Vec<Event>,
    /// How many of them are commits.
    pub commits: usize,
    /// The weight of the classes that stand in for missing history, 0 to 1.
    pub class_share: f64,
}

impl Events {
    /// The events of a history, newest commits first, filled up with classes of changes where it is short.
    pub fn of_history(build: &Build<'_>, profile: Profile, history: Option<&History>) -> Self {
        let empty = History::default();
        let commits = &history.unwrap_or(&empty).commits;
        let class_share = 1.0 - commits.len().min(ENOUGH_COMMITS) as f64 / ENOUGH_COMMITS as f64;
        let mut reader = PathReader { build, profile, known: HashMap::new() };
        let mut events: Vec<Event> = Vec::with_capacity(commits.len() + 4);
        for (index, commit) in commits.iter().enumerate() {
            let dirt = reader.dirtied(&commit.paths);
            let weight = (1.0 - class_share) / commits.len() as f64;
            events.push(Event { source: EventSource::Commit(index), weight, dirt });
        }
        if class_share > 0.0 {
            events.extend(class_events(build, profile, class_share));
        }
        let every_build = every_build_dirt(build, profile);
        for event in &mut events {
            event.dirt.extend(&every_build);
        }
        Self { events, commits: commits.len(), class_share }
    }
}

/// Steps whose key is another at every commit: it holds an argument that every build gives anew, such as the commit's id,
/// or the repository's own metadata.
fn every_build_dirt(build: &Build<'_>, profile: Profile) -> BTreeSet<usize> {
    let volatile = build.volatile_arguments();
    let has_metadata = build.inputs.context.is_some_and(|context| context.entry(METADATA).is_some());
    let changes = |id: StepId| {
        !argument_changes(build, profile, id, &volatile).is_empty()
            || has_metadata && reads_path(build, profile, id, METADATA)
    };
    build.steps().filter(|(id, _)| changes(*id)).map(|(_, step)| step.instruction).collect()
}

/// Which steps a path dirties, asked once per path.
struct PathReader<'a> {
    build: &'a Build<'a>,
    profile: Profile,
    known: HashMap<String, Vec<usize>>,
}

impl PathReader<'_> {
    fn dirtied(&mut self, paths: &[String]) -> BTreeSet<usize> {
        let mut dirt = BTreeSet::new();
        for path in paths {
            if let Some(known) = self.known.get(path) {
                dirt.extend(known);
                continue;
            }
            let naming = self.build.steps().filter(|(id, _)| names_path(self.build, self.profile, *id, path));
            let mut steps: Vec<usize> = naming.map(|(_, step)| step.instruction).collect();
            if !steps.is_empty() && is_ignored(self.build, path) {
                steps.clear();
            }
            dirt.extend(&steps);
            self.known.insert(path.clone(), steps);
        }
        dirt
    }
}

fn class_events(build: &Build<'_>, profile: Profile, share: f64) -> Vec<Event> {
    let mut sources = BTreeSet::new();
    let mut manifests = BTreeSet::new();
    let mut files = Vec::new();
    for (id, step) in build.steps() {
        let contents = contents(build, profile, id);
        let instruction = step.instruction;
        if contents.sources {
            sources.insert(instruction);
        }
        if contents.sources || contents.manifests {
            manifests.insert(instruction);
        }
        if contents.single_file && !contents.manifests && !contents.sources {
            files.push(instruction);
        }
    }
    let mut events = vec![class("sources", SOURCE_SHARE, sources), class("manifests", MANIFEST_SHARE, manifests)];
    let rest = 1.0 - SOURCE_SHARE - MANIFEST_SHARE;
    let each = FILE_SHARE.min(rest / files.len().max(1) as f64);
    events.extend(files.iter().map(|file| class("one file", each, BTreeSet::from([*file]))));
    events.push(class("nothing", (rest - each * files.len() as f64).max(0.0), BTreeSet::new()));
    for event in &mut events {
        event.weight *= share;
    }
    events
}

fn class(name: &'static str, weight: f64, dirt: BTreeSet<usize>) -> Event {
    Event { source: EventSource::Class(name), weight, dirt }
}

/// What kinds of files of the context are in a step's key.
#[derive(Default)]
struct Contents {
    sources: bool,
    manifests: bool,
    single_file: bool,
}

fn contents(build: &Build<'_>, profile: Profile, id: StepId) -> Contents {
    match &build.step(id).action {
        Action::Transfer(transfer) => Contents {
            sources: transfer.holds_directory() && !holds_only_manifests(build, transfer),
            manifests: transfer.made.is_some() || build.manifests().any(|path| transfer.selects(path)),
            single_file: transfer.is_from_context(),
        },
        Action::Run(run) if profile.bind_mount_content => Contents {
            sources: run
                .mounts
                .iter()
                .any(|mount| mount.context.as_deref().is_some_and(|path| is_directory(build, path))),
            manifests: build.manifests().any(|path| run.mounts_path(path)),
            single_file: run.mounts.iter().any(|mount| mount.context.is_some()),
        },
        _ => Contents::default(),
    }
}

/// Whether all that a copy brings is read by installs: `COPY requirements requirements`.
fn holds_only_manifests(build: &Build<'_>, transfer: &Transfer) -> bool {
    let (Some(context), Some(placement)) = (build.inputs.context, &transfer.placement) else { return false };
    let manifests: BTreeSet<&str> = build.manifests().collect();
    placement.roots.iter().filter(|root| root.directory).all(|root| {
        let walk = context.walk(&root.context, 2 * manifests.len() + 1);
        let mut files = walk.found.iter().filter(|(_, entry)| entry.kind != EntryKind::Directory).peekable();
        !walk.cut && files.peek().is_some() && files.all(|(path, _)| manifests.contains(path.as_str()))
    })
}

fn is_directory(build: &Build<'_>, path: &str) -> bool {
    let entry = build.inputs.context.and_then(|context| context.entry(path));
    path.is_empty() || entry.is_some_and(|entry| entry.kind == EntryKind::Directory)
}
