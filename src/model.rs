//! Model: what a Dockerfile means: stages, the state each step finds, and what each step reads and writes.
//!
//! A *step* is an instruction of a stage. A *placement* is a `COPY` or `ADD` of context files, resolved to where each file
//! lands. A *view* answers, for one place in a stage, which context file stands at a path. The effects of a `RUN` come
//! from the commands in it that the [catalog](crate::ecosystem) knows; a command that it does not know makes the step
//! *opaque*: it may read and write everything.

mod arguments;
mod assembly;
mod build;
mod files;
mod listed;
mod listing;
mod loop_files;
mod made;
mod path;
mod placement;
mod presence;
mod resolution;
mod run;
mod run_resolver;
mod shipping;
mod state;
mod transfer;
mod view;

pub use build::{Action, Base, Build, Inputs, Stage, Step, StepId};
pub use made::Made;
pub use path::StagePath;
pub use placement::{Placement, Root};
pub use presence::Presence;
pub use run::{KnownCommand, Opaque, PathAccess, ResolvedMount, Run};
pub use state::{Origin, Shell, State, Variable};
pub use transfer::{Supply, Transfer};
pub use view::View;
