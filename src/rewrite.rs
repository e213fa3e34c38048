//! Rewrite: single moves on one file, each with its safety argument.
//!
//! To *sink* a `COPY` is to move it below `RUN` steps that do not need what it brings. What such a step does need, its
//! *manifests*, is copied in front of it first. A step is *crossed* when the copy may move below it without a change to the
//! image: the two read and write different files, and no variable, directory or user between them matters. An
//! [`Obstacle`] is the reason why a step cannot be crossed; a [`Caveat`] is what must hold for a crossing to keep the image.
//!
//! To *reorder* the steps of a stage is to put them into the order that costs the least of all in which steps that do not
//! *commute* keep their places among each other.
//!
//! To *split* a `RUN` is to make two steps of it, so that a copy can move between them.

mod below;
mod bring;
mod cache_mount;
mod carried;
mod commute;
mod crossing;
mod declaration;
mod early_install;
mod emit;
mod environment;
mod footprint;
mod homes;
mod ignore_lines;
mod join;
mod leaving_out;
mod links;
mod metadata;
mod moves;
mod observed;
mod owner;
mod presence;
mod rearrange;
mod reorder;
mod restate;
mod single_stage;
mod sink;
mod split_run;
mod split_stages;
mod transfer_crossing;
mod warm_up;
mod whole_copy;

pub use bring::bring;
pub use cache_mount::{cache_mount, cache_mounts};
pub use carried::{Bring, Carried};
pub use commute::Exchanges;
pub use crossing::{Caveat, Crossing, Needed, Obstacle};
pub use declaration::sink_declaration;
pub use ignore_lines::{IgnoreLine, escaped, extended, first_lines, ignore_lines, ignoring, leaves_out};
pub use join::join;
pub use leaving_out::ask_others;
pub use metadata::{early_labels, sink_labels};
pub use moves::{Move, MoveKind, Refused, Survey, listed, sink_move, survey};
pub use reorder::{Reordering, Weights, may_reorder, reorder};
pub use single_stage::{ShippedBuild, shipped_build};
pub use sink::{Crossed, Sink, sink};
pub use split_run::split_and_sink;
pub use split_stages::split_stages;
pub use whole_copy::{REPOSITORY, Standing, WholeCopies};
