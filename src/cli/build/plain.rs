//! Progress as plain lines on standard error, and the summary of a build.

use std::fmt::Write;

use super::pieces::Pieces;
use crate::cli::terminal;
use crate::runtime::build::Built;
use crate::runtime::image::Reference;
use crate::runtime::progress::{Event, Sink, Status, StepName};
use crate::text::size_in_words;

/// Prints events as lines.
#[derive(Default)]
pub(super) struct Plain {
    /// By stage: what its command wrote of a line that has not ended.
    rest: Pieces<String>,
}

/// `[app 2/5]`.
pub(super) fn label(step: &StepName) -> String {
    format!("[{} {}/{}]", step.stage, step.number, step.of)
}

impl Sink for Plain {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started(step) => terminal::note(&format!("{} {}", label(step), step.instruction)),
            Event::Wrote(step, _, bytes) => self.wrote(step, bytes),
            Event::Does(step, what) => terminal::note(&format!("{} {what}", label(step))),
            Event::Ended(step, status, seconds, bytes) => {
                self.flush(step);
                terminal::note(&format!("{} {}", label(step), ended(status, seconds, bytes)));
            }
            Event::Warned(message) => terminal::note(&format!("warning: {message}")),
            Event::Built(..) => {}
        }
    }
}

impl Plain {
    fn wrote(&self, step: &StepName, bytes: &[u8]) {
        self.rest.lines(step.stage.clone(), bytes, |line| terminal::note(&output_line(step, line)));
    }

    fn flush(&self, step: &StepName) {
        if let Some(rest) = self.rest.end(&step.stage) {
            terminal::note(&output_line(step, &rest));
        }
    }
}

/// A line that a command wrote; of a line that was written over, what stood last.
pub(super) fn output_line(step: &StepName, line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\n', '\r']);
    format!("{} | {}", label(step), text.rsplit('\r').next().unwrap_or_default())
}

/// `executed in 1.2 s, 3.4 MB`.
pub(super) fn ended(status: Status, seconds: f64, bytes: u64) -> String {
    match status {
        Status::Hit if bytes == 0 => "done".to_owned(),
        Status::Hit => "hit".to_owned(),
        Status::Executed if bytes == 0 => format!("executed in {}", duration(seconds)),
        Status::Executed => format!("executed in {}, {}", duration(seconds), size_in_words(bytes)),
        Status::Failed => format!("failed after {}", duration(seconds)),
    }
}

/// Seconds for people.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        short if short < 0.1 => format!("{:.1} ms", short * 1000.0),
        medium if medium < 10.0 => format!("{medium:.2} s"),
        long => format!("{long:.1} s"),
    }
}

/// One line per step that makes a layer, and what came of it all.
pub(super) fn summary(built: &Built, names: &[Reference]) -> String {
    let mut text = String::new();
    for step in built.steps.iter().filter(|step| !step.key.is_empty()) {
        let (name, seconds) = (&step.name, duration(step.seconds));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:>9} {seconds:>9} {:>9}  {:>4} {}",
            step.status.name(),
            size_in_words(step.bytes),
            name.line,
            name.instruction.chars().take(80).collect::<String>()
        );
    }
    let made: Vec<_> = built.steps.iter().filter(|step| !step.key.is_empty()).collect();
    let hits = made.iter().filter(|step| step.status == Status::Hit).count();
    let names: Vec<String> = names.iter().map(Reference::short).collect();
    let suffix = if names.is_empty() { String::new() } else { format!(" as {}", names.join(", ")) };
    let _ = write!(
        text,
        "built {}{suffix} in {}: {hits} of {} steps were cached",
        built.manifest.digest,
        duration(built.seconds),
        made.len()
    );
    text
}
