//! Tests of what a user sees, in one binary.

mod ecosystem;
mod source;
mod syntax;
