//! Errors: what is wrong with a file, beside what could be read of it.

use crate::text::TextRange;

/// Something that `BuildKit` would reject, or that cannot be what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// How deep the fault goes.
    pub kind: SyntaxErrorKind,
    /// Where.
    pub range: TextRange,
    /// What, as a phrase without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl SyntaxError {
    pub(super) fn text(range: TextRange, message: impl Into<String>) -> Self {
        Self { kind: SyntaxErrorKind::Text, range, message: message.into(), help: None }
    }

    pub(super) fn instruction(range: TextRange, message: impl Into<String>) -> Self {
        Self { kind: SyntaxErrorKind::Instruction, range, message: message.into(), help: None }
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the nearest of the names that were possible, where one is near.
    pub(super) fn suggesting(self, written: &str, known: &[&str]) -> Self {
        match super::suggestion::nearest(written, known) {
            Some(name) => self.with_help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// Kinds of [`SyntaxError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// The text cannot be cut into instructions and arguments: `BuildKit`'s parser stops here.
    Text,
    /// An instruction's name, flags, arguments or place are not allowed.
    Instruction,
}
