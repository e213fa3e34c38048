//! The output of a command: passed on as it comes, its last lines kept for the report of a failure.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::runtime::progress::{Event, Sink, StepName, Stream};
use crate::runtime::sandbox;

/// Lines that a report shows.
const LINES: usize = 20;
/// Bytes of the longest line that is kept.
const LONGEST: usize = 2_000;

/// What a command has written.
pub(super) struct Output {
    name: StepName,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    lines: VecDeque<Vec<u8>>,
    /// Whether the last line has ended.
    ended: bool,
}

impl Output {
    pub(super) fn new(name: StepName) -> Self {
        Self { name, last: Mutex::default() }
    }

    /// Takes what was written and passes it on.
    pub(super) fn write(&self, sink: &dyn Sink, stream: sandbox::Stream, bytes: &[u8]) {
        let stream = match stream {
            sandbox::Stream::Output => Stream::Output,
            sandbox::Stream::Error => Stream::Error,
        };
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
        sink.event(Event::Wrote(&self.name, stream, bytes));
    }

    /// The last lines.
    pub(super) fn tail(&self) -> Vec<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.lines.iter().map(|line| String::from_utf8_lossy(line).trim_end().to_owned()).collect()
    }
}

impl Last {
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.ended || self.lines.is_empty() {
                self.lines.push_back(Vec::new());
                if self.lines.len() > LINES {
                    self.lines.pop_front();
                }
            }
            self.ended = piece.ends_with(b"\n");
            if let Some(line) = self.lines.back_mut() {
                let room = LONGEST.saturating_sub(line.len());
                line.extend_from_slice(&piece[..piece.len().min(room)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let mut last = Last::default();
        for number in 0..30 {
            last.take(format!("line {number}\nli").as_bytes());
            last.take(b"ne\n");
        }
        last.take(b"no end");
        assert_eq!(last.lines.len(), LINES);
        assert_eq!(last.lines.back().map(Vec::as_slice), Some(&b"no end"[..]));
        assert_eq!(last.lines[LINES - 2], b"line\n");
    }
}
