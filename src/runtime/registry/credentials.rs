//! Credentials, as `docker login` and `podman login` leave them.
//!
//! Source: <https://docs.docker.com/reference/cli/docker/login/#credential-stores>,
//! <https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::RegistryError;

/// What Docker Hub is called in the files.
const HUB: &str = "https://index.docker.io/v1/";

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Name and password.
    Password { user: String, password: String },
    /// A token that stands for a login.
    Identity(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Credentials")
    }
}

impl Credentials {
    /// The header of a request, for name and password.
    pub(super) fn basic(&self) -> Option<String> {
        match self {
            Self::Password { user, password } => {
                Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            Self::Identity(_) => None,
        }
    }
}

/// `config.json` of Docker, `auth.json` of podman.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: BTreeMap<String, Entry>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// What a credential helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// The credentials for a registry; none where there are none.
pub(super) fn find(registry: &str) -> Result<Option<Credentials>, RegistryError> {
    for path in files() {
        let Ok(text) = std::fs::read(&path) else { continue };
        let failed = |reason: String| RegistryError::Credentials { path: path.clone(), reason };
        let file: File = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
        if let Some(found) = file.find(registry).map_err(failed)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The files in the order in which they count.
fn files() -> Vec<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let docker = set("DOCKER_CONFIG").or_else(|| Some(set("HOME")?.join(".docker")));
    let podman = set("REGISTRY_AUTH_FILE").or_else(|| Some(set("XDG_RUNTIME_DIR")?.join("containers/auth.json")));
    docker.map(|folder| folder.join("config.json")).into_iter().chain(podman).collect()
}

impl File {
    fn find(&self, registry: &str) -> Result<Option<Credentials>, String> {
        let names = names(registry);
        let helper = names.iter().find_map(|name| self.cred_helpers.get(name)).or(self.creds_store.as_ref());
        if let Some(helper) = helper {
            for name in &names {
                if let Some(found) = ask(helper, name)? {
                    return Ok(Some(found));
                }
            }
        }
        names.iter().find_map(|name| self.auths.get(name)).map_or(Ok(None), Entry::credentials)
    }
}

/// What a registry may be filed under.
fn names(registry: &str) -> Vec<String> {
    let mut names = vec![registry.to_owned(), format!("https://{registry}"), format!("https://{registry}/v2/")];
    if registry == "docker.io" {
        names.insert(0, HUB.to_owned());
        names.push("index.docker.io".to_owned());
    }
    names
}

impl Entry {
    fn credentials(&self) -> Result<Option<Credentials>, String> {
        if let Some(token) = self.identitytoken.as_ref().filter(|token| !token.is_empty()) {
            return Ok(Some(Credentials::Identity(token.clone())));
        }
        if let (Some(user), Some(password)) = (&self.username, &self.password) {
            return Ok(Some(Credentials::Password { user: user.clone(), password: password.clone() }));
        }
        let Some(auth) = self.auth.as_ref().filter(|auth| !auth.is_empty()) else { return Ok(None) };
        let plain = STANDARD.decode(auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = plain.as_deref().and_then(|text| text.trim_end_matches('\0').split_once(':'));
        let (user, password) = pair.ok_or("an entry `auth` is not `user:password` in Base64")?;
        Ok(Some(Credentials::Password { user: user.to_owned(), password: password.to_owned() }))
    }
}

/// Asks the program `docker-credential-HELPER`. That it knows nothing is no error.
fn ask(helper: &str, registry: &str) -> Result<Option<Credentials>, String> {
    // The name becomes part of a program's name: it must not lead to another one.
    if helper.is_empty() || Path::new(helper).components().count() != 1 || helper.contains('/') {
        return Err(format!("`{helper}` is no name of a credential helper"));
    }
    let program = format!("docker-credential-{helper}");
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("the credential helper `{program}` does not start: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read says so by its answer.
        let _ = input.write_all(registry.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| format!("the credential helper `{program}`: {error}"))?;
    let Ok(answer) = serde_json::from_slice::<Answer>(&output.stdout) else { return Ok(None) };
    if !output.status.success() || answer.secret.is_empty() {
        return Ok(None);
    }
    Ok(Some(match answer.username.as_str() {
        "<token>" => Credentials::Identity(answer.secret),
        _ => Credentials::Password { user: answer.username, password: answer.secret },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, registry: &str) -> Result<Option<Credentials>, String> {
        serde_json::from_str::<File>(text).unwrap().find(registry)
    }

    #[test]
    fn entries_are_found_by_every_name() {
        let auth = STANDARD.encode("me:se:cret");
        let me = Some(Credentials::Password { user: "me".to_owned(), password: "se:cret".to_owned() });
        for (name, registry) in [
            ("https://index.docker.io/v1/", "docker.io"),
            ("ghcr.io", "ghcr.io"),
            ("https://ghcr.io", "ghcr.io"),
            ("localhost:5000", "localhost:5000"),
        ] {
            let text = format!(r#"{{"auths":{{"{name}":{{"auth":"{auth}"}}}}}}"#);
            assert_eq!(found(&text, registry), Ok(me.clone()));
            assert_eq!(found(&text, "other.io"), Ok(None));
        }
        assert_eq!(found(r#"{"auths":{"a.io":{}}}"#, "a.io"), Ok(None));
        assert!(found(r#"{"auths":{"a.io":{"auth":"%"}}}"#, "a.io").is_err());
        assert!(found(r#"{"credsStore":"../../bin/x"}"#, "a.io").is_err());
    }
}
