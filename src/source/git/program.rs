//! The `git` program, run so that it depends on no one's settings and starts nothing of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Settings of users and repositories that would change what git prints, or have it run a program.
const SETTINGS: [&str; 13] = [
    "core.quotePath=false",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "diff.ignoreSubmodules=none",
    "diff.orderFile=/dev/null",
    "diff.relative=false",
    "diff.renames=false",
    "log.diffMerges=first-parent",
    "log.follow=false",
    "log.showRoot=true",
    "log.showSignature=false",
    "color.ui=false",
];

/// Variables that point git at another repository than the one around the folder: git sets them for its hooks.
const FOREIGN: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
];

/// Git in a folder.
#[derive(Debug)]
pub(super) struct Program {
    folder: PathBuf,
}

/// Git gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// The program could not be started.
    #[error("git cannot be started: {0}")]
    NotStarted(String),
    /// It failed with this message.
    #[error("{0}")]
    Said(String),
}

impl Program {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What git prints, bytes that are no UTF-8 replaced.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.command(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| Failure::NotStarted(error.to_string()))?;
        if output.status.success() { Ok(text(&output)) } else { Err(failure(&output)) }
    }

    /// What `git diff` prints of the work tree. The filters that the repository sets for its files (`filter.NAME.clean`)
    /// are programs, and are not run: a file that one of them makes smaller may count as changed.
    pub(super) fn diff(&self, arguments: &[&str]) -> Result<String, Failure> {
        let keys = self.ask(&["config", "--null", "--name-only", "--get-regexp", r"^filter\."], b"")?;
        let mut settings = Vec::new();
        for key in keys.split('\0').filter(|key| matches!(key.rsplit_once('.'), Some((_, "clean" | "process")))) {
            if key.contains('=') {
                return Err(Failure::Said(format!("the filter of `{key}` cannot be turned off")));
            }
            settings.extend(["-c".to_owned(), format!("{key}=")]);
            let name = key.rsplit_once('.').map_or(key, |(name, _)| name);
            settings.extend(["-c".to_owned(), format!("{name}.required=false")]);
        }
        let settings = settings.iter().map(String::as_str);
        self.run(
            &settings
                .chain(["diff", "--no-ext-diff", "--no-textconv", "-z"])
                .chain(arguments.iter().copied())
                .collect::<Vec<_>>(),
        )
    }

    /// The same as [`Program::run`] with an index of one's own.
    pub(super) fn run_with_index(&self, index: &Path, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.command(arguments).env("GIT_INDEX_FILE", index).stdin(Stdio::null()).output();
        let output = output.map_err(|error| Failure::NotStarted(error.to_string()))?;
        if output.status.success() { Ok(text(&output)) } else { Err(failure(&output)) }
    }

    /// What git prints on a list that it reads from its input; exit code 1 means an empty answer.
    pub(super) fn ask(&self, arguments: &[&str], input: &[u8]) -> Result<String, Failure> {
        let not_started = |error: std::io::Error| Failure::NotStarted(error.to_string());
        let mut command = self.command(arguments);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(not_started)?;
        let stdin = child.stdin.take();
        // Written aside: git answers while it reads, and would wait for someone to take its answers.
        let output = std::thread::scope(|scope| {
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
            child.wait_with_output()
        });
        let output = output.map_err(not_started)?;
        if matches!(output.status.code(), Some(0 | 1)) { Ok(text(&output)) } else { Err(failure(&output)) }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        for variable in FOREIGN {
            command.env_remove(variable);
        }
        command.envs([
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_PAGER", "cat"),
            ("LC_ALL", "C"),
        ]);
        command.arg("--no-pager").arg("-C").arg(&self.folder);
        command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        command.args(arguments);
        command
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn failure(output: &Output) -> Failure {
    let text = String::from_utf8_lossy(&output.stderr);
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Failure::Said(first.trim_start_matches("fatal: ").to_owned())
}
