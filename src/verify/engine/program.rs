//! External programs that build, run with their output read as it comes.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use super::EngineError;

/// Lines of a failed program's output that are told.
const TOLD_LINES: usize = 12;

/// A command with what stands before and after the engine's own arguments.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program and its first arguments.
    command: Vec<String>,
    /// Options of every build, such as `--network=host`.
    options: Vec<String>,
}

/// A line of output, with the seconds since the start.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) at: f64,
}

/// What a program did.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    /// Both streams, in the order in which their lines came.
    pub(super) lines: Vec<Line>,
    pub(super) seconds: f64,
}

impl Program {
    /// A command, its words separated by blanks, and options for each build.
    pub fn new(command: &str, options: &[String]) -> Self {
        Self { command: command.split_whitespace().map(str::to_owned).collect(), options: options.to_vec() }
    }

    /// Options for each build.
    pub(super) fn options(&self) -> &[String] {
        &self.options
    }

    /// The name for messages.
    pub(super) fn name(&self) -> String {
        self.command.join(" ")
    }

    fn start(&self, arguments: &[String]) -> Result<Command, EngineError> {
        let Some((program, first)) = self.command.split_first() else {
            return Err(EngineError::NotStarted { program: String::new(), reason: "it has no name".to_owned() });
        };
        let mut command = Command::new(program);
        command.args(first).args(arguments).stdin(Stdio::null());
        Ok(command)
    }

    /// Runs it and reads what it prints.
    pub(super) fn run(&self, arguments: &[String]) -> Result<Finished, EngineError> {
        let not_started = |error: std::io::Error| self.not_started(&error);
        let begun = Instant::now();
        let mut command = self.start(arguments)?;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(not_started)?;
        let (send, lines) = mpsc::channel();
        let streams: [Option<Box<dyn std::io::Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as _),
            child.stderr.take().map(|stream| Box::new(stream) as _),
        ];
        let lines = std::thread::scope(|scope| {
            for stream in streams.into_iter().flatten() {
                let send = send.clone();
                scope.spawn(move || {
                    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                        // The reader lives as long as the writers.
                        let _ = send.send(Line { text, at: begun.elapsed().as_secs_f64() });
                    }
                });
            }
            drop(send);
            lines.iter().collect()
        });
        let status = child.wait().map_err(not_started)?;
        Ok(Finished { status, lines, seconds: begun.elapsed().as_secs_f64() })
    }

    /// Runs it with its output in a file.
    pub(super) fn run_into(&self, arguments: &[String], file: &Path) -> Result<(), EngineError> {
        let unwritable =
            |error: std::io::Error| EngineError::Unwritable { path: file.to_owned(), reason: error.to_string() };
        let output = std::fs::File::create(file).map_err(unwritable)?;
        let run = self.start(arguments)?.stdout(output).stderr(Stdio::piped()).output();
        let run = run.map_err(|error| self.not_started(&error))?;
        if run.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&run.stderr).trim().to_owned();
        Err(EngineError::Unusable(format!("`{} {}` failed: {said}", self.name(), arguments.join(" "))))
    }

    /// Runs it for its effect, as far as it can.
    pub(super) fn try_run(&self, arguments: &[&str]) {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        // What stays behind is an unused tag.
        let _ = self.run(&arguments);
    }

    fn not_started(&self, error: &std::io::Error) -> EngineError {
        EngineError::NotStarted { program: self.name(), reason: error.to_string() }
    }
}

/// The last lines that a failed build printed, of those that say something.
pub(super) fn last_words<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = lines.map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
    let told = lines.len().saturating_sub(TOLD_LINES);
    lines.get(told..).unwrap_or_default().join("\n")
}

/// Why a build failed: the last line that begins with `error`, without that, and what was printed last besides.
pub(super) fn failure<'a>(lines: impl Iterator<Item = &'a str>, error: &str) -> String {
    let (errors, others): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with(error));
    let first = errors.last().map(|line| line.trim_start_matches(error).to_owned());
    let rest = Some(last_words(others.into_iter())).filter(|rest| !rest.is_empty());
    first.into_iter().chain(rest).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_begins_with_its_cause() {
        let log = ["STEP 2/2: RUN x", "said", "Error: building at STEP \"RUN x\": exit status 7", "level=error"];
        let told = "building at STEP \"RUN x\": exit status 7\nSTEP 2/2: RUN x\nsaid\nlevel=error";
        assert_eq!(failure(log.into_iter(), "Error: "), told);
        assert_eq!(failure(["no luck"].into_iter(), "Error: "), "no luck");
        assert_eq!(failure(["Error: no luck"].into_iter(), "Error: "), "no luck");
    }

    #[cfg(unix)]
    fn run(script: &str) -> Finished {
        Program::new("sh", &[]).run(&["-c".to_owned(), script.to_owned()]).unwrap()
    }

    #[test]
    #[cfg(unix)]
    fn reads_both_streams() {
        let done = run("echo a; echo b >&2; printf c; exit 3");
        let mut lines: Vec<&str> = done.lines.iter().map(|line| line.text.as_str()).collect();
        lines.sort_unstable();
        assert_eq!(lines, ["a", "b", "c"]);
        assert_eq!(done.status.code(), Some(3));
    }

    #[test]
    #[cfg(unix)]
    fn a_program_that_is_not_there_is_named() {
        let error = Program::new("no-such-program x", &[]).run(&[]).unwrap_err().to_string();
        assert!(error.starts_with("`no-such-program x` cannot be started"), "{error}");
        assert!(Program::new(" ", &[]).run(&[]).is_err());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        let failing = Program::new("sh", &[]).run_into(&["-c".to_owned(), "echo no >&2; false".to_owned()], &file);
        assert!(failing.unwrap_err().to_string().ends_with("failed: no"));
    }
}
