//! layerwise puts Dockerfiles into the order that Docker's layer cache rewards, and proves it.
//!
//! Data flows one way. Each layer knows only those above it in this list (`tests/architecture.rs` holds it):
//!
//! 1. [`text`]: ranges, lines, edits.
//! 2. [`syntax`]: Dockerfile and `.dockerignore` text as lossless trees; parsing never fails.
//! 3. [`shell`]: the script of a `RUN` as simple commands.
//! 4. [`ecosystem`]: what known programs read and write; facts from `rules/`.
//! 5. [`context`]: the build context behind a trait: files, `.dockerignore`, digests, history.
//! 6. [`diagnostic`]: findings and fixes as plain data.
//! 7. [`lint`]: rules, their selection and their suppression.
//! 8. [`fix`]: applies fixes until none is left.
//! 9. [`source`]: folders and git as contexts, files written whole; it reads disks and runs `git`.
//! 10. [`config`]: `layerwise.toml`; reads the disk.
//! 11. [`analysis`]: one file in, findings out; what all front ends call.
//! 12. [`cli`]: the command line; reads and writes the disk.
//!
//! No layer but the ones that say so does I/O or reads a clock.

pub mod analysis;
pub mod cli;
pub mod config;
pub mod context;
pub mod diagnostic;
pub mod ecosystem;
pub mod fix;
pub mod lint;
pub mod shell;
pub mod source;
pub mod syntax;
pub mod text;
