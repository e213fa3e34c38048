//! Why a build stops.

use crate::runtime::store::StoreError;
use crate::syntax::{Dockerfile, Instruction};

/// Why a build stops. Lines are those of the Dockerfile, from 1.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BuildError {
    /// The file cannot be read.
    #[error("line {line}: {message}")]
    Syntax {
        /// Where.
        line: usize,
        /// The reader's message.
        message: String,
        /// A remedy.
        help: Option<String>,
    },
    /// No `FROM`.
    #[error("the Dockerfile has no stage")]
    NoStage,
    /// A target that is not there.
    #[error("there is no stage `{0}`")]
    NoTarget(String),
    /// An instruction that cannot be executed.
    #[error("{reason}")]
    Step {
        /// First and last line.
        lines: (usize, usize),
        /// The instruction on one line.
        instruction: String,
        /// What is wrong: one phrase, no full stop.
        reason: String,
        /// A remedy.
        help: Option<String>,
    },
    /// A command that failed.
    #[error("{reason}")]
    Run {
        /// First and last line.
        lines: (usize, usize),
        /// The instruction on one line.
        instruction: String,
        /// `exit code 2`, `killed by signal 9`, `no end after 60 s`.
        reason: String,
        /// The last lines of its output.
        tail: Vec<String>,
    },
    /// The build context.
    #[error("the build context `{}` cannot be read: {reason}", path.display())]
    Context {
        /// The folder.
        path: std::path::PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The ignore file.
    #[error("the ignore file cannot be read: {0}")]
    Ignore(String),
    /// The files of a stage.
    #[error("the files of a stage cannot be opened: {0}")]
    Tree(String),
    /// The store.
    #[error("{0}")]
    Store(std::sync::Arc<StoreError>),
    /// Another stage failed first, or the build was interrupted.
    #[error("the build was stopped")]
    Stopped,
}

impl BuildError {
    /// An error of an instruction of the file.
    pub(super) fn at(file: &Dockerfile, instruction: &Instruction, reason: impl std::fmt::Display) -> Self {
        let shown = instruction.one_line(file.source(), 160);
        Self::Step { lines: instruction.lines, instruction: shown, reason: reason.to_string(), help: None }
    }

    /// The same with a remedy.
    #[must_use]
    pub(super) fn with_help(mut self, remedy: impl Into<String>) -> Self {
        if let Self::Step { help, .. } | Self::Syntax { help, .. } = &mut self {
            *help = Some(remedy.into());
        }
        self
    }

    /// First and last line of the instruction at which the build stops.
    pub fn lines(&self) -> Option<(usize, usize)> {
        match self {
            Self::Syntax { line, .. } => Some((*line, *line)),
            Self::Step { lines, .. } | Self::Run { lines, .. } => Some(*lines),
            _ => None,
        }
    }

    /// A remedy, where one is known.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Syntax { help, .. } | Self::Step { help, .. } => help.as_deref(),
            Self::NoStage => Some("begin it with `FROM image`, or `FROM scratch`"),
            Self::NoTarget(_) => Some("name a stage of the file with `--target`, or its number from 0"),
            _ => None,
        }
    }
}

impl From<StoreError> for BuildError {
    fn from(error: StoreError) -> Self {
        Self::Store(std::sync::Arc::new(error))
    }
}
