//! Variables by which files that a copy brings may change what a command does.

use super::{
    carried::{Bring, Carried},
    crossing::{Crossing, Needed, Obstacle},
};
use crate::{
    ecosystem::{Effect, SearchPath, home_settings, search_path, search_paths_here},
    model::{KnownCommand, Run, StagePath, State, StepId},
    shell::{Part, ShellWord},
};

/// A variable that a command finds: as much of its value as is known.
struct Setting {
    name: String,
    value: String,
}

/// A program that a command runs, or looks up by name, may stand in a directory that is copied.
///
/// # Errors
/// The search path that holds it.
pub(super) fn program_obstacle(
    carried: &Carried<'_>,
    id: StepId,
    run: &Run,
    command: &KnownCommand,
) -> Result<(), Obstacle> {
    let state = &carried.build.step(id).before;
    let directory = command.directory.as_ref().unwrap_or(&state.directory);
    for setting in settings(state, run, command).into_iter().filter(|setting| setting.name == "PATH") {
        for entry in setting.value.split(':').filter(|entry| !entry.is_empty()) {
            check_search_path(carried, command, &directory.join(entry)).map_err(|()| points_to(id, &setting, entry))?;
        }
    }
    Ok(())
}

fn points_to(id: StepId, setting: &Setting, place: &str) -> Obstacle {
    let reason = format!("`{}` points to `{place}`, which is copied before it", setting.name);
    Obstacle::new(id, reason, format!("{}={}", setting.name, setting.value))
}

/// A variable that a program looks at, or that the command's pack says it reads, may point to what is copied.
///
/// # Errors
/// The variable that does.
pub(super) fn environment_obstacle(
    carried: &Carried<'_>,
    id: StepId,
    run: &Run,
    command: &KnownCommand,
    crossing: &mut Crossing,
) -> Result<(), Obstacle> {
    let state = &carried.build.step(id).before;
    let directory = command.directory.clone().unwrap_or_else(|| state.directory.clone());
    for setting in settings(state, run, command) {
        let obstacle = |place: &str| points_to(id, &setting, place);
        if setting.name == "HOME" {
            check_home(carried, &directory.join(&setting.value)).map_err(|()| obstacle(&setting.value))?;
        } else if let Some(path) = search_path(&setting.name).filter(|_| command.known.reads_variable(&setting.name)) {
            for entry in setting.value.split(':').filter(|entry| !entry.is_empty()) {
                check_modules(carried, path, &directory.join(entry)).map_err(|()| obstacle(entry))?;
            }
        } else if command.reads_variable(&setting.name) {
            for word in words(&setting.value) {
                let place = directory.join(word);
                let brought = carried.brings(&place);
                match brought {
                    Bring::Nothing => {}
                    // A program may load others that nobody knows of.
                    Bring::File(path) if !carried.transfer.varies && !is_program(&path) => {
                        crossing.manifests.push(Needed { path, directory: false, place });
                    }
                    _ => return Err(obstacle(word)),
                }
            }
        }
    }
    for path in search_paths_here(&command.known.title) {
        let reason = format!("it looks for modules in `{directory}`, which is copied before it");
        check_modules(carried, path, &directory)
            .map_err(|()| Obstacle::new(id, reason, command.known.title.clone()))?;
    }
    Ok(())
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

/// The pieces of a value that may be paths: `/a:/b`, `--require ./hook.js`, `--require=/app/hook.js`.
fn words(value: &str) -> impl Iterator<Item = &str> {
    let pieces = value.split([':', ';', ',', '=', ' ', '\t', '\'', '"']);
    pieces.filter(|piece| !piece.is_empty() && !piece.starts_with("//"))
}

/// A context directory on the search path must not hold a program of the command's name.
fn check_search_path(carried: &Carried<'_>, command: &KnownCommand, place: &StagePath) -> Result<(), ()> {
    let directory = match carried.brings(place) {
        Bring::Nothing | Bring::File(_) => return Ok(()),
        Bring::Directory(directory) => directory,
        // What only touches paths does the same whoever wrote it.
        Bring::Unknown if is_ordinary(command) => return Ok(()),
        Bring::Unknown => return Err(()),
    };
    let Some((context, _)) = carried.placement() else { return Err(()) };
    let programs = command.command.program().into_iter().chain(command.command.prefixes.iter().map(String::as_str));
    let words = command.command.words.iter().filter(|_| command.known.spec().looks_up);
    let words = words.filter_map(ShellWord::literal).filter(|word| !word.is_empty() && !word.contains('/'));
    let held = programs.into_iter().chain(words).any(|program| {
        let path = if directory.is_empty() { program.to_owned() } else { format!("{directory}/{program}") };
        context.entry(&path).is_some()
    });
    if held { Err(()) } else { Ok(()) }
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
        Bring::File(_) | Bring::Unknown => Err(()),
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
