//! layerwise puts Dockerfiles into the order that Docker's layer cache rewards, and proves it.
//!
//! Data flows one way. Each layer knows only those above it in this list (`tests/architecture.rs` holds it):
//!
//! 1. [`text`]: ranges, lines, edits.
//! 2. [`syntax`]: Dockerfile and `.dockerignore` text as lossless trees; parsing never fails.
//! 3. [`shell`]: the script of a `RUN` as simple commands.
//! 4. [`ecosystem`]: what known programs read and write; facts from `rules/`.
//! 5. [`context`]: the build context behind a trait: files, `.dockerignore`, digests, history.
//! 6. [`model`]: what a Dockerfile means: stages, states, effects of each step.
//! 7. [`cache`]: which steps run again after a change, and what that costs.
//! 8. [`diagnostic`]: findings and fixes as plain data.
//! 9. [`rewrite`]: single moves on a file, each with its safety argument.
//! 10. [`lint`]: rules, their selection and their suppression.
//! 11. [`fix`]: applies fixes until none is left.
//! 12. [`optimize`]: plans for whole files, made of moves.
//! 13. [`source`]: folders and git as contexts, files written whole; it reads disks and runs `git`.
//! 14. [`config`]: `layerwise.toml`; reads the disk.
//! 15. [`analysis`]: one file in, findings, costs or a plan out; what all front ends call.
//! 16. [`cli`]: the command line; reads and writes the disk.
//!
//! No layer but the ones that say so does I/O or reads a clock.

pub mod analysis;
pub mod cache;
pub mod cli;
pub mod config;
pub mod context;
pub mod diagnostic;
pub mod ecosystem;
pub mod fix;
pub mod lint;
pub mod model;
pub mod optimize;
pub mod rewrite;
pub mod shell;
pub mod source;
pub mod syntax;
pub mod text;
