//! References: what people call images.
//!
//! Grammar and defaults are those of Docker: <https://github.com/distribution/reference/blob/main/reference.go> and
//! `normalize.go`.

use std::fmt;
use std::str::FromStr;

use super::digest::Digest;

/// The registry of names that do not say one.
const DEFAULT_REGISTRY: &str = "docker.io";
/// Where that registry keeps the images that have no owner.
const OFFICIAL: &str = "library";
/// The tag of names that do not say one.
const DEFAULT_TAG: &str = "latest";

/// The name of an image, in full: `docker.io/library/busybox:latest`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Docker takes lower case only.
    #[error("`{0}` is no image name: upper case is not allowed in a repository")]
    UpperCase(String),
    /// Anything else.
    #[error("`{name}` is no image name: {reason}")]
    Malformed {
        /// The text.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Reference {
    /// The registry's host, with its port: `docker.io`, `localhost:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository below the registry: `library/busybox`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; none where there is only a digest.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, where one is said.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What people say for it: `busybox:latest`, `localhost:5000/app:1`.
    pub fn short(&self) -> String {
        let full = self.to_string();
        let bare = full.strip_prefix("docker.io/").unwrap_or(&full);
        bare.strip_prefix("library/").unwrap_or(bare).to_owned()
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let malformed = |reason: &str| malformed(text, reason);
        if text.is_empty() {
            return Err(malformed("it is empty"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                (rest, Some(digest.parse::<Digest>().map_err(|error| malformed(&error.to_string()))?))
            }
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        if let Some(tag) = tag {
            check_tag(tag, text)?;
        }
        let (registry, path) = split_registry(name);
        check_registry(&registry, text)?;
        check_repository(path, text)?;
        if name.len() > 255 {
            return Err(malformed("the repository is longer than 255 characters"));
        }
        let official = registry == DEFAULT_REGISTRY && !path.contains('/');
        let repository = if official { format!("{OFFICIAL}/{path}") } else { path.to_owned() };
        let tag = tag.map(str::to_owned).or_else(|| digest.is_none().then(|| DEFAULT_TAG.to_owned()));
        Ok(Self { registry, repository, tag, digest })
    }
}

fn malformed(name: &str, reason: &str) -> ReferenceError {
    ReferenceError::Malformed { name: name.chars().take(200).collect(), reason: reason.to_owned() }
}

/// The first part is a registry where it looks like a host: a dot, a port, upper case or `localhost`.
fn split_registry(name: &str) -> (String, &str) {
    let host = |first: &str| {
        first.contains(['.', ':']) || first == "localhost" || first.chars().any(|c| c.is_ascii_uppercase())
    };
    match name.split_once('/') {
        Some((first, rest)) if host(first) => {
            let registry = if first == "index.docker.io" { DEFAULT_REGISTRY } else { first };
            (registry.to_owned(), rest)
        }
        _ => (DEFAULT_REGISTRY.to_owned(), name),
    }
}

fn check_registry(registry: &str, text: &str) -> Result<(), ReferenceError> {
    let (host, port) = match registry.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => return Err(malformed(text, "the bracket of the registry's address does not end")),
        },
        None => registry.split_once(':').map_or((registry, None), |(host, port)| (host, Some(port))),
    };
    let sound = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:_".contains(c));
    if !sound || host.starts_with(['.', '-']) || host.ends_with(['.', '-']) {
        return Err(malformed(text, &format!("`{registry}` is no host of a registry")));
    }
    let port_is_sound = port.is_none_or(|port| port.parse::<u16>().is_ok());
    if port_is_sound { Ok(()) } else { Err(malformed(text, &format!("`{registry}` has no valid port"))) }
}

/// Parts of lower-case letters and digits, separated within by `.`, `_`, `__` or any number of `-`.
fn check_repository(path: &str, text: &str) -> Result<(), ReferenceError> {
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        return Err(ReferenceError::UpperCase(text.chars().take(200).collect()));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    for part in path.split('/') {
        let separators: Vec<&str> = part.split(plain).filter(|separator| !separator.is_empty()).collect();
        let known = |separator: &&str| matches!(*separator, "." | "_" | "__") || separator.bytes().all(|b| b == b'-');
        if !part.starts_with(plain) || !part.ends_with(plain) || !separators.iter().all(known) {
            return Err(malformed(
                text,
                "a repository is lower-case letters, digits and single separators `.`, `_`, `-`",
            ));
        }
    }
    Ok(())
}

fn check_tag(tag: &str, text: &str) -> Result<(), ReferenceError> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let sound = tag.starts_with(word) && tag.len() <= 128 && tag.chars().all(|c| word(c) || c == '.' || c == '-');
    if sound { Ok(()) } else { Err(malformed(text, "a tag is up to 128 letters, digits, `_`, `.` and `-`")) }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(out, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(out, "@{digest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn names_are_completed_as_docker_does() {
        let by_digest = format!("busybox@{DIGEST}");
        let both = format!("ghcr.io/a/b:1@{DIGEST}");
        let table = [
            ("busybox", "docker.io/library/busybox:latest".to_owned(), "busybox:latest".to_owned()),
            ("busybox:1.36", "docker.io/library/busybox:1.36".to_owned(), "busybox:1.36".to_owned()),
            ("me/app", "docker.io/me/app:latest".to_owned(), "me/app:latest".to_owned()),
            ("localhost/app", "localhost/app:latest".to_owned(), "localhost/app:latest".to_owned()),
            ("localhost:5000/a/b:x", "localhost:5000/a/b:x".to_owned(), "localhost:5000/a/b:x".to_owned()),
            ("index.docker.io/library/a", "docker.io/library/a:latest".to_owned(), "a:latest".to_owned()),
            ("[::1]:5000/a", "[::1]:5000/a:latest".to_owned(), "[::1]:5000/a:latest".to_owned()),
            (&by_digest, format!("docker.io/library/busybox@{DIGEST}"), format!("busybox@{DIGEST}")),
            (&both, both.clone(), both.clone()),
            ("a__b--c/d.e_f", "docker.io/a__b--c/d.e_f:latest".to_owned(), "a__b--c/d.e_f:latest".to_owned()),
        ];
        for (text, full, short) in table {
            let reference: Reference = text.parse().unwrap();
            assert_eq!((reference.to_string(), reference.short()), (full.clone(), short));
            assert_eq!(full.parse(), Ok(reference), "the full name is the same name");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let cases = [
            "",
            ":",
            "a:",
            "a:b:c/",
            "/a",
            "a/",
            "a//b",
            "-a",
            "a-",
            "a..b",
            "a___b",
            "a b",
            "a:x y",
            "a@b",
            "é",
            "a:../../x",
            "../a",
            "host:99999/a",
            ".host.x:1/a",
            "a/../b",
            "a\n",
            "a:\0",
        ];
        for text in cases {
            assert!(text.parse::<Reference>().is_err(), "{text:?}");
        }
        assert!(matches!("Busybox".parse::<Reference>(), Err(ReferenceError::UpperCase(_))));
    }
}
