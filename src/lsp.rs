//! The language server: what editors ask while somebody types, answered through [`crate::analysis`].
//!
//! `serve` reads messages from standard input and writes answers to standard output, as the Language Server Protocol 3.17
//! has it. One thread owns all state (`server`): it applies edits at once and hands immutable snapshots of the state
//! (`world`) to two *lanes*, threads that work jobs off in order. One checks documents, the other answers requests, so a
//! plan that takes long keeps no finding waiting. A check never waits for the history of the repository either: it goes
//! without, and is repeated once the history was read. One file per request; `encoding` and `documents` are the only ones
//! that know how editors count columns.

mod client;
mod code_action;
mod code_lens;
mod completion;
mod diagnostics;
mod documents;
mod encoding;
mod folding;
mod hover;
mod initialize;
mod inlay_hint;
mod lane;
mod names;
mod navigation;
mod rename;
mod request;
mod server;
mod settings;
mod suppress;
mod symbols;
mod transport;
mod verdict;
mod wanted;
mod workspace_edit;
mod world;

use std::io::{BufReader, stdin, stdout};

pub use server::Ended;

/// Serves on standard input and output until the client says `exit` or closes the stream.
pub fn serve() -> Ended {
    server::run(BufReader::new(stdin()), stdout())
}
