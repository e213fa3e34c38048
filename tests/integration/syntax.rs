//! The syntax layer: what a Dockerfile's text is read as.

mod instructions;
mod properties;
