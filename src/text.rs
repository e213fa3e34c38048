//! Text: byte ranges, line positions, edits, and text that a reader has joined out of pieces.
//!
//! Everything above this layer points into a source file by [`TextRange`]; only front ends turn a range into lines
//! and columns, through [`LineIndex`].

mod edit;
mod line_index;
mod logical;
mod range;

pub use edit::{Change, EditError, TextEdit};
pub use line_index::{LineIndex, Position};
pub use logical::LogicalText;
pub use range::TextRange;
