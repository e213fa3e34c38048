//! Optimize: a plan for a whole file, made of the moves that [`rewrite`](crate::rewrite) finds.
//!
//! A *plan* applies every move that is safe enough and pays, one after another, each on the file that the one before left;
//! when none is left that carries an instruction down, it puts the steps of each stage into the best order.
//! After each move the file is read again, so that no move rests on a state that no longer is. A plan of a plan's
//! result is empty.

mod draft;
mod origin;
mod plan;
mod reorder;
mod trial;

pub use draft::{Draft, Surroundings};
pub use plan::{Applied, Plan, Refusal, Request, plan, plan_while, plan_without};
