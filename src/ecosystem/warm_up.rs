//! Warm-ups: earlier steps that do a part of what a later command does, without the sources.

use super::catalog::Catalog;
use super::closure::{Build, found_spec};
use super::made::options_without_set;
use super::pack::{CommandSpec, Cost, WarmUpSpec};
use super::pattern::name_matches;
use super::recognition::{Access, GivenOption, Match, PathArgument, Recognition};
use super::site::Site;
use super::{Closure, Effect, Refusal};

/// A step that may be inserted before a command.
#[derive(Clone, Debug, PartialEq)]
pub struct WarmUp {
    /// Its command line.
    pub line: Line,
    /// The step as its pack reads it.
    pub known: Match,
    /// What it reads and writes. With refusals in it, the step must not be inserted.
    pub closure: Closure,
    /// Absolute directories that it fills.
    pub fills: Vec<String>,
    /// Variables (`*` allowed) that, set before the later command, must stand before this one too.
    pub carry_environment: Vec<String>,
    /// Why the later command completes what the step leaves in the image to what it makes alone; `None` where the step
    /// only fills caches.
    pub completes: Option<String>,
    /// Why the image may differ all the same.
    pub differs: Vec<Refusal>,
    /// Whether it is worth a step only for the manifests that it does not read.
    pub lock_only: bool,
    /// What the later command takes after it, where the pack says so.
    pub rest: Option<Cost>,
}

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// These words, the options of the later command among them that the step needs.
    Fixed(String),
    /// The words of the later command, and these.
    Extended(Vec<String>),
}

impl WarmUp {
    /// Whether a variable that is set before the later command must stand before this one too.
    pub fn carries(&self, name: &str) -> bool {
        self.carry_environment.iter().any(|pattern| name_matches(pattern, name))
    }
}

impl Catalog {
    /// The warm-up that the pack knows for the command in the project at `site`.
    pub fn warm_up(&self, recognition: &Recognition, site: &Site) -> Option<WarmUp> {
        let found = self.resolve(recognition, site)?;
        let mut named = found.pack.warm_up.iter().filter(|warm_up| warm_up.before.contains(&found.title));
        let spec = named.find(|warm_up| self.applies(warm_up, found, site))?;
        let known = early(found, spec);
        let closure_spec = match &spec.closure {
            Some(name) => found.pack.closure.get(name.get_ref())?,
            None => found_spec(&known),
        };
        let build = Build::new(self, &known, *site, 0);
        let (mut closure, differs) = build.warm(closure_spec, spec);
        closure.refusals.extend(not_carried(found, spec));
        let line = match &spec.run {
            Some(run) => Line::Fixed(carrying(run, found, spec)),
            None => Line::Extended(spec.add.clone()),
        };
        Some(WarmUp {
            line,
            closure,
            differs,
            fills: spec.fills.clone(),
            carry_environment: spec.carry_environment.clone(),
            completes: spec.completes.clone(),
            lock_only: spec.lock_only,
            rest: spec.rest,
            known,
        })
    }

    fn applies(&self, spec: &WarmUpSpec, found: &Match, site: &Site) -> bool {
        if spec.add.iter().any(|option| found.has_option(option)) {
            return false;
        }
        let mut build = Build::new(self, found, *site, 0);
        build.project = build.project_directory(found_spec(found)).unwrap_or_default();
        let wanted = spec.when.is_empty() || spec.when.iter().any(|condition| build.holds(condition).is_some());
        wanted && !spec.unless.iter().any(|condition| build.holds(condition).is_some())
    }

    /// Whether the command only downloads: it is a warm-up itself.
    pub fn is_download(&self, found: &Match) -> bool {
        found.effect() == Effect::Download && found_spec(found).outputs.is_empty()
    }
}

/// The step as its pack reads it: the later command with the added options, or nothing of it but where it works.
fn early(found: &Match, spec: &WarmUpSpec) -> Match {
    let mut known = found.clone();
    if spec.run.is_some() {
        known.arguments.clear();
        known.unknown.clear();
        known.paths = project_paths(found);
    }
    known.options.extend(spec.add.iter().map(|option| match option.split_once('=') {
        Some((name, value)) => GivenOption { name: name.to_owned(), value: Some(value.to_owned()) },
        None => GivenOption { name: option.clone(), value: None },
    }));
    if let Some((entry, title)) = spec.run.as_ref().and_then(|run| entry_of(&known, run)) {
        known.entry = entry;
        known.title = title;
    }
    if let Some(entry) = entry_that_asks_for(&known, &spec.add) {
        known.entry = entry;
        if !known.spec().any_option {
            known.unknown.extend(options_without_set(&known));
        }
    }
    known
}

/// The entry, and its words, with which a command line of the same pack begins.
fn entry_of(known: &Match, line: &str) -> Option<(usize, String)> {
    let entries = known.pack.commands.iter().enumerate();
    let titles = entries.flat_map(|(entry, spec)| titles(spec).map(move |title| (entry, title)));
    let begins = |title: &str| line.strip_prefix(title).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    // Of entries with the same words the first is meant.
    titles.filter(|(_, title)| begins(title)).min_by_key(|(entry, title)| (usize::MAX - title.len(), *entry))
}

/// The entry of the same command that asks for one of the added options: with it, a build may be a mere install.
fn entry_that_asks_for(known: &Match, added: &[String]) -> Option<usize> {
    known.pack.commands.iter().position(|spec| {
        titles(spec).any(|title| title == known.title)
            && spec.require.iter().any(|name| added.contains(name))
            && !spec.forbid.iter().any(|name| known.has_option(name))
    })
}

/// Programs and subcommands of an entry.
fn titles(spec: &CommandSpec) -> impl Iterator<Item = String> {
    spec.programs.iter().flat_map(|program| {
        let title =
            move |words: &String| format!("{program} {words}", program = program.get_ref()).trim_end().to_owned();
        spec.subcommands.iter().map(title)
    })
}

/// A command line with the options of the later command that it must have too.
fn carrying(run: &str, found: &Match, spec: &WarmUpSpec) -> String {
    let carried = carried(found, spec);
    carried.fold(run.to_owned(), |line, option| match &option.value {
        // `-Dname=value` is one word, and so may every option be that is longer than a letter.
        Some(value) if option.name.len() > "-x".len() => format!("{line} {}={value}", option.name),
        Some(value) => format!("{line} {} {value}", option.name),
        None => format!("{line} {}", option.name),
    })
}

/// The options of the later command that the step must have too.
fn carried<'f>(found: &'f Match, spec: &'f WarmUpSpec) -> impl Iterator<Item = &'f GivenOption> {
    let meant = |option: &&GivenOption| spec.carry.iter().any(|pattern| name_matches(pattern, &option.name));
    found.options.iter().filter(meant)
}

/// Why an option that the step must have cannot be written down in it.
fn not_carried(found: &Match, spec: &WarmUpSpec) -> Option<Refusal> {
    let open = spec.run.is_some() && spec.carry.iter().any(|pattern| pattern.contains('*'));
    let unread = found.arguments.iter().filter(|argument| argument.value.is_none());
    let unknown = found.unknown.iter().chain(unread.map(|argument| &argument.raw)).next().filter(|_| open).cloned();
    let sets = || found.pack.options.values();
    let takes_value = |name: &String| sets().any(|set| set.values.contains(name) || set.files.contains_key(name));
    let plain = |text: &str| text.chars().all(|letter| letter.is_alphanumeric() || "/._-+@:,=%".contains(letter));
    let doubtful = carried(found, spec).find(|option| match &option.value {
        Some(value) => !plain(&option.name) || !plain(value),
        None => !plain(&option.name) || takes_value(&option.name),
    });
    let word = unknown.or_else(|| doubtful.map(|option| option.name.clone()))?;
    Some(Refusal {
        reason: format!("the step would need `{word}` too, of which not enough is known"),
        evidence: format!("`{} … {word}`", found.title),
        inherent: false,
    })
}

/// The directory that an option makes the command work in, without the other paths.
fn project_paths(found: &Match) -> Vec<PathArgument> {
    found.paths.iter().filter(|path| path.access == Access::Project).cloned().collect()
}
