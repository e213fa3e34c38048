//! A line: one instruction with the text it was read from, whether it stands in the file or was left by a base image.

use super::BuildError;
use crate::syntax::Instruction;

/// Characters of an instruction that people are shown.
const SHOWN: usize = 160;

/// One instruction to execute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) instruction: &'a Instruction,
    /// The text that its ranges refer to.
    pub(super) source: &'a str,
    pub(super) escape: char,
    /// First and last line in the Dockerfile, from 1; for a trigger, those of the `FROM`.
    pub(super) lines: (usize, usize),
    /// Whether it is a trigger that the base image brings.
    pub(super) trigger: bool,
}

impl Line<'_> {
    /// The instruction on one line for people.
    pub(super) fn shown(&self) -> String {
        let text = self.instruction.one_line(self.source, SHOWN);
        if self.trigger { format!("ONBUILD {text}") } else { text }
    }

    /// An error of this instruction.
    pub(super) fn error(&self, reason: impl std::fmt::Display) -> BuildError {
        BuildError::Step { lines: self.lines, instruction: self.shown(), reason: reason.to_string(), help: None }
    }
}
