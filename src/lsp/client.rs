//! What the client can. Everything is optional: what a client does not say, it cannot.

use serde_json::Value;

use super::encoding::Encoding;

/// What the client said that it can.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a capability of the protocol")]
pub(super) struct Client {
    /// The unit of columns that both sides use.
    pub(super) encoding: Encoding,
    /// It asks for findings, so none are sent unasked.
    pub(super) pulls: bool,
    /// Asks again for findings when told to.
    pub(super) refreshes_diagnostics: bool,
    /// Asks again for inlay hints when told to.
    pub(super) refreshes_hints: bool,
    /// Asks again for code lenses when told to.
    pub(super) refreshes_lenses: bool,
    /// Shows places that explain a finding.
    pub(super) related: bool,
    /// Links to a manual page.
    pub(super) code_description: bool,
    /// Shows code that is of no use or deprecated as such.
    pub(super) tags: bool,
    /// Takes actions with edits in them, not only commands.
    pub(super) action_literals: bool,
    /// Takes edits that name the version of their document.
    pub(super) document_changes: bool,
    /// Creates files as part of an edit.
    pub(super) creates_files: bool,
    /// Asks before it applies an edit that says so.
    pub(super) annotations: bool,
    /// Symbols within symbols.
    pub(super) nested_symbols: bool,
    /// Hovers in Markdown.
    pub(super) markdown: bool,
    /// Answers `workspace/configuration`.
    pub(super) configuration: bool,
    /// Watches files on request.
    pub(super) watches: bool,
}

impl Client {
    /// Reads the parameters of `initialize`; parts that are not as they should be count as missing.
    pub(super) fn read(params: &Value) -> Self {
        let capabilities = params.get("capabilities").unwrap_or(&Value::Null);
        let at = |path: &str| capabilities.pointer(path);
        let is = |path: &str| at(path).and_then(Value::as_bool).unwrap_or(false);
        let has = |path: &str| at(path).is_some_and(|value| !value.is_null() && *value != Value::Bool(false));
        let lists = |path: &str, word: &str| {
            at(path).and_then(Value::as_array).is_some_and(|list| list.iter().any(|item| item == word))
        };
        let encodings = at("/general/positionEncodings").and_then(Value::as_array);
        let wanted = encodings.into_iter().flatten().filter_map(Value::as_str).find_map(Encoding::from_name);
        Self {
            encoding: wanted.unwrap_or_default(),
            pulls: has("/textDocument/diagnostic"),
            refreshes_diagnostics: is("/workspace/diagnostics/refreshSupport"),
            refreshes_hints: is("/workspace/inlayHint/refreshSupport"),
            refreshes_lenses: is("/workspace/codeLens/refreshSupport"),
            related: is("/textDocument/publishDiagnostics/relatedInformation")
                || is("/textDocument/diagnostic/relatedInformation"),
            code_description: is("/textDocument/publishDiagnostics/codeDescriptionSupport")
                || is("/textDocument/diagnostic/codeDescriptionSupport"),
            tags: has("/textDocument/publishDiagnostics/tagSupport") || has("/textDocument/diagnostic/tagSupport"),
            action_literals: has("/textDocument/codeAction/codeActionLiteralSupport"),
            // Neovim 0.7 names the operations that only such edits can hold, and forgets this.
            document_changes: is("/workspace/workspaceEdit/documentChanges")
                || lists("/workspace/workspaceEdit/resourceOperations", "create"),
            creates_files: lists("/workspace/workspaceEdit/resourceOperations", "create"),
            annotations: has("/workspace/workspaceEdit/changeAnnotationSupport"),
            nested_symbols: is("/textDocument/documentSymbol/hierarchicalDocumentSymbolSupport"),
            markdown: lists("/textDocument/hover/contentFormat", "markdown"),
            configuration: is("/workspace/configuration"),
            watches: is("/workspace/didChangeWatchedFiles/dynamicRegistration"),
        }
    }
}
