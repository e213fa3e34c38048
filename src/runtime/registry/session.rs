//! The way into one repository of one registry: who we are, and the token that it gave us.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ureq::http::{Response, header};
use ureq::{Agent, Body};

use super::RegistryError;
use super::challenge::Challenge;
use super::credentials::{self, Credentials};
use super::endpoint::{Endpoint, is_private_address};

/// Requests that are made again when a registry is busy or stumbles.
const TRIES: u32 = 4;
/// The longest pause that a registry may ask for.
const LONGEST_PAUSE: u64 = 30;
/// Bytes of an error or a token that are read.
const LARGEST_ANSWER: u64 = 1 << 20;

/// A repository at an endpoint.
#[derive(Debug)]
pub(super) struct Session {
    agent: Agent,
    endpoint: Endpoint,
    repository: String,
    /// The header `Authorization`, once it is known that one is wanted.
    authorization: Mutex<Option<String>>,
}

impl Session {
    pub(super) fn new(agent: Agent, endpoint: Endpoint, repository: &str) -> Self {
        Self { agent, endpoint, repository: repository.to_owned(), authorization: Mutex::new(None) }
    }

    /// The registry's host, for messages.
    pub(super) fn host(&self) -> String {
        self.endpoint.host().to_owned()
    }

    /// Asks for something of the repository. Answers that are no success are errors.
    pub(super) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Response<Body>, RegistryError> {
        let address = format!("{}/v2/{}/{path}", self.endpoint.base(), self.repository);
        let mut authorized = false;
        let mut tries = 0;
        loop {
            tries += 1;
            let known = self.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut request = self.agent.get(&address);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            if let Some(known) = &known {
                request = request.header(header::AUTHORIZATION, known);
            }
            let answer = match request.call() {
                Ok(answer) => answer,
                // Who was silent for so long is asked once more, not for minutes.
                Err(ureq::Error::Timeout(_)) if tries == 1 => continue,
                Err(error) if tries < TRIES && is_passing(&error) => {
                    pause(None, tries);
                    continue;
                }
                Err(error) => return Err(self.unreachable(&error)),
            };
            match answer.status().as_u16() {
                200..=299 => return Ok(answer),
                401 if !authorized => {
                    authorized = true;
                    self.authorize(&answer)?;
                }
                429 | 500 | 502 | 503 | 504 if tries < TRIES => pause(Some(&answer), tries),
                status => return Err(self.refused(status, answer)),
            }
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> RegistryError {
        RegistryError::Unreachable { host: self.host(), reason: error.to_string() }
    }

    fn refused(&self, status: u16, mut answer: Response<Body>) -> RegistryError {
        let host = self.host();
        let text = answer.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string().unwrap_or_default();
        let reason = said(&text);
        match status {
            401 | 403 => RegistryError::Denied { host, reason },
            404 => RegistryError::NotFound { host },
            429 => RegistryError::Busy { host },
            status => RegistryError::Status { host, status, reason },
        }
    }

    /// Gets what the registry wants.
    fn authorize(&self, answer: &Response<Body>) -> Result<(), RegistryError> {
        let headers = answer.headers().get_all(header::WWW_AUTHENTICATE).iter();
        let header = headers.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(", ");
        let denied = |reason: &str| RegistryError::Denied { host: self.host(), reason: reason.to_owned() };
        let known = if self.endpoint.is_private() { credentials::find(&self.endpoint.registry)? } else { None };
        let authorization = match Challenge::parse(&header).ok_or_else(|| denied("it does not say how to log in"))? {
            Challenge::Basic => {
                known.as_ref().and_then(Credentials::basic).ok_or_else(|| denied("it wants a login"))?
            }
            Challenge::Bearer { realm, service, scope } => {
                let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", self.repository));
                format!("Bearer {}", self.token(&realm, service.as_deref(), &scope, known.as_ref())?)
            }
        };
        *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = Some(authorization);
        Ok(())
    }

    /// A token from the server that the registry names. Credentials go only where nobody listens.
    fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &str,
        known: Option<&Credentials>,
    ) -> Result<String, RegistryError> {
        let known = known.filter(|_| is_private_address(realm));
        let answer = match known {
            Some(Credentials::Identity(token)) => {
                let form = [
                    ("grant_type", "refresh_token"),
                    ("refresh_token", token),
                    ("service", service.unwrap_or_default()),
                    ("scope", scope),
                    ("client_id", "layerwise"),
                ];
                self.agent.post(realm).send_form(form)
            }
            known => {
                let mut request = self.agent.get(realm).query("scope", scope);
                if let Some(service) = service {
                    request = request.query("service", service);
                }
                if let Some(basic) = known.and_then(Credentials::basic) {
                    request = request.header(header::AUTHORIZATION, basic);
                }
                request.call()
            }
        };
        let mut answer = answer.map_err(|error| self.unreachable(&error))?;
        if !answer.status().is_success() {
            return Err(self.refused(answer.status().as_u16(), answer));
        }
        let text = answer.body_mut().with_config().limit(LARGEST_ANSWER).read_to_string();
        let fields: BTreeMap<String, serde_json::Value> =
            text.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let token = ["token", "access_token"].iter().find_map(|name| fields.get(*name)?.as_str());
        // What is put into a header must be one.
        let token = token.filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()));
        token.map(str::to_owned).ok_or_else(|| RegistryError::Nonsense {
            host: self.host(),
            reason: "its token server gives no token".to_owned(),
        })
    }
}

/// Whether the same request may succeed the next time.
fn is_passing(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(error) if error.kind() != std::io::ErrorKind::ConnectionRefused)
}

/// As long as the registry asks, else longer each time.
fn pause(answer: Option<&Response<Body>>, tries: u32) {
    let asked = answer.and_then(|answer| answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok());
    let milliseconds = asked.map_or(250 << tries, |seconds: u64| seconds.min(LONGEST_PAUSE) * 1000);
    thread::sleep(Duration::from_millis(milliseconds));
}

/// The messages of an error document, or nothing much.
fn said(text: &str) -> String {
    let fields: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let errors = fields["errors"].as_array().into_iter().flatten();
    let messages: Vec<&str> = errors.filter_map(|error| error["message"].as_str()).collect();
    let details = fields["details"].as_str().into_iter();
    let joined = messages.into_iter().chain(details).collect::<Vec<_>>().join(", ");
    let clean: String = joined.chars().filter(|character| !character.is_control()).take(300).collect();
    if clean.is_empty() { "it gives no reason".to_owned() } else { clean }
}
