//! How registries are asked, as the configuration says it: at which mirrors first, and for how long.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::schema::Registry;

/// How registries are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registries {
    /// By registry, the hosts that are asked before it, in this order: `mirror.example.com`, `http://127.0.0.1:5000`.
    pub mirrors: BTreeMap<String, Vec<String>>,
    /// How long a server may be silent.
    pub timeout: Duration,
}

/// How long a server may be silent unless it is said, in seconds.
const SILENCE: u64 = 60;

impl Default for Registries {
    fn default() -> Self {
        Self { mirrors: BTreeMap::new(), timeout: Duration::from_secs(SILENCE) }
    }
}

/// The registry of images whose name says none, and other names that it has.
const DOCKER: &str = "docker.io";
const DOCKER_TOO: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

impl From<&Registry> for Registries {
    fn from(written: &Registry) -> Self {
        let mut mirrors: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (registry, addresses) in &written.mirrors {
            let name = registry.get_ref().as_str();
            let name = if DOCKER_TOO.contains(&name) { DOCKER } else { name };
            let addresses = addresses.iter().map(|address| address.get_ref().clone());
            mirrors.entry(name.to_owned()).or_default().extend(addresses);
        }
        let timeout = written.timeout.as_ref().map_or(SILENCE, |seconds| *seconds.get_ref());
        Self { mirrors, timeout: Duration::from_secs(timeout) }
    }
}

/// A mirror is a host or an address; without encryption only on this machine, as a tag could be given another meaning on
/// the way. The message, and a remedy.
pub(super) fn check_address(address: &str) -> Result<(), (String, String)> {
    let bare = address.trim_end_matches('/');
    let (scheme, host) = bare.split_once("://").map_or((None, bare), |(scheme, host)| (Some(scheme), host));
    if !is_host(host) {
        let help = "give a host with its port, or `https://` and a host".to_owned();
        return Err((format!("`{address}` is no address of a mirror"), help));
    }
    match scheme {
        None | Some("https") => Ok(()),
        Some("http") if is_loopback(host) => Ok(()),
        Some("http") => {
            let help = "use `https://`; plain `http://` is for mirrors on this machine".to_owned();
            Err((format!("the mirror `{address}` would be asked without encryption"), help))
        }
        Some(other) => Err((format!("`{other}` is no protocol of registries"), "use `https://`".to_owned())),
    }
}

/// A name or an address, in brackets where it has colons, and a port.
pub(super) fn is_host(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, "")) => (name, None),
            Some((name, rest)) => (name, Some(rest.strip_prefix(':').unwrap_or("no port"))),
            None => return false,
        },
        None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
    };
    let letter = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    let sound = if text.starts_with('[') {
        name.parse::<IpAddr>().is_ok()
    } else {
        !name.is_empty() && name.chars().all(letter)
    };
    sound && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Whether a host with its port is this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hosts_and_encrypted_elsewhere() {
        let sound =
            ["m.example.com", "m.example.com:5000", "https://m:1/", "http://localhost:5000", "http://[::1]:5000"];
        for address in sound {
            assert_eq!(check_address(address), Ok(()), "{address}");
        }
        let wrong =
            ["", "http://m.example.com", "http://127.0.0.1.example.com", "ftp://m", "https://", "a b", "m:port"];
        for address in wrong.into_iter().chain(["https://m/path", "[::1", "http://127.0.0.1@m", "https://[m]"]) {
            assert!(check_address(address).is_err(), "{address}");
        }
        assert!(is_host("docker.io") && !is_host("https://docker.io"));
    }
}
