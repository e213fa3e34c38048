//! What well-known base images set: their working directory and variables. Facts from `rules/images/`.

mod builtin;

use std::collections::BTreeMap;

use serde::Deserialize;

use super::pattern::{Pattern, name_matches};
use super::places::is_project_file;
use crate::syntax::ImageReference;

/// What an image sets.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ImageFacts {
    /// Its name; the name of its file without `.toml`.
    pub name: String,
    /// Another image: its `sources` and `build-packages` hold here too.
    #[serde(default)]
    pub like: Option<String>,
    /// Hosts of its registries; Docker Hub where there are none.
    #[serde(default)]
    pub registries: Vec<String>,
    /// Its repositories, those of Docker's official images without `library/`.
    pub repositories: Vec<String>,
    /// Tags that are meant (`*` allowed); all where there are none.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The working directory, where it sets one.
    #[serde(default)]
    pub directory: Option<String>,
    /// Directories, absolute, that it does not have though other images do.
    #[serde(default)]
    pub lacks: Vec<String>,
    /// Tags (`*` allowed) whose image names another user than `root` to run as.
    #[serde(default)]
    pub unprivileged: Vec<String>,
    /// Variables.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Users that it adds.
    #[serde(default)]
    pub users: Vec<ImageUser>,
    /// Programs of its own (`*` allowed), in directories that come before those of the system on its search path: what the
    /// system's package manager installs never takes their place.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Images that run what is built in this one; the first that fits the tag is taken.
    #[serde(default)]
    pub runtimes: Vec<Runtime>,
    /// Files of the build context that a program built in this image does not open when it runs (`*` allowed): names, or
    /// names of directories above them.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Packages of the operating system that only builds need, or that every runtime has as well.
    #[serde(default)]
    pub build_packages: Vec<String>,
}

/// A user that an image adds.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ImageUser {
    /// The name, which its group has as well.
    pub name: String,
    /// Number of the user.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
    /// The home, which is there and the user's.
    pub home: String,
}

/// An image that runs what is built in another one.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Runtime {
    /// Tags of the image that builds (`*` allowed); all where there are none.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What such a tag matches; any where there is none.
    #[serde(default)]
    pub pattern: Option<Pattern>,
    /// The image that runs, `$1` for the first group of the pattern; none where none is known.
    pub image: Option<String>,
    /// Why none is named, as a clause.
    #[serde(default)]
    pub unknown: Option<String>,
    /// Whether it has a shell.
    #[serde(default)]
    pub shell: bool,
    /// What runs the program; none where it runs by itself.
    #[serde(default)]
    pub launcher: Option<Launcher>,
    /// Whether the program needs all that stands beside it.
    #[serde(default)]
    pub directory: bool,
}

/// A program that runs what was built: `java -jar app.jar`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Launcher {
    /// Its name.
    pub program: String,
    /// Options of which what was built is the value; where there are none, it is the first argument.
    #[serde(default)]
    pub before: Vec<String>,
}

impl Runtime {
    /// What runs what was built, as a word.
    pub fn program(&self) -> &str {
        self.launcher.as_ref().map_or("the program itself", |launcher| launcher.program.as_str())
    }
}

impl ImageFacts {
    /// Takes in what another image says of builds.
    fn take_in(&mut self, other: &Self) {
        self.sources.extend(other.sources.iter().cloned());
        self.build_packages.extend(other.build_packages.iter().cloned());
    }

    /// Whether the image has this program of its own.
    pub fn brings(&self, program: &str) -> bool {
        self.programs.iter().any(|known| name_matches(known, program))
    }

    /// Whether the image runs as `root` where no `USER` says otherwise.
    pub fn starts_as_root(&self, tag: Option<&str>) -> bool {
        !self.unprivileged.iter().any(|pattern| name_matches(pattern, tag.unwrap_or("latest")))
    }

    /// The user of this name or number that the image adds.
    pub fn user(&self, name: &str) -> Option<&ImageUser> {
        self.users.iter().find(|user| user.name == name || user.uid.to_string() == name)
    }

    /// Why no image is named that runs what is built in this one at `tag`, as a clause.
    pub fn why_no_runtime(&self, tag: Option<&str>) -> Option<&str> {
        self.runtime_of(tag.unwrap_or_default())?.unknown.as_deref()
    }

    fn runtime_of(&self, tag: &str) -> Option<&Runtime> {
        let fits = |runtime: &&Runtime| {
            let named = runtime.tags.is_empty() || runtime.tags.iter().any(|known| name_matches(known, tag));
            named && runtime.pattern.as_ref().is_none_or(|pattern| pattern.matches(tag))
        };
        self.runtimes.iter().find(fits)
    }

    /// What runs what is built in this one at `tag`, and the image of it.
    pub fn runtime(&self, tag: Option<&str>) -> Option<(&Runtime, String)> {
        let tag = tag.unwrap_or_default();
        let found = self.runtime_of(tag)?;
        let version = found.pattern.as_ref().and_then(|pattern| pattern.capture(tag)).unwrap_or_default();
        Some((found, found.image.as_ref()?.replace("$1", version)))
    }

    /// Whether a program does not open this file of the build context when it runs.
    pub fn is_source(&self, path: &str) -> bool {
        path.split('/').any(|part| is_project_file(part) || self.sources.iter().any(|known| name_matches(known, part)))
    }

    /// Whether only builds need this package of the operating system.
    pub fn is_for_builds(&self, package: &str) -> bool {
        self.build_packages.iter().any(|known| known == package)
    }
}

/// What is known of the image that a reference names.
pub fn image_facts(image: &ImageReference) -> Option<&'static ImageFacts> {
    let host = image.registry.as_deref().filter(|host| *host != "docker.io");
    let name = image.repository.strip_prefix("library/").filter(|_| host.is_none()).unwrap_or(&image.repository);
    builtin::facts_of(name).find(|facts| {
        let here = match host {
            None => facts.registries.is_empty(),
            Some(host) => facts.registries.iter().any(|known| known == host),
        };
        let tag = image.tag.as_deref();
        let tagged =
            facts.tags.is_empty() || tag.is_some_and(|tag| facts.tags.iter().any(|known| name_matches(known, tag)));
        here && tagged
    })
}

#[cfg(test)]
mod tests {
    use super::builtin::IMAGES;
    use super::*;

    fn facts(reference: &str) -> Option<&'static ImageFacts> {
        image_facts(&ImageReference::parse(reference))
    }

    #[test]
    fn every_file_is_read_and_found() {
        assert_eq!(IMAGES.len(), 22);
        assert!(IMAGES.iter().all(|entry| {
            let Some(facts) = entry.read() else { return false };
            facts
                .runtimes
                .iter()
                .all(|runtime| runtime.pattern.as_ref().is_none_or(|pattern| pattern.error().is_none()))
        }));
        for (reference, expected) in [
            ("golang", Some("/go")),
            ("docker.io/library/golang:1.22", Some("/go")),
            ("php:8.3-apache", Some("/var/www/html")),
            ("php:8.3-fpm-alpine", Some("/var/www/html")),
            ("php:8.3", None),
            ("example.com/golang", None),
            ("node:22-slim", Some("/")),
            ("alpine", Some("/")),
            ("mcr.microsoft.com/dotnet/sdk:9.0", Some("/")),
            ("dotnet/sdk:9.0", None),
            ("oven/bun:1", Some("/home/bun/app")),
            ("gradle:8-jdk21", Some("/home/gradle")),
        ] {
            assert_eq!(facts(reference).and_then(|facts| facts.directory.as_deref()), expected, "{reference}");
        }
        let brings = |reference, program| facts(reference).is_some_and(|facts| facts.brings(program));
        let known: Vec<&ImageFacts> = IMAGES.iter().filter_map(builtin::Entry::read).collect();
        assert!(known.iter().zip(&IMAGES).all(|(facts, entry)| facts.name == entry.name));
        assert!(known.iter().all(|image| {
            let like = image.like.as_ref();
            like.is_none_or(|like| known.iter().any(|other| other.name == *like && other.like.is_none()))
        }));
        let maven = facts("maven:3-eclipse-temurin-21").unwrap();
        assert!(maven.is_source("pom.xml") && maven.is_for_builds("git"));
        assert!(brings("node", "npm") && brings("python", "pip3.12") && brings("golang", "go"));
        assert!(!brings("node", "pnpm") && !brings("debian", "npm"));
    }

    #[test]
    fn the_tag_names_the_image_that_runs() {
        for (reference, expected) in [
            ("golang:1.22-alpine", Some("alpine:3")),
            ("rust:1.90", Some("debian:trixie-slim")),
            ("maven:3.9-eclipse-temurin-21", Some("eclipse-temurin:21-jre")),
            ("maven:3.9.9-eclipse-temurin-17-alpine", Some("eclipse-temurin:17-jre-alpine")),
            ("maven:3-amazoncorretto-21", None),
            ("maven", None),
            ("eclipse-temurin:21", Some("eclipse-temurin:21-jre")),
            ("eclipse-temurin:17.0.12_7-jdk-alpine", Some("eclipse-temurin:17-jre-alpine")),
            ("eclipse-temurin:21-jre", None),
            ("gradle:8.10-jdk21", Some("eclipse-temurin:21-jre")),
            ("mcr.microsoft.com/dotnet/sdk:8.0", Some("mcr.microsoft.com/dotnet/aspnet:8.0")),
            ("mcr.microsoft.com/dotnet/sdk:9.0-alpine", Some("mcr.microsoft.com/dotnet/aspnet:9.0-alpine")),
            ("mcr.microsoft.com/dotnet/sdk:latest", None),
        ] {
            let image = ImageReference::parse(reference);
            let found = image_facts(&image).and_then(|facts| facts.runtime(image.tag.as_deref()));
            assert_eq!(found.map(|(_, image)| image).as_deref(), expected, "{reference}");
        }
    }
}
