//! Variables by which files that a copy brings may change what a command does.

use super::{
    carried::{Bring, Carried},
    crossing::{Needed, Obstacle},
};
use crate::{
    ecosystem::{
        Effect, SearchPath, home_settings, is_output_variable, is_path_variable, search_path, search_paths_here,
    },
    model::{KnownCommand, Run, StagePath, State, StepId},
    shell::{Part, ShellWord},
};

/// A variable that a command finds: as much of its value as is known.
struct Setting {
    name: String,
    value: String,
}

/// A program that a command runs, or looks up by name, may stand in a directory that is copied; and some variables point
/// any program to files. What of these must be copied before the command.
///
/// # Errors
/// The variable that points to what the copy brings.
pub(super) fn program_obstacle(
    carried: &Carried<'_>,
    id: StepId,
    run: &Run,
    command: &KnownCommand,
) -> Result<Vec<Needed>, Obstacle> {
    let state = &carried.build.step(id).before;
    let directory = command.directory.as_ref().unwrap_or(&state.directory);
    let mut needed = Vec::new();
    for setting in settings(state, run, command) {
        if setting.name == "PATH" {
            for entry in setting.value.split(':').filter(|entry| !entry.is_empty()) {
                check_search_path(carried, command, &directory.join(entry))
                    .map_err(|()| points_to(id, &setting, entry))?;
            }
        } else if is_path_variable(&setting.name) {
            needed.extend(
                pointed_to(carried, command, directory, &setting).map_err(|word| points_to(id, &setting, word))?,
            );
        }
    }
    Ok(needed)
}

fn points_to(id: StepId, setting: &Setting, place: &str) -> Obstacle {
    let reason = format!("`{}` points to `{place}`, which is copied before it", setting.name);
    Obstacle::new(id, reason, format!("{}={}", setting.name, setting.value))
}

/// A variable that a program looks at, or that the command's pack says it reads, may point to what is copied. What of it
/// must be copied before the command.
///
/// # Errors
/// The variable that does.
pub(super) fn environment_obstacle(
    carried: &Carried<'_>,
    id: StepId,
    run: &Run,
    command: &KnownCommand,
) -> Result<Vec<Needed>, Obstacle> {
    let state = &carried.build.step(id).before;
    let directory = command.directory.clone().unwrap_or_else(|| state.directory.clone());
    let mut needed = Vec::new();
    for setting in settings(state, run, command) {
        let obstacle = |place: &str| points_to(id, &setting, place);
        if setting.name == "HOME" {
            check_home(carried, &directory.join(&setting.value)).map_err(|()| obstacle(&setting.value))?;
        } else if let Some(path) = search_path(&setting.name).filter(|_| command.known.reads_variable(&setting.name)) {
            for entry in setting.value.split(':').filter(|entry| !entry.is_empty()) {
                check_modules(carried, path, &directory.join(entry)).map_err(|()| obstacle(entry))?;
            }
        } else if command.reads_variable(&setting.name) && !is_path_variable(&setting.name) {
            needed.extend(pointed_to(carried, command, &directory, &setting).map_err(obstacle)?);
        }
    }
    for path in search_paths_here(&command.known.title) {
        let reason = format!("it looks for modules in `{directory}`, which is copied before it");
        check_modules(carried, path, &directory)
            .map_err(|()| Obstacle::new(id, reason, command.known.title.clone()))?;
    }
    Ok(needed)
}

/// The files of the copy that a variable's value names.
///
/// # Errors
/// The piece of the value that names more than one file.
fn pointed_to<'s>(
    carried: &Carried<'_>,
    command: &KnownCommand,
    directory: &StagePath,
    setting: &'s Setting,
) -> Result<Vec<Needed>, &'s str> {
    let mut needed = Vec::new();
    for word in words(&setting.value) {
        let place = directory.join(word);
        match carried.brings(&place) {
            Bring::Nothing if is_open_name(word) => {
                // A program may put the ending to a name: `./hook` is `./hook.js`.
                if carried.brings_name_like(&directory.join(&format!("{word}."))) {
                    return Err(word);
                }
            }
            Bring::Nothing => {}
            Bring::Unknown if is_ordinary(command) => {}
            // A program may load others that nobody knows of.
            Bring::File(path)
                if !carried.transfer.varies && !is_program(&path) && !is_output_variable(&setting.name) =>
            {
                needed.push(Needed { path, directory: false, place });
            }
            _ => return Err(word),
        }
    }
    Ok(needed)
}

/// The path that stands right after an option of one letter; any other piece as it is.
fn without_option(piece: &str) -> &str {
    match piece.find('/').filter(|_| piece.starts_with('-')) {
        Some(slash) => &piece[piece[..slash].trim_end_matches('.').len()..],
        None => piece,
    }
}

/// Whether a word is a path by its form, so that it is looked for where it says and nowhere else.
fn is_open_name(word: &str) -> bool {
    word.starts_with(['/', '.']) && word.contains('/') && !word.ends_with(['/', '.'])
}

/// What `ENV` and `ARG` set, what commands before it in the step export, and what stands in front of the command.
fn settings(state: &State, run: &Run, command: &KnownCommand) -> Vec<Setting> {
    let declared =
        state.variables().map(|(name, variable)| Setting { name: name.to_owned(), value: variable.partial.clone() });
    let earlier = run.commands.iter().take_while(|other| other.command.range.start < command.command.range.start);
    let exported = earlier.flat_map(|other| &other.command.words).filter_map(|word| {
        let text = known_text(word, state);
        let (name, value) = text.split_once('=')?;
        let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        is_name.then(|| Setting { name: name.to_owned(), value: value.to_owned() })
    });
    let assigned = command.command.assignments.iter();
    let assigned = assigned.map(|given| Setting { name: given.name.clone(), value: known_text(&given.value, state) });
    declared.chain(exported).chain(assigned).collect()
}

/// As much of a word as is known.
fn known_text(word: &ShellWord, state: &State) -> String {
    word.parts.iter().fold(String::new(), |text, part| match part {
        Part::Literal(literal) => text + literal,
        Part::Variable { name, .. } if name == "PWD" => text + state.directory.as_str(),
        Part::Variable { name, default } => text + &state.partial(name).or_else(|| default.clone()).unwrap_or_default(),
        Part::Pattern(_) | Part::Unknown => text,
    })
}

fn is_program(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending);
    ending
        .is_some_and(|ending| matches!(ending, "js" | "cjs" | "mjs" | "ts" | "py" | "rb" | "php" | "sh" | "so" | "jar"))
}

/// The pieces of a value that may be paths: `/a:/b`, `--require ./hook.js`, `--require=/app/hook.js`, `-r./hook.js`,
/// `file:///app/wheels`.
fn words(value: &str) -> impl Iterator<Item = &str> {
    let pieces = value.split([':', ';', ',', '=', ' ', '\t', '\'', '"']);
    let mut scheme = "";
    let paths = pieces.filter_map(move |piece| {
        let before = std::mem::replace(&mut scheme, piece);
        let Some(address) = piece.strip_prefix("//") else { return Some(without_option(piece)) };
        let local = before == "dir" || before.ends_with("file");
        local.then(|| address.strip_prefix("localhost").unwrap_or(address))
    });
    paths.filter(|piece| !piece.is_empty())
}

/// A directory on the search path must not get a program that the command runs or looks up, nor, where that may run
/// others, any that is known.
fn check_search_path(carried: &Carried<'_>, command: &KnownCommand, place: &StagePath) -> Result<(), ()> {
    match carried.brings(place) {
        Bring::Nothing | Bring::File(_) => return Ok(()),
        Bring::Directory(_) | Bring::Mixed => {}
        // What only touches paths does the same whoever wrote it.
        Bring::Unknown if is_ordinary(command) => return Ok(()),
        Bring::Unknown => return Err(()),
    }
    let programs = command.command.program().into_iter().chain(command.command.prefixes.iter().map(String::as_str));
    let words = command.command.words.iter().filter(|_| command.known.spec().looks_up);
    let words = words.filter_map(ShellWord::literal).filter(|word| !matches!(*word, "" | "." | ".."));
    let mut named = programs.chain(words).filter(|name| !name.contains('/'));
    let is_held = named.any(|name| carried.brings(&place.join(&format!("./{name}"))) != Bring::Nothing);
    let catalog = carried.build.inputs.catalog;
    let may_run = |name: &String| !is_ordinary(command) && catalog.knows_program(name);
    if is_held || carried.names_in(place).iter().any(may_run) { Err(()) } else { Ok(()) }
}

fn is_ordinary(command: &KnownCommand) -> bool {
    matches!(command.effect(), Effect::Inert | Effect::Paths) && !command.known.spec().looks_up
}

/// A context directory in which modules are looked for must not hold one that the installer asks for.
fn check_modules(carried: &Carried<'_>, path: &SearchPath, place: &StagePath) -> Result<(), ()> {
    match carried.brings(place) {
        Bring::Nothing => Ok(()),
        Bring::Directory(directory) => {
            let (context, placement) = carried.placement().ok_or(())?;
            // Another source of the copy may land in the same place.
            let alone = match placement.roots.as_slice() {
                [root] => root.origin(place).as_ref() == Some(&directory),
                _ => false,
            };
            let held = context.list(&directory).iter().any(|(name, _)| path.matters(name));
            if alone && !held { Ok(()) } else { Err(()) }
        }
        Bring::File(_) | Bring::Mixed | Bring::Unknown => Err(()),
    }
}

/// A home directory must not get settings of programs.
fn check_home(carried: &Carried<'_>, home: &StagePath) -> Result<(), ()> {
    if matches!(carried.brings(home), Bring::Nothing | Bring::File(_)) {
        return Ok(());
    }
    let held = home_settings().any(|name| carried.brings(&home.join(&format!("./{name}"))) != Bring::Nothing);
    if held { Err(()) } else { Ok(()) }
}
