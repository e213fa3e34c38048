//! Where a registry is: scheme, host and port.

/// An address that speaks the protocol of registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// `https` or `http`.
    scheme: &'static str,
    /// Host and port.
    host: String,
    /// What credentials are filed under.
    pub(super) registry: String,
}

impl Endpoint {
    /// A registry. One on this machine is asked without encryption, as Docker does it.
    pub(super) fn of(registry: &str) -> Self {
        let host = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
        let scheme = if is_loopback(host) { "http" } else { "https" };
        Self { scheme, host: host.to_owned(), registry: registry.to_owned() }
    }

    /// A mirror of a registry: a host, or an address with its scheme.
    pub(super) fn mirror(address: &str, _of: &str) -> Self {
        let bare = address.trim_end_matches('/');
        match bare.split_once("://") {
            Some(("http", host)) => Self { scheme: "http", host: host.to_owned(), registry: host.to_owned() },
            Some((_, host)) => Self { scheme: "https", host: host.to_owned(), registry: host.to_owned() },
            None => Self::of(bare),
        }
    }

    /// Host and port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The address without a path.
    pub(super) fn base(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    /// Whether what is said may be overheard only on this machine, so that credentials may be sent.
    pub(super) fn is_private(&self) -> bool {
        self.scheme == "https" || is_loopback(&self.host)
    }
}

/// Whether an address of a token server is encrypted or on this machine.
pub(super) fn is_private_address(address: &str) -> bool {
    match address.split_once("://") {
        Some(("https", _)) => true,
        Some(("http", rest)) => is_loopback(rest.split(['/', '?']).next().unwrap_or_default()),
        _ => false,
    }
}

/// Whether a host with its port is this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_in_the_clear() {
        for (registry, base) in [
            ("docker.io", "https://registry-1.docker.io"),
            ("ghcr.io", "https://ghcr.io"),
            ("localhost:5000", "http://localhost:5000"),
            ("127.0.0.1:5001", "http://127.0.0.1:5001"),
            ("[::1]:5000", "http://[::1]:5000"),
            ("127.0.0.1.example.com", "https://127.0.0.1.example.com"),
            ("localhost.example.com", "https://localhost.example.com"),
        ] {
            assert_eq!(Endpoint::of(registry).base(), base);
        }
        assert!(is_private_address("https://auth.docker.io/token") && is_private_address("http://127.0.0.1:5/x"));
        assert!(!is_private_address("http://auth.example.com/token") && !is_private_address("ftp://localhost"));
        assert!(!is_private_address("http://127.0.0.1@example.com/"));
    }
}
