//! Progress for programs: one JSON object per line on standard output. `docs/build.md` documents it.

use serde::Serialize;

use super::pieces::Pieces;
use crate::cli::{rounded, terminal};
use crate::runtime::progress::{Event, Sink, StepName, Stream};

/// Prints events as JSON.
#[derive(Default)]
pub(super) struct Events {
    /// By stage and stream.
    rest: Pieces<(String, Stream)>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line<'a> {
    Start { stage: &'a str, line: usize, instruction: &'a str },
    Output { stage: &'a str, line: usize, stream: &'static str, text: String },
    Step { stage: &'a str, line: usize, instruction: &'a str, status: &'static str, seconds: f64, bytes: u64 },
    Warning { message: &'a str },
    Image { digest: String, seconds: f64 },
}

impl Sink for Events {
    fn event(&self, event: Event<'_>) {
        let line = match event {
            Event::Started(step) => Line::Start { stage: &step.stage, line: step.line, instruction: &step.instruction },
            Event::Wrote(step, stream, bytes) => Line::Output {
                stage: &step.stage,
                line: step.line,
                stream: name(stream),
                text: self.rest.text((step.stage.clone(), stream), bytes),
            },
            Event::Does(..) => return,
            Event::Ended(step, status, seconds, bytes) => {
                self.end(step);
                Line::Step {
                    stage: &step.stage,
                    line: step.line,
                    instruction: &step.instruction,
                    status: status.name(),
                    seconds: rounded(seconds),
                    bytes,
                }
            }
            Event::Warned(message) => Line::Warning { message },
            Event::Built(digest, seconds) => Line::Image { digest: digest.to_string(), seconds: rounded(seconds) },
        };
        print(&line);
    }
}

impl Events {
    /// Prints the half of a character that a command ended with.
    fn end(&self, step: &StepName) {
        for stream in [Stream::Output, Stream::Error] {
            if let Some(rest) = self.rest.end(&(step.stage.clone(), stream)) {
                let text = String::from_utf8_lossy(&rest).into_owned();
                print(&Line::Output { stage: &step.stage, line: step.line, stream: name(stream), text });
            }
        }
    }
}

fn name(stream: Stream) -> &'static str {
    if stream == Stream::Output { "stdout" } else { "stderr" }
}

fn print(line: &impl Serialize) {
    // Plain structs of strings and numbers always serialize.
    terminal::print(&(serde_json::to_string(line).unwrap_or_default() + "\n"));
}

/// Prints why a build stopped.
pub(super) fn error(message: &str, line: Option<usize>, tail: &[String]) {
    #[derive(Serialize)]
    struct Failed<'a> {
        event: &'static str,
        message: &'a str,
        line: Option<usize>,
        tail: &'a [String],
    }
    print(&Failed { event: "error", message, line, tail });
}
