//! Verify: proof that one Dockerfile may take the place of another, by building both.
//!
//! An [`Engine`] builds. A [`Proof`] holds what was found: the original is built twice and the candidate once, without a
//! cache, and their trees and configurations are compared; what two builds of the original differ in is self-noise. A
//! [`Replay`] builds changes of the project one after the other with both files: the cache must behave as predicted, and
//! what it makes must equal a clean build. [`smoke`] starts both images, a [`trace`] tells what
//! steps reached. Nothing of the user is written to: changes are laid
//! out in temporary folders.

pub mod archive;
mod bounds;
pub mod compare;
mod content;
mod drawn;
mod edits;
pub mod engine;
pub mod image_config;
mod layer;
mod measured;
mod noise;
mod origin;
mod packed;
mod prediction;
mod proof;
mod replay;
mod replayed;
mod salt;
pub mod smoke;
mod snapshot;
mod split;
mod stumble;
mod timeless;
mod timeline;
pub mod trace;
pub mod tree;
mod verdict;

pub use edits::files_to_edit;
pub use engine::{BuiltImage, Engine, EngineError, Kept, Order, StepRecord};
pub use measured::{Measured, StepTime};
pub use noise::{Compared, Noise};
pub use origin::Origin;
pub use proof::{Explained, Job, Original, Proof, Side, prove};
pub use replay::{Ground, replay};
pub use replayed::{Replay, Replayed};
pub use split::Split;
pub use stumble::Stumble;
pub use timeline::{Timeline, TimelineError};
pub use verdict::Verified;
