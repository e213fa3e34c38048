//! Cache: which steps a builder runs again after a change, why, and what that costs.
//!
//! A *change* is a set of context paths and build arguments that are not what they were. A step *hits* when the builder
//! finds its cache key; [`Profile`] says what is in the key. An *event* is a change that happens with some weight: a
//! commit of the project's history, or a class of commits where there is no history. The *expected rebuild cost* is the
//! weighted mean over the events of the time of all steps that must run again.

mod cost;
mod edit;
mod event;
mod measured;
pub mod order;
mod profile;
mod replay;
mod simulate;
mod support;
mod touch;

pub use cost::{COPY_SECONDS, Costs, Seconds};
pub use event::{ENOUGH_COMMITS, Event, EventSource, Events};
pub use measured::step_digest;
pub use profile::{Builder, KeyText, Profile};
pub use replay::{EventCost, Expectation, Replay};
pub use simulate::{Change, Dirt, Outcome, Reason, Simulation, Status, simulate};
pub use support::{Unsupported, Verdict, has_flag, unsupported};
pub use touch::{Touch, touches};
