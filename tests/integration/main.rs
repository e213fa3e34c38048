//! Tests of what a user sees, in one binary.

mod source;
mod syntax;
