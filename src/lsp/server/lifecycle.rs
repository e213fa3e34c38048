//! From `initialize` to the first document: the client's capabilities, its settings and what it is asked to watch.

use std::collections::BTreeMap;
use std::sync::Arc;

use lsp_server::{Request, RequestId, Response};
use serde_json::{Value, json};

use super::work::Work;
use super::{Mouth, Running, Server};
use crate::analysis::Session;
use crate::config::{Discovery, Overrides, Source};
use crate::lsp::client::Client;
use crate::lsp::initialize;
use crate::lsp::lane::Lane;
use crate::lsp::settings::EditorSettings;
use crate::lsp::wanted::Wanted;
use crate::lsp::world::World;

/// `window/showMessage` of this type is a warning.
const WARNING: u32 = 2;

impl Server {
    pub(super) fn initialize(&mut self, request: Request) {
        let client = Arc::new(Client::read(&request.params));
        let root = Arc::new(initialize::root(&request.params));
        let discovery = match Discovery::new(&root, Source::Nearest, Overrides::default()) {
            Ok(discovery) => Arc::new(discovery),
            Err(error) => {
                let failure = super::super::request::Failure::refused(&error.to_string());
                return self.mouth.say(failure.answer(request.id));
            }
        };
        let world = World {
            revision: 0,
            client: Arc::clone(&client),
            settings: Arc::default(),
            root,
            discovery,
            session: Arc::new(Session::impatient()),
            documents: BTreeMap::new(),
            wanted: Wanted::default(),
            known: Arc::default(),
        };
        let mut running = Running {
            work: Work::new(world.clone(), self.mouth.clone(), self.events.clone()),
            world,
            requests: Lane::start(),
            next_id: 0,
            asked_settings: None,
            told: None,
        };
        self.mouth.say(Response::new_ok(request.id, initialize::result(&client)));
        let options = request.params.get("initializationOptions").cloned().unwrap_or_default();
        running.use_settings(&options, &self.mouth);
        self.running = Some(running);
    }
}

impl Running {
    /// After `initialized`: asks for the settings and for news of files.
    pub(super) fn begin(&mut self, mouth: &Mouth) {
        if self.world.client.watches {
            let watchers = json!([{ "globPattern": "**/*" }]);
            let method = "workspace/didChangeWatchedFiles";
            let options = json!({ "id": "files", "method": method, "registerOptions": { "watchers": watchers } });
            self.ask("client/registerCapability", json!({ "registrations": [options] }), mouth);
        }
        self.ask_settings(mouth);
    }

    /// Asks for the settings, where the client can be asked.
    pub(super) fn ask_settings(&mut self, mouth: &Mouth) {
        if self.world.client.configuration {
            let items = json!({ "items": [{ "section": "layerwise" }] });
            self.asked_settings = Some(self.ask("workspace/configuration", items, mouth));
        }
    }

    pub(super) fn ask(&mut self, method: &str, params: Value, mouth: &Mouth) -> RequestId {
        self.next_id += 1;
        let id = RequestId::from(format!("layerwise-{}", self.next_id));
        mouth.say(Request { id: id.clone(), method: method.to_owned(), params });
        id
    }

    pub(super) fn take_response(&mut self, response: Response, mouth: &Mouth) {
        if self.asked_settings.as_ref() != Some(&response.id) {
            return;
        }
        self.asked_settings = None;
        // A client without settings of ours answers `[null]`; what it said when it started holds then.
        if let Ok(Value::Array(answers)) = response.response_result
            && let Some(settings) = answers.first().filter(|settings| !settings.is_null())
        {
            self.use_settings(settings, mouth);
            self.changed_surroundings(mouth);
        }
    }

    /// Takes over settings; a mistake in them is said, and the ones before hold on.
    pub(super) fn use_settings(&mut self, value: &Value, mouth: &Mouth) {
        let read =
            EditorSettings::read(value).and_then(|settings| Ok((settings.discovery(&self.world.root)?, settings)));
        match read {
            Ok((discovery, settings)) => {
                self.world.discovery = Arc::new(discovery);
                self.world.settings = Arc::new(settings);
                self.advance();
            }
            Err(reason) => self.tell(&format!("the settings of layerwise cannot be used: {reason}"), mouth),
        }
    }

    /// Tells the user something, once.
    pub(super) fn tell(&mut self, message: &str, mouth: &Mouth) {
        if self.told.as_deref() != Some(message) {
            mouth.notify("window/showMessage", json!({ "type": WARNING, "message": message }));
            self.told = Some(message.to_owned());
        }
    }
}
