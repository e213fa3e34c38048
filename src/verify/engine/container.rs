//! Images run by `docker` and `podman`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::program::{Finished, Program, last_words};
use super::{BuiltImage, EngineError};
use crate::verify::smoke::{Fate, Ran};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Numbers for the names of one process.
static NAMES: AtomicU64 = AtomicU64::new(0);

/// Starts an image without a network and watches it until its health check passes, it exits, or the time is over.
/// `asks`: the program does not check by itself, and is asked to.
pub(super) fn run(program: &Program, asks: bool, image: &BuiltImage, limit: Duration) -> Result<Ran, EngineError> {
    let Some(kept) = &image.kept else {
        return Err(EngineError::Unusable("the image was not kept to be run".to_owned()));
    };
    let number = NAMES.fetch_add(1, Ordering::Relaxed);
    let name = format!("layerwise-smoke-{}-{number}", std::process::id());
    let interval = if asks { "--health-interval=disable" } else { "--health-interval=1s" };
    let checked = image.files.config.has_health_check();
    let mut arguments = vec!["run", "--detach", "--network=none", "--name", &name];
    arguments.extend(checked.then_some(interval));
    arguments.push(kept.name());
    let begun = Instant::now();
    let started = program.run(&words(&arguments))?;
    let watched = match refused(&started) {
        Some(result) => result,
        None => watch(program, &name, (checked, asks), begun + limit),
    };
    let seconds = begun.elapsed().as_secs_f64();
    if let Ok(Fate::NotStarted(_)) = watched {
        // There may be no container to ask.
        program.try_run(&["rm", "--force", "--volumes", &name]);
        return Ok(Ran { fate: watched?, seconds, output: told(&started) });
    }
    let output = program.run(&words(&["logs", "--tail=12", &name])).map(|logs| told(&logs)).unwrap_or_default();
    program.try_run(&["rm", "--force", "--volumes", &name]);
    Ok(Ran { fate: watched?, seconds, output })
}

/// What it means that an image was not started.
fn refused(started: &Finished) -> Option<Result<Fate, EngineError>> {
    if started.status.success() {
        return None;
    }
    let said = told(started);
    Some(match started.status.code() {
        Some(code @ (126 | 127)) => Ok(Fate::of_exit(code)),
        _ if said.to_lowercase().contains("no command") => Ok(Fate::NoCommand),
        _ => Err(EngineError::Unusable(format!("the image cannot be started: {said}"))),
    })
}

fn watch(program: &Program, name: &str, (checked, asks): (bool, bool), end: Instant) -> Result<Fate, EngineError> {
    let health = if checked && !asks { " {{.State.Health.Status}}" } else { "" };
    let format = format!("--format={{{{.State.Status}}}} {{{{.State.ExitCode}}}}{health}");
    loop {
        let seen = program.run(&words(&["inspect", &format, name]))?;
        let said = told(&seen);
        let mut state = said.split_whitespace();
        let (status, code, health) = (state.next(), state.next().and_then(|code| code.parse().ok()), state.next());
        match (status, code) {
            _ if !seen.status.success() => {
                return Err(EngineError::Unusable(format!("the container cannot be inspected: {said}")));
            }
            (Some("exited" | "stopped" | "dead"), Some(code)) => return Ok(Fate::of_exit(code)),
            _ => {}
        }
        let asked = || program.run(&words(&["healthcheck", "run", name])).is_ok_and(|done| done.status.success());
        if health == Some("healthy") || checked && asks && asked() {
            return Ok(Fate::Healthy);
        }
        if Instant::now() >= end {
            return Ok(if checked { Fate::Unhealthy } else { Fate::Running });
        }
        thread::sleep(PAUSE);
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn told(done: &Finished) -> String {
    last_words(done.lines.iter().map(|line| line.text.as_str()))
}
