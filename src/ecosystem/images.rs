//! What well-known base images set: their working directory and variables. Facts from `rules/images/`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::pattern::name_matches;

static IMAGES: LazyLock<Vec<ImageFacts>> = LazyLock::new(|| {
    let texts = [
        include_str!("../../rules/images/golang.toml"),
        include_str!("../../rules/images/node.toml"),
        include_str!("../../rules/images/php-apache.toml"),
        include_str!("../../rules/images/python.toml"),
    ];
    texts.iter().filter_map(|text| toml::from_str(text).ok()).collect()
});

/// What an image sets.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ImageFacts {
    /// Its name; the name of its file without `.toml`.
    pub name: String,
    /// Repositories of Docker's official images, without `library/`.
    pub repositories: Vec<String>,
    /// Tags that are meant (`*` allowed); all where there are none.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The working directory, where it sets one.
    #[serde(default)]
    pub directory: Option<String>,
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
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Runtime {
    /// Tags of the image that builds (`*` allowed); all where there are none.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The image that runs; none where none is known.
    pub image: Option<String>,
    /// Whether it has a shell.
    #[serde(default)]
    pub shell: bool,
}

impl ImageFacts {
    /// Whether the image has this program of its own.
    pub fn brings(&self, program: &str) -> bool {
        self.programs.iter().any(|known| name_matches(known, program))
    }

    /// The user of this name or number that the image adds.
    pub fn user(&self, name: &str) -> Option<&ImageUser> {
        self.users.iter().find(|user| user.name == name || user.uid.to_string() == name)
    }

    /// The image that runs what is built in this one at `tag`.
    pub fn runtime(&self, tag: Option<&str>) -> Option<&Runtime> {
        let fits = |runtime: &&Runtime| {
            runtime.tags.is_empty() || runtime.tags.iter().any(|known| name_matches(known, tag.unwrap_or_default()))
        };
        self.runtimes.iter().find(fits).filter(|runtime| runtime.image.is_some())
    }

    /// Whether a program does not open this file of the build context when it runs.
    pub fn is_source(&self, path: &str) -> bool {
        path.split('/').any(|part| self.sources.iter().any(|known| name_matches(known, part)))
    }

    /// Whether only builds need this package of the operating system.
    pub fn is_for_builds(&self, package: &str) -> bool {
        self.build_packages.iter().any(|known| known == package)
    }
}

/// What is known of the image that `repository` (with its registry, where one is named) and `tag` stand for.
pub fn image_facts(repository: &str, tag: Option<&str>) -> Option<&'static ImageFacts> {
    let official = ["docker.io/library/", "docker.io/", "library/"]
        .iter()
        .find_map(|prefix| repository.strip_prefix(prefix))
        .unwrap_or(repository);
    IMAGES.iter().find(|facts| {
        let tagged =
            facts.tags.is_empty() || tag.is_some_and(|tag| facts.tags.iter().any(|known| name_matches(known, tag)));
        tagged && facts.repositories.iter().any(|known| known == official)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read_and_found() {
        assert_eq!(IMAGES.len(), 4);
        for (repository, tag, expected) in [
            ("golang", None, Some("/go")),
            ("docker.io/library/golang", Some("1.22"), Some("/go")),
            ("php", Some("8.3-apache"), Some("/var/www/html")),
            ("php", Some("8.3-fpm"), None),
            ("example.com/golang", None, None),
            ("node", Some("22-slim"), None),
        ] {
            let directory = image_facts(repository, tag).and_then(|facts| facts.directory.as_deref());
            assert_eq!(directory, expected, "{repository}");
        }
        let brings = |repository, program| image_facts(repository, None).is_some_and(|facts| facts.brings(program));
        assert!(brings("node", "npm") && brings("python", "pip3.12") && brings("golang", "go"));
        assert!(!brings("node", "pnpm") && !brings("debian", "npm"));
    }
}
