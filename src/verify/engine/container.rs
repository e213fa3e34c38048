//! Images run by `docker` and `podman`.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;

use super::program::{Finished, Program, last_words};
use super::{BuiltImage, EngineError};
use crate::verify::smoke::{Fate, Ran};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Codes of a shell for a command that cannot be executed, and for one that there is not.
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;

/// What `runc` prints (`exec /x: exec format error`, `exec user process caused: …` in older ones), and what `crun` does
/// (``exec container process `/x`: …``), in a document of its own where it is asked for logs.
static REFUSAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?s)^(?:exec \S+: [a-z ]+|(?:\S+ )*exec user process caused[^\n]*|(?:[^\n]{0,80}|\{[^}]*"msg": ")exec container process.*)$"#).ok()
});

/// Numbers for the names of one process.
static NAMES: AtomicU64 = AtomicU64::new(0);

/// Starts an image without a network and watches it until its health check passes, it exits, or the time is over.
/// `asks`: the program does not check by itself, and is asked to.
pub(super) fn run(program: &Program, asks: bool, image: &BuiltImage, limit: Duration) -> Result<Ran, EngineError> {
    let Some(kept) = &image.kept else {
        return Err(EngineError::Unusable("the image was not kept to be run".to_owned()));
    };
    let config = &image.files.config;
    if config.entrypoint.is_empty() && config.cmd.is_empty() {
        return Ok(Ran { fate: Fate::NoCommand, seconds: 0.0, output: String::new() });
    }
    let number = NAMES.fetch_add(1, Ordering::Relaxed);
    let name = format!("layerwise-smoke-{}-{number}", std::process::id());
    let interval = if asks { "--health-interval=disable" } else { "--health-interval=1s" };
    let checked = config.has_health_check();
    let mut arguments = vec!["run", "--detach", "--network=none", "--name", &name];
    arguments.extend(checked.then_some(interval));
    arguments.push(kept.name());
    let begun = Instant::now();
    let started = program.run(&words(&arguments))?;
    let watched = match refused(&started) {
        Some(result) => result.map(|fate| (fate, begun.elapsed(), without_id(&started))),
        None => watch(program, &name, (checked, asks), begun + limit).map(|fate| {
            let took = begun.elapsed();
            let output = program.run(&words(&["logs", "--tail=12", &name])).map(|logs| told(&logs)).unwrap_or_default();
            (unless_refused(fate, &output), took, output)
        }),
    };
    // There may be no container to remove.
    program.try_run(&["rm", "--force", "--volumes", &name]);
    let (fate, took, output) = watched?;
    Ok(Ran { fate, seconds: took.as_secs_f64(), output })
}

/// What it means that an image was not started: where the engine names the container that it has made, or ends as a shell does
/// that cannot start a command, the image is to blame.
fn refused(started: &Finished) -> Option<Result<Fate, EngineError>> {
    if started.status.success() {
        return None;
    }
    let is_made = started.lines.iter().any(|line| is_id(&line.text));
    Some(match started.status.code() {
        Some(code @ (126 | 127)) => Ok(Fate::NotStarted(code)),
        _ if is_made => Ok(Fate::NotStarted(NOT_EXECUTABLE)),
        _ => Err(EngineError::Unusable(format!("the image cannot be started: {}", told(started)))),
    })
}

/// A container whose command the kernel refuses ends as if it had run: `runc` and `crun` are in its place until then, and
/// their words are all that it prints.
fn unless_refused(fate: Fate, output: &str) -> Fate {
    let is_refusal = REFUSAL.as_ref().is_some_and(|refusal| refusal.is_match(output));
    match fate {
        Fate::Exited(1 | 255) if is_refusal => {
            let is_missing = output.to_lowercase().contains("no such file");
            Fate::NotStarted(if is_missing { NOT_FOUND } else { NOT_EXECUTABLE })
        }
        fate => fate,
    }
}

/// Whether a line is the name that an engine gives to a container.
fn is_id(line: &str) -> bool {
    line.len() == 64 && line.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn without_id(done: &Finished) -> String {
    last_words(done.lines.iter().map(|line| line.text.as_str()).filter(|line| !is_id(line)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_the_kernel_refuses_has_not_run() {
        let crun = "{\n  \"msg\": \"exec container process `\\/f`: Exec format error\",\n  \"level\": \"error\"\n}";
        for (code, output, expected) in [
            (255, "exec /f: exec format error", 126),
            (255, "exec /f: no such file or directory", 127),
            (1, "standard_init_linux.go:228: exec user process caused: exec format error", 126),
            (1, crun, 126),
            (1, "exec container process (missing dynamic library?) `/f`: No such file or directory", 127),
        ] {
            assert_eq!(unless_refused(Fate::Exited(code), output), Fate::NotStarted(expected), "{output}");
        }
        for (code, output) in [
            (255, ""),
            (2, "exec /f: exec format error"),
            (1, "started\nexec /f: exec format error"),
            (1, "exec /f: 7 errors"),
        ] {
            assert_eq!(unless_refused(Fate::Exited(code), output), Fate::Exited(code), "{output}");
        }
        assert_eq!(unless_refused(Fate::Running, "exec /f: exec format error"), Fate::Running);
    }

    #[test]
    #[cfg(unix)]
    fn an_image_is_to_blame_where_its_container_was_made() {
        let started = |script: &str| Program::new("sh", &[]).run(&words(&["-c", script])).unwrap();
        let id = "5a5acaf980ee46bddb0b28f82922b4b237603af6efa2ac2035b64468817dd28a";
        assert!(refused(&started(&format!("echo {id}"))).is_none());
        let no_user = started(&format!("echo {id}; echo no user; exit 125"));
        assert_eq!(refused(&no_user).unwrap().unwrap(), Fate::NotStarted(126));
        assert_eq!(without_id(&no_user), "no user");
        assert_eq!(refused(&started("exit 127")).unwrap().unwrap(), Fate::NotStarted(127));
        assert!(refused(&started("echo no daemon; exit 125")).unwrap().is_err());
    }
}
