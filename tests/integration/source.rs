//! Folders and git repositories as build contexts, on real ones in temporary folders.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod atomic;
mod disk;
mod git;
