//! Arguments of `build` that are more than text.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::runtime::build::{NamedContext, Pull, Secret, context_name};
use crate::runtime::export::Destination;
use crate::runtime::image::Reference;
use crate::runtime::sandbox::Network;
use crate::syntax::{Body, Dockerfile};
use crate::text::{Kilo, read_size};

/// When to ask the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum When {
    /// Where the store has no image of that name.
    Missing,
    /// Always: the name may mean another image by now.
    #[value(alias = "true")]
    Always,
    /// Never.
    #[value(alias = "false")]
    Never,
}

impl From<When> for Pull {
    fn from(when: When) -> Self {
        match when {
            When::Missing => Self::Missing,
            When::Always => Self::Always,
            When::Never => Self::Never,
        }
    }
}

/// What steps see of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Net {
    /// This machine's network.
    #[value(alias = "host")]
    Default,
    /// Nothing but themselves.
    None,
}

impl From<Net> for Network {
    fn from(net: Net) -> Self {
        match net {
            Net::Default => Self::Host,
            Net::None => Self::None,
        }
    }
}

/// How to show what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Progress {
    /// Live lines on a terminal, else plain ones.
    Auto,
    /// Live lines.
    Tty,
    /// One line after the other.
    Plain,
    /// One object per line, for programs.
    Json,
    /// Nothing but the digest.
    Quiet,
}

/// Reads a name for the image.
pub(super) fn reference(text: &str) -> Result<Reference, String> {
    text.parse().map_err(|error: crate::runtime::image::ReferenceError| error.to_string())
}

/// Reads where an image goes.
pub(super) fn output(text: &str) -> Result<Destination, String> {
    text.parse().map_err(|error: crate::runtime::export::ExportError| error.to_string())
}

/// Reads `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`; a name alone is a variable or a file of that name.
pub(super) fn secret(text: &str) -> Result<(String, Secret), String> {
    let (mut id, mut file, mut variable) = (None, None, None);
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("id", value)) => id = Some(value.to_owned()),
            Some(("src" | "source", value)) => file = Some(value.to_owned()),
            Some(("env", value)) => variable = Some(value.to_owned()),
            Some(("type", "file" | "env")) => {}
            _ => return Err(format!("`{field}` is not known here: give `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`")),
        }
    }
    let id = id.filter(|id| !id.is_empty()).ok_or("a secret needs an `id`")?;
    let value = |name: &str| std::env::var_os(name).map(std::os::unix::ffi::OsStringExt::into_vec);
    let source = match (file, variable) {
        (Some(file), _) => Secret::File(PathBuf::from(file)),
        (None, Some(name)) => Secret::Value(value(&name).ok_or_else(|| format!("the variable `{name}` is not set"))?),
        (None, None) => value(&id).map_or_else(|| Secret::File(PathBuf::from(&id)), Secret::Value),
    };
    Ok((id, source))
}

/// Reads `NAME=FOLDER`, `NAME=docker-image://IMAGE` or `NAME=oci-layout://FOLDER[:TAG]`.
pub(super) fn context(text: &str) -> Result<(String, NamedContext), String> {
    let wanted = "give `NAME=FOLDER`, `NAME=docker-image://IMAGE` or `NAME=oci-layout://FOLDER[:TAG]`";
    let (name, place) = text.split_once('=').ok_or_else(|| format!("`{text}` is no context: {wanted}"))?;
    let name = context_name(name).ok_or_else(|| format!("`{name}` cannot be the name of a context: {wanted}"))?;
    let context = match place.split_once("://") {
        Some(("docker-image", image)) => {
            reference(image)?;
            NamedContext::Image(format!("docker://{image}"))
        }
        Some(("oci-layout", layout)) => {
            NamedContext::Image(format!("oci:{}", layout.replacen("@sha256:", ":sha256:", 1)))
        }
        Some(_) => return Err(format!("`{place}` cannot be a context: {wanted}")),
        None if std::path::Path::new(place).is_dir() => NamedContext::Folder(PathBuf::from(place)),
        None => return Err(format!("the context `{place}` is no folder: {wanted}")),
    };
    Ok((name, context))
}

/// Reads `default` or `NAME=SOCKET`.
pub(super) fn ssh(text: &str) -> Result<(String, PathBuf), String> {
    if let Some((id, socket)) = text.split_once('=') {
        return Ok((id.to_owned(), PathBuf::from(socket)));
    }
    let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|socket| !socket.is_empty());
    let socket = socket.ok_or("no SSH agent is there: `SSH_AUTH_SOCK` is not set; give `NAME=SOCKET`")?;
    Ok((text.to_owned(), PathBuf::from(socket)))
}

/// Reads `NAME:ADDRESS` or `NAME=ADDRESS`.
pub(super) fn host(text: &str) -> Result<(String, IpAddr), String> {
    let wrong = || format!("`{text}` is no host: give `NAME:ADDRESS`");
    let (name, address) = text.split_once(['=', ':']).ok_or_else(wrong)?;
    let address = address.trim_start_matches('[').trim_end_matches(']');
    Ok((name.to_owned(), address.parse().map_err(|_| wrong())?))
}

/// Reads a size: `512m`, `2g`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    read_size(text, Kilo::Binary).ok_or_else(|| format!("`{text}` is no size: give a number with `k`, `m` or `g`"))
}

/// `NAME=VALUE` pairs. A name alone is empty or, with `environment`, has the value that the environment gives it.
pub(super) fn pairs(given: &[String], environment: bool) -> BTreeMap<String, String> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) => Some((name.to_owned(), value.to_owned())),
        None if environment => Some((text.clone(), std::env::var(text).ok()?)),
        None => Some((text.clone(), String::new())),
    };
    given.iter().filter_map(pair).collect()
}

/// The arguments given for one build, and of those that the configuration gives to many, the ones that the file declares.
pub(super) fn with_defaults(
    given: BTreeMap<String, String>,
    configured: BTreeMap<String, String>,
    file: &Dockerfile,
) -> BTreeMap<String, String> {
    let declared = |name: &str| {
        file.instructions().iter().any(|instruction| match &instruction.body {
            Body::Arg(declarations) => declarations.iter().any(|declared| declared.name.text == name),
            _ => false,
        })
    };
    let configured = configured.into_iter().filter(|(name, _)| declared(name) || name == "SOURCE_DATE_EPOCH");
    let mut all: BTreeMap<String, String> = configured.collect();
    all.extend(given);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_hosts_are_read() {
        assert_eq!(bytes("512m"), Ok(512 << 20));
        assert_eq!((bytes("7"), bytes("1GiB")), (Ok(7), Ok(1 << 30)));
        assert!(["", "m", "1x", "99999999999999t", "é"].iter().all(|text| bytes(text).is_err()));
        assert_eq!(host("a:::1").unwrap().1.to_string(), "::1");
        assert!(host("a").is_err() && host("a:b").is_err());
        assert!(secret("id=a,src=/x").is_ok() && secret("src=/x").is_err() && secret("x").is_err());
    }
}
