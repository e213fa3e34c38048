//! From a simple command to what the packs know of it.

use std::sync::Arc;

use super::catalog::Catalog;
use super::pack::{CommandSpec, Pack, Role};
use super::pattern::name_matches;
use super::recognition::{Access, Match, PathArgument, Recognition};
use super::words::{Sorted, Sorter, Word};
use crate::shell::SimpleCommand;

impl Catalog {
    /// What the packs know of `command`. `lookup` gives the values of variables that are known where it runs.
    pub fn recognize(&self, command: &SimpleCommand, lookup: &dyn Fn(&str) -> Option<String>) -> Recognition {
        let words: Vec<Word> = command.words.iter().map(|word| Word::new(word, lookup)).collect();
        self.recognize_words(&words)
    }

    pub(super) fn recognize_words(&self, words: &[Word]) -> Recognition {
        let found = self.matches(words, false);
        if !found.is_empty() {
            return Recognition { candidates: found };
        }
        if let Some((runner, rest)) = self.after_runner(words, |runner| runner.runs) {
            let mut candidates = self.matches(rest, false);
            for candidate in &mut candidates {
                candidate.runner = Some(runner.clone());
            }
            if !candidates.is_empty() {
                return Recognition { candidates };
            }
        }
        Recognition { candidates: self.matches(words, true) }
    }

    /// The words that a runner of a certain sort runs, and the runner's name.
    pub(super) fn after_runner<'w>(
        &self,
        words: &'w [Word],
        wanted: impl Fn(&super::pack::Runner) -> bool,
    ) -> Option<(String, &'w [Word])> {
        let first = base_name(words.first()?.value()?);
        let runners = self.packs_running(first).flat_map(|pack| &pack.runners).filter(|runner| wanted(runner));
        runners
            .flat_map(|runner| runner.programs.iter().map(move |program| (runner, program.get_ref())))
            .filter_map(|(runner, program)| {
                let taken = program_matches(program, words)?;
                let own = words.get(taken..)?.iter();
                let flags = own
                    .take_while(|word| word.value().is_some_and(|value| runner.flags.iter().any(|flag| flag == value)));
                let taken = taken + flags.count();
                let rest = words.get(taken..).filter(|rest| {
                    rest.first().is_some_and(|word| word.value().is_some_and(|value| !value.starts_with('-')))
                })?;
                Some((taken, program.clone(), rest))
            })
            .max_by_key(|(taken, ..)| *taken)
            .map(|(_, program, rest)| (program, rest))
    }

    /// The packs' entries that fit: the `last` ones, or the others.
    fn matches(&self, words: &[Word], last: bool) -> Vec<Match> {
        let Some(program) = words.first().and_then(Word::value) else { return Vec::new() };
        let found: Vec<Match> = self
            .packs_for(base_name(program))
            .filter_map(|pack| {
                let entries = pack.commands.iter().enumerate().filter(|(_, spec)| spec.last == last);
                entries.into_iter().find_map(|(entry, spec)| match_entry(pack, entry, spec, words))
            })
            .collect();
        // `python -m pip` is no mere `python`.
        let length = |found: &Match| found.title.split(' ').count();
        let longest = found.iter().map(length).max().unwrap_or_default();
        found.into_iter().filter(|found| length(found) == longest).collect()
    }
}

/// The name that the first word of a program pattern is compared with: `./x` stays, `/usr/bin/x` is `x`.
pub(super) fn base_name(program: &str) -> &str {
    let Some((directory, name)) = program.rsplit_once('/') else { return program };
    let parent = directory.rsplit('/').next().unwrap_or_default();
    let installed = directory.starts_with('/') || directory.trim_start_matches("./").contains('/');
    // A program of the project, such as `bin/install`, is not the one of the same name on the search path.
    if installed && matches!(parent, "bin" | "sbin" | ".bin") { name } else { program }
}

/// How many words the program pattern takes, where it fits.
fn program_matches(pattern: &str, words: &[Word]) -> Option<usize> {
    let mut parts = pattern.split(' ');
    let first = words.first()?.value()?;
    if !name_matches(parts.next()?, base_name(first)) {
        return None;
    }
    let mut count = 1;
    for part in parts {
        let value = words.get(count)?.value()?;
        let fits = name_matches(part, value) || (count == 1 && name_matches(part, base_name(value)));
        count += fits.then_some(1)?;
    }
    Some(count)
}

fn match_entry(pack: &Arc<Pack>, entry: usize, spec: &CommandSpec, words: &[Word]) -> Option<Match> {
    spec.programs.iter().find_map(|program| {
        let taken = program_matches(program.get_ref(), words)?;
        let rest = words.get(taken..)?;
        spec.subcommands.iter().find_map(|subcommand| {
            let wanted: Vec<&str> = subcommand.split_whitespace().collect();
            // Most entries are another subcommand's: that shows before anything is sorted.
            if !wanted.iter().all(|wanted| rest.iter().any(|word| word.value() == Some(wanted))) {
                return None;
            }
            let sorted = Sorter::new(pack, spec).sort(rest, wanted.len());
            let fits = sorted.arguments.len() >= wanted.len()
                && wanted.iter().zip(&sorted.arguments).all(|(wanted, word)| word.value() == Some(wanted));
            let title = || format!("{program} {subcommand}", program = program.get_ref()).trim_end().to_owned();
            fits.then(|| finish(pack, entry, title(), sorted, wanted.len())).flatten()
        })
    })
}

/// The match, where options and arguments are those that the entry asks for.
fn finish(pack: &Arc<Pack>, entry: usize, title: String, mut sorted: Sorted, subcommand: usize) -> Option<Match> {
    let spec = &pack.commands[entry];
    let arguments = sorted.arguments.split_off(subcommand);
    let roles = assign_roles(&spec.arguments, arguments.len())?;
    if arguments.len() < spec.least {
        return None;
    }
    if let Some(only) = &spec.only
        && !arguments.iter().all(|word| match (word.value(), &spec.only_start) {
            (Some(value), _) => only.matches(value),
            (None, Some(start)) => start.matches(word.start()),
            (None, None) => false,
        })
    {
        return None;
    }
    let mut found = Match {
        pack: Arc::clone(pack),
        entry,
        title,
        options: sorted.options,
        arguments: arguments.iter().map(|word| word.argument.clone()).collect(),
        paths: sorted.paths,
        unknown: sorted.unknown,
        runner: None,
    };
    let required = spec.require.is_empty() || spec.require.iter().any(|name| found.has_option(name));
    if !required || spec.forbid.iter().any(|name| found.has_option(name)) {
        return None;
    }
    let recursive = spec.recursive || spec.recursive_with.iter().any(|name| found.has_option(name));
    let directory = |found: &Match, access| {
        let path = found.project_directory().unwrap_or(".").to_owned();
        PathArgument { path, pattern: false, access, recursive: true, group: None }
    };
    for (word, role) in arguments.iter().zip(roles) {
        role_path(&mut found, word, role, recursive);
    }
    if spec.reads_directory && !found.paths.iter().any(|path| path.access == Access::Read) {
        found.paths.push(directory(&found, Access::Read));
    }
    if spec.writes_directory {
        found.paths.push(directory(&found, Access::Write));
    }
    Some(found)
}

/// A role for each of `count` arguments; at most one role of the list repeats.
fn assign_roles(roles: &[Role], count: usize) -> Option<Vec<Role>> {
    let Some(repeated) = roles.iter().position(|role| role.repeats()) else {
        return (count <= roles.len()).then(|| roles[..count].to_vec());
    };
    let (before, after) = (&roles[..repeated], &roles[repeated + 1..]);
    if count < before.len() + after.len() {
        return (count <= before.len()).then(|| before[..count].to_vec());
    }
    let mut assigned = before.to_vec();
    assigned.resize(count - after.len(), roles[repeated]);
    assigned.extend_from_slice(after);
    Some(assigned)
}

fn role_path(found: &mut Match, word: &Word, role: Role, recursive: bool) {
    let access = match role {
        Role::Name | Role::Names => return,
        Role::NamesOrPaths => return name_or_path(found, word, recursive),
        Role::Read | Role::Reads => Access::Read,
        Role::Write | Role::Writes => Access::Write,
        Role::Modifies => Access::Modify,
        Role::Removes => Access::Remove,
        Role::Project => Access::Project,
    };
    match word.path(access) {
        // An address is no file of this machine.
        Some(path) if access == Access::Read && path.path.contains("://") => {}
        Some(path) => {
            found.paths.push(PathArgument { recursive: recursive && access != Access::Project, ..path });
        }
        None => found.unknown.push(word.argument.raw.clone()),
    }
}

fn name_or_path(found: &mut Match, word: &Word, recursive: bool) {
    let path = match word.value() {
        Some(value) if ends_like_path(found.spec(), value) => path_in(value).unwrap_or(value),
        Some(value) => match path_in(value) {
            Some(path) => path,
            None => return,
        },
        None if is_name_with_version(word.start()) => return,
        // Files that fit the pattern are found by the shell.
        None if word.begins(|start| path_in(start).is_some()) => return,
        None => return found.unknown.push(word.argument.raw.clone()),
    };
    let path = path.to_owned();
    found.paths.push(PathArgument { path, pattern: false, access: Access::Read, recursive, group: None });
}

/// `nginx=`, `@scope/tool@`: the beginning of a name whose version follows.
fn is_name_with_version(start: &str) -> bool {
    let name = start.strip_prefix('@').unwrap_or(start);
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.contains(['@', '='])
        && !name.starts_with("file:")
        && !name.contains(char::is_whitespace)
}

/// `x.rpm`, not `https://example.org/x.rpm`.
fn ends_like_path(spec: &CommandSpec, value: &str) -> bool {
    !value.contains("://") && spec.path_endings.iter().any(|ending| value.ends_with(ending.as_str()))
}

/// The path in a word that may be a name: all of `./x.deb`, `/tmp/x.deb` and `..`, the end of `file:./x`, `link:../x`,
/// `tool@./x` and `tool@file:x`; none in `openjdk-17-jre/stable`, `github.com/a/b@v1`, `https://…`.
fn path_in(value: &str) -> Option<&str> {
    // The first letter may be that of a scope: `@scope/tool@./x`.
    let end_of_name = value.char_indices().skip(1).find(|(_, letter)| *letter == '@').map(|(at, _)| at);
    let after_name = || addressed_path(value[end_of_name? + 1..].trim_start());
    addressed_path(value).or_else(after_name)
}

fn addressed_path(value: &str) -> Option<&str> {
    if value.starts_with(['/', '.', '~']) {
        return Some(value);
    }
    let (scheme, rest) = value.split_once(':')?;
    let is_scheme = !scheme.is_empty() && scheme.chars().all(|letter| letter.is_ascii_lowercase());
    let is_path = rest.starts_with(['/', '.']) && !rest.starts_with("//");
    match scheme {
        "file" => Some(rest.strip_prefix("//").unwrap_or(rest)),
        _ => (is_scheme && is_path).then_some(rest),
    }
}
