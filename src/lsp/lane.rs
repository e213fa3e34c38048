//! A thread that works off jobs in the order in which they came.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// Takes jobs until it is dropped.
#[derive(Debug)]
pub(super) struct Lane(Sender<Job>);

impl Lane {
    /// Starts the thread.
    pub(super) fn start() -> Self {
        let (sender, jobs) = channel::<Job>();
        thread::spawn(move || {
            for job in jobs {
                // A job that panics has answered already or never will; the next ones can.
                let _ = catch_unwind(AssertUnwindSafe(job));
            }
        });
        Self(sender)
    }

    /// Appends a job.
    pub(super) fn add(&self, job: impl FnOnce() + Send + 'static) {
        // The thread ends with the lane only.
        let _ = self.0.send(Box::new(job));
    }
}
