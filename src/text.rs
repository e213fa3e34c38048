//! Text: byte ranges, line positions, edits, text that a reader has joined out of pieces; sizes and times in words.
//!
//! Everything above this layer points into a source file by [`TextRange`]; only front ends turn a range into lines
//! and columns, through [`LineIndex`].

mod edit;
mod line_index;
mod logical;
mod range;
mod size;
pub mod time;

pub use edit::{Change, EditError, TextEdit};
pub use line_index::{LineIndex, Position};
pub use logical::LogicalText;
pub use range::TextRange;
pub use size::{Kilo, read_size, size_in_words};
