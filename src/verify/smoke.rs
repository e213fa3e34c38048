//! Smoke: the image's own command, started for real, before and after.
//!
//! What counts is how it goes: that it exits, and with which code; else whether the `HEALTHCHECK` passes in time; else that
//! it still runs at the end. An image that cannot be started, or has no command, shows nothing: that both are so is said, and
//! is no evidence. What it prints is shown and not compared: times, ports and the order of threads are in there.

use std::time::Duration;

use super::engine::{BuiltImage, Engine, EngineError};

/// How a started image went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has no command to start.
    NoCommand,
    /// Its command could not be started: the code is 126 or 127, as a shell has it. A script that ends with one of these
    /// did not find what it was to run either.
    NotStarted(i32),
    /// It ended with this code: as a shell has it, 128 and the signal where one killed it.
    Exited(i32),
    /// Its `HEALTHCHECK` passed.
    Healthy,
    /// Its `HEALTHCHECK` did not pass until the limit.
    Unhealthy,
    /// It has no `HEALTHCHECK`, and ran until the limit.
    Running,
}

/// A started image.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    /// How it went.
    pub fate: Fate,
    /// Until then.
    pub seconds: f64,
    /// The last lines that it printed.
    pub output: String,
}

/// Both images, started.
#[derive(Clone, Debug, PartialEq)]
pub struct Smoke {
    /// The original.
    pub before: Ran,
    /// The candidate.
    pub after: Ran,
    /// How the original, or the candidate, went otherwise when it was started again. Then nothing is proven and nothing
    /// disproven.
    pub otherwise: Option<Fate>,
}

impl Fate {
    /// What an exit code means.
    pub const fn of_exit(code: i32) -> Self {
        match code {
            126 | 127 => Self::NotStarted(code),
            _ => Self::Exited(code),
        }
    }

    /// The name in every output.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoCommand => "no-command",
            Self::NotStarted(_) => "not-started",
            Self::Exited(_) => "exited",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Running => "running",
        }
    }

    /// The exit code.
    pub const fn code(&self) -> Option<i32> {
        match self {
            Self::NotStarted(code) | Self::Exited(code) => Some(*code),
            _ => None,
        }
    }

    /// What it does, as a phrase.
    pub fn in_words(&self) -> String {
        match self {
            Self::NoCommand => "has no command".to_owned(),
            Self::NotStarted(code) => format!("cannot be started (code {code})"),
            Self::Exited(code) => format!("exits with code {code}"),
            Self::Healthy => "becomes healthy".to_owned(),
            Self::Unhealthy => "does not become healthy".to_owned(),
            Self::Running => "keeps running".to_owned(),
        }
    }
}

impl Smoke {
    /// Whether nothing speaks against the candidate.
    pub fn agrees(&self) -> bool {
        self.before.fate == self.after.fate || self.otherwise.is_some()
    }

    /// Whether anything was seen of how the images go.
    pub fn is_checked(&self) -> bool {
        let shows_nothing = |ran: &Ran| matches!(ran.fate, Fate::NoCommand | Fate::NotStarted(_));
        !(shows_nothing(&self.before) && shows_nothing(&self.after))
    }

    /// What was seen, as a phrase.
    pub fn in_words(&self) -> String {
        let (before, after) = (self.before.fate.in_words(), self.after.fate.in_words());
        match &self.otherwise {
            _ if !self.is_checked() && before == after => format!("not checked how it goes: the image {before}"),
            _ if self.before.fate == self.after.fate => format!("started, it {before} as before"),
            Some(otherwise) => {
                format!("started, it goes otherwise each time: {before}, {after}, {}", otherwise.in_words())
            }
            None => format!("the original, started, {before}, and the candidate {after}"),
        }
    }
}

/// Starts both. Where they do not agree, each is started once more: what is not steady proves nothing.
pub(super) fn smoke(
    engine: &dyn Engine,
    (before, after): (&BuiltImage, &BuiltImage),
    limit: Duration,
    tell: &dyn Fn(&str),
) -> Result<Smoke, EngineError> {
    tell("starting the image as it is");
    let first = engine.run_image(before, limit)?;
    tell("starting the candidate's image");
    let second = engine.run_image(after, limit)?;
    let mut found = Smoke { before: first, after: second, otherwise: None };
    if found.before.fate != found.after.fate {
        tell("starting both again, as they do not agree");
        let again = [(before, found.before.fate.clone()), (after, found.after.fate.clone())];
        for (image, seen) in again {
            let fate = engine.run_image(image, limit)?.fate;
            if fate != seen {
                found.otherwise = Some(fate);
                break;
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smoke(before: Fate, after: Fate) -> Smoke {
        let ran = |fate| Ran { fate, seconds: 1.0, output: String::new() };
        Smoke { before: ran(before), after: ran(after), otherwise: None }
    }

    #[test]
    fn what_was_never_started_is_no_evidence() {
        let found = smoke(Fate::of_exit(127), Fate::of_exit(127));
        assert!(found.agrees() && !found.is_checked());
        assert_eq!(found.in_words(), "not checked how it goes: the image cannot be started (code 127)");
        let found = smoke(Fate::NoCommand, Fate::NoCommand);
        assert_eq!(found.in_words(), "not checked how it goes: the image has no command");
        let found = smoke(Fate::of_exit(0), Fate::of_exit(126));
        assert!(!found.agrees() && found.is_checked());
        let found = smoke(Fate::of_exit(126), Fate::of_exit(127));
        assert!(!found.agrees() && !found.is_checked());
        assert_eq!(smoke(Fate::of_exit(1), Fate::of_exit(1)).in_words(), "started, it exits with code 1 as before");
    }
}
