//! Runs every case in every mode that the machine has.

mod basics;
mod escapes;
mod mounts;
mod probe;
mod rights;
mod traces;
mod visits;
mod world;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use layerwise::runtime;
use layerwise::runtime::namespace::{self, Ids, Wish};

use world::World;

/// A case: its name, where it makes sense, what it does.
pub(super) type Case = (&'static str, &'static [Mode], fn(&World));

/// Who runs a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Root,
    Mapped,
    Single,
}

pub(super) const EVERYBODY: &[Mode] = &[Mode::Root, Mode::Mapped, Mode::Single];
pub(super) const ROOT: &[Mode] = &[Mode::Root];
pub(super) const MANY_IDS: &[Mode] = &[Mode::Root, Mode::Mapped];

fn cases() -> Vec<Case> {
    [basics::CASES, mounts::CASES, rights::CASES, escapes::CASES, visits::CASES, traces::CASES].concat()
}

pub(super) fn main() -> ExitCode {
    runtime::entry();
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, mode, name] = arguments.as_slice()
        && flag == "--one"
    {
        return one(mode, name);
    }
    let filter: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| filter.is_empty() || filter.iter().any(|part| name.contains(part.as_str()));
    let failed = [Mode::Root, Mode::Mapped, Mode::Single].into_iter().map(|mode| all(mode, &wanted)).sum::<usize>();
    if failed > 0 {
        println!("{failed} failed");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Runs the cases of a mode, and counts those that fail.
fn all(mode: Mode, wanted: &dyn Fn(&str) -> bool) -> usize {
    let user = match user(mode) {
        Ok(user) => user,
        Err(reason) => {
            println!("skipped: {mode:?}: {reason}");
            return 0;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("sandbox");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let mut failed = 0;
    for (name, modes, _) in cases() {
        if !modes.contains(&mode) || !wanted(name) {
            continue;
        }
        let start = std::time::Instant::now();
        let run = run(&program, mode, user, name);
        let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
        match run.status.code() {
            Some(0) => println!("ok: {mode:?} {name} ({} ms) {}", start.elapsed().as_millis(), said.trim()),
            Some(code) if code == i32::from(SKIPPED) => println!("skipped: {mode:?} {name}: {}", said.trim()),
            _ => {
                failed += 1;
                println!("FAILED: {mode:?} {name} ({})\n{said}", run.status);
            }
        }
    }
    failed
}

/// What a case returns that cannot be run here, after saying why.
const SKIPPED: u8 = 77;

fn run(program: &Path, mode: Mode, user: Option<u32>, name: &str) -> std::process::Output {
    let mut command = Command::new(program);
    command.args(["--one", &format!("{mode:?}"), name]).current_dir("/");
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    command.env("RUST_BACKTRACE", "0").output().unwrap()
}

/// The user to become for a mode.
fn user(mode: Mode) -> Result<Option<u32>, String> {
    let root = rustix_uid() == 0;
    match mode {
        Mode::Root if root => Ok(None),
        Mode::Root => Err("not run by root".to_owned()),
        _ if !root => Ok(None),
        Mode::Single => Ok(Some(54_321)),
        Mode::Mapped => lent().ok_or("/etc/subuid lends ids to no user of /etc/passwd".to_owned()).map(Some),
    }
}

/// A user of the machine that has subordinate ids.
fn lent() -> Option<u32> {
    let lent = fs::read_to_string("/etc/subuid").unwrap_or_default();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    lent.lines().find_map(|line| {
        let name = line.split(':').next()?;
        let entry = passwd.lines().find(|entry| entry.split(':').next() == Some(name))?;
        entry.split(':').nth(2)?.parse().ok().filter(|user| *user != 0)
    })
}

fn rustix_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid()
}

/// One case, in this process.
fn one(mode: &str, name: &str) -> ExitCode {
    let cases = cases();
    let (_, _, case) = cases.iter().find(|case| case.0 == name).unwrap();
    let wish = if mode == "Single" { Wish::Single } else { Wish::Best };
    let ids = namespace::enter(wish).unwrap();
    let fits = match (&ids, mode) {
        (Ids::Root, "Root") | (Ids::Mapped(_), "Mapped") | (Ids::Single { .. }, "Single") => Ok(()),
        (other, _) => Err(format!("the machine gives {other:?}")),
    };
    match fits.and_then(|()| World::new(ids)) {
        Ok(world) => {
            case(&world);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("{reason}");
            ExitCode::from(SKIPPED)
        }
    }
}
