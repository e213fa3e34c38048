//! Progress on a terminal: a line per running step with its time, and what ended above it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::pieces::Pieces;
use super::plain::{ended, label};
use crate::runtime::progress::{Event, Sink, Status, StepName, Stream};

/// How often times are drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// Draws live lines on standard error.
pub(super) struct Live {
    lines: MultiProgress,
    running: Mutex<HashMap<String, ProgressBar>>,
    /// By stage and stream.
    rest: Pieces<(String, Stream)>,
}

impl Live {
    pub(super) fn new() -> Self {
        Self { lines: MultiProgress::new(), running: Mutex::default(), rest: Pieces::default() }
    }

    fn start(&self, step: &StepName) {
        let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg:.dim}");
        let bar = self.lines.add(ProgressBar::new_spinner());
        if let Ok(style) = style {
            bar.set_style(style);
        }
        bar.set_prefix(format!("{} {}", label(step), step.instruction.chars().take(60).collect::<String>()));
        bar.enable_steady_tick(TICK);
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(step.stage.clone(), bar);
    }

    fn with(&self, step: &StepName, act: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&step.stage) {
            act(bar);
        }
    }

    fn end(&self, step: &StepName, status: Status, seconds: f64, bytes: u64) {
        let bar = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&step.stage);
        if let Some(bar) = bar {
            bar.finish_and_clear();
            self.lines.remove(&bar);
        }
        let line = format!("{} {}: {}", label(step), step.instruction, ended(status, seconds, bytes));
        // A terminal that has gone away is no reason to stop.
        let _ = self.lines.println(line);
    }
}

impl Sink for Live {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started(step) => self.start(step),
            Event::Wrote(step, stream, bytes) => self.with(step, |bar| {
                let text = self.rest.text((step.stage.clone(), stream), bytes);
                if let Some(last) = text.lines().rev().find(|line| !line.trim().is_empty()) {
                    bar.set_message(last.chars().filter(|char| !char.is_control()).take(200).collect::<String>());
                }
            }),
            Event::Does(step, what) => self.with(step, |bar| bar.set_message(what.to_owned())),
            Event::Ended(step, status, seconds, bytes) => self.end(step, status, seconds, bytes),
            Event::Warned(message) => drop(self.lines.println(format!("warning: {message}"))),
            Event::Built(..) => {}
        }
    }
}
