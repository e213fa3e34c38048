//! From a request to its answer: which file answers which method, and what becomes of failures.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lsp_server::{ErrorCode, Request, RequestId, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::world::World;
use super::{code_action, code_lens, completion, diagnostics, folding, hover, inlay_hint, navigation, rename, symbols};

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    code: i32,
    message: String,
}

impl Failure {
    /// The client asked for something that cannot be.
    pub(super) fn params(message: &str) -> Self {
        Self { code: ErrorCode::InvalidParams as i32, message: message.to_owned() }
    }

    /// What is asked cannot be done.
    pub(super) fn refused(message: &str) -> Self {
        Self { code: ErrorCode::RequestFailed as i32, message: message.to_owned() }
    }

    /// What was asked about has changed, or the request was taken back.
    pub(super) fn outdated() -> Self {
        Self { code: ErrorCode::ContentModified as i32, message: "the document has changed since".to_owned() }
    }

    /// The answer that says so.
    pub(super) fn answer(self, id: RequestId) -> Response {
        Response::new_err(id, self.code, self.message)
    }
}

/// Answers a request. A handler that panics makes an error of it, and no more.
pub(super) fn answer(world: &World, request: Request) -> Response {
    let Request { id, method, params } = request;
    let result = catch_unwind(AssertUnwindSafe(|| dispatch(world, &method, params)));
    match result {
        Ok(Ok(value)) => Response::new_ok(id, value),
        Ok(Err(failure)) => failure.answer(id),
        Err(_) => Response::new_err(id, ErrorCode::InternalError as i32, format!("`{method}` failed in layerwise")),
    }
}

fn dispatch(world: &World, method: &str, params: Value) -> Result<Value, Failure> {
    match method {
        "textDocument/diagnostic" => run(world, params, diagnostics::pull),
        "textDocument/codeAction" => run(world, params, code_action::list),
        "textDocument/hover" => run(world, params, hover::hover),
        "textDocument/inlayHint" => run(world, params, inlay_hint::list),
        "textDocument/codeLens" => run(world, params, code_lens::list),
        "textDocument/documentSymbol" => run(world, params, symbols::list),
        "textDocument/definition" => run(world, params, navigation::definition),
        "textDocument/references" => run(world, params, navigation::references),
        "textDocument/prepareRename" => run(world, params, rename::prepare),
        "textDocument/rename" => run(world, params, rename::rename),
        "textDocument/completion" => run(world, params, completion::list),
        "textDocument/foldingRange" => run(world, params, folding::list),
        _ => Err(Failure { code: ErrorCode::MethodNotFound as i32, message: format!("there is no method `{method}`") }),
    }
}

fn run<P: DeserializeOwned, R: Serialize>(
    world: &World,
    params: Value,
    handler: fn(&World, &P) -> Result<R, Failure>,
) -> Result<Value, Failure> {
    let params = serde_json::from_value(params).map_err(|error| Failure::params(&error.to_string()))?;
    let result = handler(world, &params)?;
    serde_json::to_value(result).map_err(|error| Failure::refused(&error.to_string()))
}
