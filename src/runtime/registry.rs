//! Registries: images by name over HTTP.
//!
//! Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>. Only reading: manifests and blobs.
//! Whatever a registry says is verified by digest, so a mirror needs no trust.

mod blob;
mod challenge;
mod credentials;
mod endpoint;
mod http;
mod session;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ureq::Agent;

use super::fetch::{Blobs, FetchError};
use super::image::{Descriptor, Digest, LARGEST_DOCUMENT, MediaType, Reference};
use super::store::{Store, StoreError};
use crate::config::Registries;
use endpoint::Endpoint;
pub(in crate::runtime) use http::agent;
use session::Session;

/// Asks registries. Connections and tokens are kept for as long as it lives; threads share it.
#[derive(Debug)]
pub struct Client {
    /// Made when somebody is asked: the machine's certificates take longer to read than a build from the cache.
    agent: Mutex<Option<Agent>>,
    settings: Registries,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
}

/// Why a registry does not give what it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Nobody answers.
    #[error("the registry `{host}` cannot be reached: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// What the network says.
        reason: String,
    },
    /// It wants to know who asks.
    #[error("the registry `{host}` refuses access: {reason}; `docker login {host}` stores credentials for it")]
    Denied {
        /// The host.
        host: String,
        /// What it says.
        reason: String,
    },
    /// It does not have it.
    #[error("the registry `{host}` has no such image")]
    NotFound {
        /// The host.
        host: String,
    },
    /// Another answer.
    #[error("the registry `{host}` answers {status}: {reason}")]
    Status {
        /// The host.
        host: String,
        /// The status of HTTP.
        status: u16,
        /// What it says.
        reason: String,
    },
    /// It asks for more time than there is.
    #[error("the registry `{host}` does not serve more requests now (status 429); log in with `docker login` or wait")]
    Busy {
        /// The host.
        host: String,
    },
    /// An answer that makes no sense.
    #[error("the registry `{host}` answers nonsense: {reason}")]
    Nonsense {
        /// The host.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A download that broke off too often.
    #[error("the download of {digest} from `{host}` broke off {times} times: {reason}")]
    BrokenOff {
        /// The host.
        host: String,
        /// What was downloaded.
        digest: Digest,
        /// How often.
        times: u32,
        /// The last reason.
        reason: String,
    },
    /// The file with the credentials.
    #[error("`{}` cannot be used: {reason}", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate store that cannot be read.
    #[error("the certificates of `{}` cannot be used: {reason}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RegistryError {
    /// Whether another source would help.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Denied { .. } | Self::NotFound { .. } | Self::Busy { .. })
    }
}

impl Client {
    /// A client. Certificates are the system's; `SSL_CERT_FILE` names others.
    pub fn new(settings: Registries) -> Self {
        Self { agent: Mutex::new(None), settings, sessions: Mutex::new(HashMap::new()) }
    }

    fn agent(&self) -> Result<Agent, RegistryError> {
        let mut made = self.agent.lock().unwrap_or_else(PoisonError::into_inner);
        let agent = match made.take() {
            Some(agent) => agent,
            None => agent(self.settings.timeout)?,
        };
        Ok(made.insert(agent).clone())
    }

    /// A repository and where it is asked for: at mirrors first.
    pub(in crate::runtime) fn repository(&self, reference: &Reference) -> Repository<'_> {
        let registry = reference.registry();
        let mirrors = self.settings.mirrors.get(registry).into_iter().flatten();
        let mut endpoints: Vec<Endpoint> = mirrors.map(|mirror| Endpoint::mirror(mirror, registry)).collect();
        endpoints.push(Endpoint::of(registry));
        Repository { client: self, name: reference.repository().to_owned(), endpoints }
    }

    /// What is known of the way into a repository at an endpoint.
    fn session(&self, endpoint: &Endpoint, repository: &str) -> Result<Arc<Session>, RegistryError> {
        let agent = self.agent()?;
        let key = format!("{}/{repository}", endpoint.base());
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Session::new(agent, endpoint.clone(), repository));
        Ok(sessions.entry(key).or_insert_with(made).clone())
    }
}

/// A repository of a registry.
#[derive(Debug)]
pub(in crate::runtime) struct Repository<'a> {
    client: &'a Client,
    name: String,
    endpoints: Vec<Endpoint>,
}

impl Repository<'_> {
    /// The manifest or index of a reference: its descriptor, and its bytes, verified where the reference has a digest.
    pub(in crate::runtime) fn manifest(&self, reference: &Reference) -> Result<(Descriptor, Vec<u8>), RegistryError> {
        let wanted = reference.digest().map(ToString::to_string);
        let wanted = wanted.as_deref().or(reference.tag()).unwrap_or("latest");
        self.document(wanted, reference.digest())
    }

    fn document(&self, wanted: &str, digest: Option<&Digest>) -> Result<(Descriptor, Vec<u8>), RegistryError> {
        self.at_each(|session| {
            let path = format!("manifests/{wanted}");
            let mut answer = session.get(&path, &[("accept", &accepted())])?;
            let media_type = answer.body().mime_type().unwrap_or_default().to_owned();
            let nonsense = |reason: String| RegistryError::Nonsense { host: session.host(), reason };
            let read = answer.body_mut().with_config().limit(LARGEST_DOCUMENT).read_to_vec();
            let bytes = read.map_err(|error| nonsense(format!("the manifest cannot be read: {error}")))?;
            let got = Digest::of(&bytes);
            if digest.is_some_and(|digest| *digest != got) {
                return Err(nonsense(format!("the manifest that it gives for {wanted} is {got}")));
            }
            Ok((Descriptor::new(&media_type, got, bytes.len() as u64), bytes))
        })
    }

    /// Asks the endpoints one after the other: a mirror that fails is passed over.
    fn at_each<T>(&self, ask: impl Fn(&Session) -> Result<T, RegistryError>) -> Result<T, RegistryError> {
        let (last, mirrors) = self.endpoints.split_last().ok_or_else(|| RegistryError::Nonsense {
            host: String::new(),
            reason: "there is no endpoint".to_owned(),
        })?;
        for mirror in mirrors {
            match self.client.session(mirror, &self.name).and_then(|session| ask(&session)) {
                Ok(found) => return Ok(found),
                // A full disk is no better with the next one.
                Err(RegistryError::Store(error @ StoreError::Disk { .. })) => return Err(error.into()),
                Err(_) => {}
            }
        }
        ask(&*self.client.session(last, &self.name)?)
    }
}

fn accepted() -> String {
    [MediaType::INDEX, MediaType::MANIFEST, MediaType::DOCKER_INDEX, MediaType::DOCKER_MANIFEST].join(", ")
}

impl Blobs for Repository<'_> {
    fn bring(&self, store: &Store, blob: &Descriptor) -> Result<(), FetchError> {
        self.at_each(|session| blob::download(session, store, blob)).map_err(|source| self.failed(source))
    }

    fn bring_document(&self, store: &Store, blob: &Descriptor) -> Result<(), FetchError> {
        let wanted = blob.digest.to_string();
        let (_, bytes) = self.document(&wanted, Some(&blob.digest)).map_err(|source| self.failed(source))?;
        store.put_bytes(&bytes, &blob.media_type)?;
        Ok(())
    }
}

impl Repository<'_> {
    fn failed(&self, source: RegistryError) -> FetchError {
        match source {
            RegistryError::Store(error) => error.into(),
            source => FetchError::Registry { image: self.name.clone(), source },
        }
    }
}

#[cfg(test)]
mod tests;
