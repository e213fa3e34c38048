//! layerwise puts Dockerfiles into the order that Docker's layer cache rewards, and proves it.
//!
//! Data flows one way. Each layer knows only those above it in this list (`tests/architecture.rs` holds it):
//!
//! 1. [`text`]: ranges, lines, edits; sizes and times in words.
//! 2. [`syntax`]: Dockerfiles as lossless trees; parsing never fails.
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
//! 13. [`source`]: folders and git as contexts, files written whole; it reads and writes the disk and runs `git`.
//! 14. [`config`]: `layerwise.toml`; it reads the disk.
//! 15. [`analysis`]: one file in, findings, costs or a plan out; what all front ends call. It reads the disk.
//! 16. [`runtime`]: images, layers and sandboxed steps: builds without Docker, on Linux. It reads and writes the disk.
//! 17. [`verify`]: two files built and compared, changes built again: what is proven. It runs builders.
//! 18. [`lsp`]: the language server; it reads the disk.
//! 19. [`cli`]: the command line; it reads and writes the disk, and starts the language server.
//!
//! No layer but the ones that say so does I/O or reads a clock: files enter the others as strings, a build context and its
//! history through the trait [`context::Context`]. So everything below works without a disk:
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use layerwise::cache::Builder;
//! use layerwise::context::MemoryContext;
//! use layerwise::diagnostic::Safety;
//! use layerwise::ecosystem::Catalog;
//! use layerwise::optimize::{self, Draft, Request, Surroundings};
//!
//! let context = MemoryContext::from_files([
//!     ("package.json", r#"{ "name": "app", "version": "1.0.0" }"#),
//!     ("package-lock.json", r#"{ "name": "app", "version": "1.0.0", "lockfileVersion": 3, "packages": {} }"#),
//!     ("index.js", "console.log(1)"),
//! ]);
//! let draft = Draft {
//!     dockerfile: "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n".to_owned(),
//!     ignore_path: ".dockerignore".to_owned(),
//!     ignore: None,
//! };
//! let surroundings = Surroundings {
//!     context: &context,
//!     catalog: Catalog::builtin(),
//!     arguments: &BTreeMap::new(),
//!     profile: Builder::default().profile(),
//!     history: None,
//!     target: None,
//! };
//! let plan = optimize::plan(&Request { draft: &draft, surroundings, wanted: Safety::Safe });
//! assert!(plan.draft.dockerfile.ends_with("COPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n"));
//! assert!(plan.after.mean < plan.before.mean);
//! ```
//!
//! How a plan comes about, from the front to the back: [`cli`] opens a folder ([`source`], [`config`]) and asks [`analysis`],
//! which asks [`optimize`] for a plan. That reads the file ([`syntax`], [`shell`]), asks what each command reads and writes
//! ([`ecosystem`], [`context`], [`model`]), takes the moves that [`rewrite`] can argue for, and keeps those that make the
//! expected rebuild cost ([`cache`]) smaller. A check goes the same way, with [`lint`] and [`fix`] in the place of
//! [`optimize`].

pub mod analysis;
pub mod cache;
pub mod cli;
pub mod config;
pub mod context;
pub mod diagnostic;
pub mod ecosystem;
pub mod fix;
pub mod lint;
pub mod lsp;
pub mod model;
pub mod optimize;
pub mod rewrite;
#[cfg(all(feature = "runtime", target_os = "linux"))]
pub mod runtime;
pub mod shell;
pub mod source;
pub mod syntax;
pub mod text;
pub mod verify;
