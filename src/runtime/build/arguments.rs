//! Build arguments: those given, those every build has, and those declared before the first stage.
//!
//! <https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope>

use std::collections::BTreeMap;

use super::BuildError;
use crate::runtime::image::Platform;
use crate::syntax::{Body, Dockerfile, expand};

/// Arguments that reach `RUN` without being declared, and never a key or the image.
/// <https://docs.docker.com/reference/dockerfile/#predefined-args>
const PROXIES: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Values that all stages can declare.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    /// Given with `--build-arg`.
    given: BTreeMap<String, String>,
    /// Of the platform, and declared before the first `FROM`.
    global: BTreeMap<String, String>,
}

impl Arguments {
    /// Reads the declarations before the first `FROM`.
    pub(super) fn read(
        file: &Dockerfile,
        given: &BTreeMap<String, String>,
        platform: &Platform,
        target: &str,
    ) -> Result<Self, BuildError> {
        let mut global = automatic(platform, target);
        for instruction in file.instructions() {
            let declarations = match &instruction.body {
                Body::Arg(declarations) => declarations,
                Body::From(_) => break,
                _ => continue,
            };
            for declared in declarations {
                let name = &declared.name.text;
                let default = declared.default.as_ref().map(|default| {
                    expand(&default.text, file.escape(), &|name| global.get(name).cloned())
                        .map_err(|error| BuildError::at(file, instruction, error))
                });
                let value = match given.get(name) {
                    Some(value) => Some(value.clone()),
                    None => default.transpose()?.map(|expansion| expansion.text),
                };
                global.extend(value.map(|value| (name.clone(), value)));
            }
        }
        Ok(Self { given: given.clone(), global })
    }

    /// The value of a global argument.
    pub(super) fn global(&self, name: &str) -> Option<String> {
        self.global.get(name).cloned()
    }

    /// The value that a declaration in a stage gives: what was given, else its default, else the global one.
    pub(super) fn declared(&self, name: &str, default: Option<String>) -> Option<String> {
        self.given.get(name).cloned().or(default).or_else(|| self.global(name))
    }

    /// Proxies that were given and reach every `RUN`.
    pub(super) fn proxies(&self) -> impl Iterator<Item = (&str, &str)> {
        PROXIES.iter().filter_map(|name| Some((*name, self.given.get(*name)?.as_str())))
    }

    /// Arguments that were given and that no `ARG` of the file declares.
    pub(super) fn unused<'a>(&'a self, file: &Dockerfile) -> Vec<&'a str> {
        let declared = |name: &str| {
            file.instructions().iter().any(|instruction| match &instruction.body {
                Body::Arg(declarations) => declarations.iter().any(|declared| declared.name.text == name),
                _ => false,
            })
        };
        let special =
            |name: &str| PROXIES.contains(&name) || name.starts_with("BUILDKIT_") || name == "SOURCE_DATE_EPOCH";
        self.given.keys().map(String::as_str).filter(|name| !special(name) && !declared(name)).collect()
    }
}

/// What every build sets.
fn automatic(platform: &Platform, target: &str) -> BTreeMap<String, String> {
    let host = Platform::host();
    let mut set = BTreeMap::from([("TARGETSTAGE".to_owned(), target.to_owned())]);
    for (prefix, platform) in [("BUILD", &host), ("TARGET", platform)] {
        let variant = platform.variant.clone().unwrap_or_default();
        set.insert(format!("{prefix}PLATFORM"), platform.to_string());
        set.insert(format!("{prefix}OS"), platform.os.clone());
        set.insert(format!("{prefix}ARCH"), platform.architecture.clone());
        set.insert(format!("{prefix}VARIANT"), variant);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_values_win_over_defaults_and_defaults_over_globals() {
        let file = Dockerfile::parse("ARG A=1\nARG B=$A-$TARGETARCH\nARG C\nFROM scratch\n");
        let given = BTreeMap::from([("A".to_owned(), "2".to_owned()), ("X".to_owned(), String::new())]);
        let arguments = Arguments::read(&file, &given, &"linux/arm64".parse().unwrap(), "").unwrap();
        assert_eq!(arguments.global("B").as_deref(), Some("2-arm64"));
        assert_eq!(arguments.declared("A", Some("3".to_owned())).as_deref(), Some("2"));
        assert_eq!(arguments.declared("B", Some("3".to_owned())).as_deref(), Some("3"));
        assert_eq!(arguments.declared("B", None).as_deref(), Some("2-arm64"));
        assert_eq!((arguments.declared("C", None), arguments.unused(&file)), (None, vec!["X"]));
    }
}
