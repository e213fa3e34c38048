//! Progress: what a build tells while it runs. Front ends make text of it.

use super::image::Digest;

/// A step's place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepName {
    /// The stage's name, or its number.
    pub stage: String,
    /// Which of the stage's steps it is, from 1; the `FROM` is the first.
    pub number: usize,
    /// Steps of the stage.
    pub of: usize,
    /// Its first line, from 1.
    pub line: usize,
    /// The instruction on one line.
    pub instruction: String,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its result was there.
    Hit,
    /// It was executed.
    Executed,
    /// It failed.
    Failed,
}

impl Status {
    /// `hit`, `executed` or `failed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Executed => "executed",
            Self::Failed => "failed",
        }
    }
}

/// Which stream a command wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A step begins.
    Started(&'a StepName),
    /// A command wrote something; a line may come in pieces.
    Wrote(&'a StepName, Stream, &'a [u8]),
    /// What a step does that takes time: `downloads 12 MB of 40 MB`.
    Does(&'a StepName, &'a str),
    /// A step ended: how, after how many seconds, and the bytes of the layer it made.
    Ended(&'a StepName, Status, f64, u64),
    /// Something that the user should know.
    Warned(&'a str),
    /// The image is there; after so many seconds.
    Built(&'a Digest, f64),
}

/// Takes events, from several threads at once.
pub trait Sink: Sync {
    /// Takes one.
    fn event(&self, event: Event<'_>);
}

/// Takes events and does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Sink for Silent {
    fn event(&self, _: Event<'_>) {}
}
