//! `layerwise lsp`: the language server.

use clap::Args;

use super::Status;
use crate::lsp::{Ended, serve};

/// What `lsp` is asked.
#[derive(Debug, Args)]
pub(super) struct LspArgs {
    /// Use standard input and output, as is always done; some editors insist on saying so.
    #[arg(long, hide = true)]
    stdio: bool,
}

pub(super) fn run(_: &LspArgs) -> Status {
    match serve() {
        Ended::Orderly => Status::Clean,
        // What the protocol wants where nobody said `shutdown`.
        Ended::Abruptly => Status::Findings,
    }
}
