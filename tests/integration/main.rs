//! Tests of what a user sees, in one binary.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where it stands")]

#[cfg(all(feature = "runtime", target_os = "linux"))]
mod build;
mod builders;
mod cache;
#[cfg(unix)]
mod ci_jobs;
mod cli;
mod configuration;
mod docs;
mod ecosystem;
mod fix;
mod lint;
mod lsp;
mod optimize;
mod order;
mod pre_commit;
mod program;
mod rewrite;
mod shell;
mod source;
mod syntax;
mod verify;
