//! Runtime: images, layers and sandboxed steps: builds without Docker, a daemon or root.
#![allow(clippy::missing_errors_doc, reason = "each module has one error type, and its variants say when")]

pub mod build;
pub mod container;
pub mod copy;
pub mod export;
pub mod fetch;
pub mod image;
pub mod layer;
pub mod namespace;
pub mod overlay;
pub mod progress;
pub mod registry;
pub mod sandbox;
pub mod store;
mod sys;
pub mod tree;
#[cfg(test)]
mod unprivileged;
mod user;

/// Does the job of a process that a build started for itself, and never returns then; else returns at once.
///
/// The program calls it before anything else: such a process has one thread and must stay so.
pub fn entry() {
    if let Some(name) = std::env::args_os().next() {
        sandbox::entry(&name);
    }
}
