//! The connection: time limits, certificates, proxies.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::RegistryError;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(20);
/// The certificates of the usual distributions; the first that is there is taken.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What talks to servers, which may be silent for that long. An answer of any status is no error.
pub(in crate::runtime) fn agent(silence: Duration) -> Result<Agent, RegistryError> {
    let tls = TlsConfig::builder().root_certs(certificates()?).build();
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("layerwise/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(CONNECT.min(silence)))
        .timeout_recv_response(Some(silence))
        .timeout_per_read(Some(silence))
        .tls_config(tls)
        .build();
    Ok(config.into())
}

/// The machine's certificates, since a company's own are only there; else Mozilla's.
fn certificates() -> Result<RootCerts, RegistryError> {
    if let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(PathBuf::from) {
        return bundle(&path).map_err(|error| RegistryError::Certificates { path, reason: error.to_string() });
    }
    let found = BUNDLES.iter().find_map(|path| bundle(&PathBuf::from(path)).ok());
    Ok(found.unwrap_or(RootCerts::WebPki))
}

fn bundle(path: &PathBuf) -> io::Result<RootCerts> {
    let pem = std::fs::read(path)?;
    let items = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<Certificate<'static>> = items.collect();
    if certificates.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it holds no certificate"));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}
