//! What the client tells: documents that open, change and close, files and settings that change.

use std::sync::Arc;

use ls_types::{DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, FileChangeType};
use lsp_server::Notification;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Mouth, Running};
use crate::lsp::documents::Document;

/// Folders in whose files nobody builds; editors watch them all the same.
const NOISE: [&str; 2] = ["/.git/", "/node_modules/"];

/// What changes with a commit or when another one is checked out, and with it the history.
const HEADS: [&str; 2] = ["/.git/HEAD", "/.git/logs/HEAD"];

impl Running {
    pub(super) fn take_notification(&mut self, notification: Notification, mouth: &Mouth) {
        let Notification { method, params } = notification;
        match method.as_str() {
            "initialized" => self.begin(mouth),
            "textDocument/didOpen" => self.opened(&method, params, mouth),
            "textDocument/didChange" => self.edited(&method, params, mouth),
            "textDocument/didClose" => self.closed(&method, params, mouth),
            "textDocument/didSave" => self.changed_surroundings(mouth),
            "workspace/didChangeWatchedFiles" => self.files_changed(&params, mouth),
            "workspace/didChangeConfiguration" => self.settings_changed(&params, mouth),
            // Others may be sent to anybody.
            _ => {}
        }
    }

    fn opened(&mut self, method: &str, params: Value, mouth: &Mouth) {
        let Some(params) = parse::<DidOpenTextDocumentParams>(method, params, mouth) else { return };
        let document = Arc::new(Document::new(params.text_document));
        self.world.documents.insert(document.uri.as_str().to_owned(), Arc::clone(&document));
        self.supersede();
        self.check_after(&document, mouth);
    }

    fn edited(&mut self, method: &str, params: Value, mouth: &Mouth) {
        let Some(params) = parse::<DidChangeTextDocumentParams>(method, params, mouth) else { return };
        let (name, encoding) = (params.text_document.uri.as_str(), self.world.client.encoding);
        let Some(document) = self.world.documents.get_mut(name) else {
            return log(&format!("`{name}` was changed but is not open"), mouth);
        };
        let next = Arc::new(document.changed(params.text_document.version, params.content_changes, encoding));
        *document = Arc::clone(&next);
        self.supersede();
        self.check_after(&next, mouth);
    }

    fn closed(&mut self, method: &str, params: Value, mouth: &Mouth) {
        let Some(params) = parse::<DidCloseTextDocumentParams>(method, params, mouth) else { return };
        let Some(document) = self.world.documents.remove(params.text_document.uri.as_str()) else { return };
        self.supersede();
        if !self.world.client.pulls {
            self.work.forget(&document);
        }
        // What it said that was not saved holds no longer.
        self.check_after(&document, mouth);
    }

    fn files_changed(&mut self, params: &Value, mouth: &Mouth) {
        let changes = params.get("changes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let concerns = |change: &&Value| {
            let uri = change.get("uri").and_then(Value::as_str).unwrap_or_default();
            let kind = change.get("type").and_then(Value::as_u64);
            let saved_here = kind == Some(changed_type()) && self.world.documents.contains_key(uri);
            let is_noise = NOISE.iter().any(|folder| uri.contains(folder));
            !saved_here && !is_noise || HEADS.iter().any(|head| uri.ends_with(head))
        };
        if changes.iter().any(|change| concerns(&change)) {
            self.changed_surroundings(mouth);
        }
    }

    fn settings_changed(&mut self, params: &Value, mouth: &Mouth) {
        if self.world.client.configuration {
            return self.ask_settings(mouth);
        }
        self.use_settings(params.get("settings").unwrap_or(&Value::Null), mouth);
        self.changed_surroundings(mouth);
    }

    /// Looks at everything on disk anew: files, configuration, the repository.
    pub(super) fn changed_surroundings(&mut self, mouth: &Mouth) {
        self.world.session = Arc::new(self.world.session.renewed());
        match self.world.settings.discovery(&self.world.root) {
            Ok(discovery) => self.world.discovery = Arc::new(discovery),
            Err(reason) => log(&reason, mouth),
        }
        self.supersede();
        self.check_all(mouth);
    }

    pub(super) fn history_was_read(&mut self, mouth: &Mouth) {
        self.advance();
        self.check_all(mouth);
    }

    /// Checks what a change of a document has to do with: itself, or every Dockerfile where it is an input of theirs.
    fn check_after(&mut self, document: &Arc<Document>, mouth: &Mouth) {
        if document.is_dockerfile {
            self.tell_of_broken_configuration(document, mouth);
            self.work.check([document.uri.as_str().to_owned()]);
        } else {
            self.check_all(mouth);
        }
    }

    fn check_all(&mut self, mouth: &Mouth) {
        let documents: Vec<Arc<Document>> = self.world.dockerfiles().cloned().collect();
        for document in &documents {
            self.tell_of_broken_configuration(document, mouth);
        }
        self.work.check(documents.iter().map(|document| document.uri.as_str().to_owned()));
        let client = Arc::clone(&self.world.client);
        for (refreshes, method) in [
            (client.pulls && client.refreshes_diagnostics, "workspace/diagnostic/refresh"),
            (client.refreshes_hints && self.world.settings.inlay_hints, "workspace/inlayHint/refresh"),
            (client.refreshes_lenses && self.world.settings.code_lens, "workspace/codeLens/refresh"),
        ] {
            if refreshes && !documents.is_empty() {
                self.ask(method, Value::Null, mouth);
            }
        }
    }

    fn tell_of_broken_configuration(&mut self, document: &Document, mouth: &Mouth) {
        if let Err(reason) = self.world.settings_of(document) {
            self.tell(&format!("layerwise checks nothing: {reason}"), mouth);
        }
    }
}

fn changed_type() -> u64 {
    serde_json::to_value(FileChangeType::CHANGED).ok().and_then(|value| value.as_u64()).unwrap_or_default()
}

/// The parameters of a notification. There is no answer that could say what is wrong with them, but a log.
fn parse<P: DeserializeOwned>(method: &str, params: Value, mouth: &Mouth) -> Option<P> {
    match serde_json::from_value(params) {
        Ok(params) => Some(params),
        Err(error) => {
            log(&format!("`{method}` cannot be understood: {error}"), mouth);
            None
        }
    }
}

fn log(message: &str, mouth: &Mouth) {
    mouth.notify("window/logMessage", json!({ "type": 2, "message": message }));
}
