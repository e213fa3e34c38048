//! The images of `rules/images/`, embedded.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use super::ImageFacts;
use crate::ecosystem::facts;

/// Facts of an image, read when a file first names one of its repositories.
pub(super) struct Entry {
    pub(super) name: &'static str,
    repositories: &'static [u8],
    packed: &'static [u8],
    facts: OnceLock<Option<ImageFacts>>,
}

macro_rules! images {
    ($($name:literal),* $(,)?) => {
        [$(Entry {
            name: $name,
            repositories: include_bytes!(concat!(env!("OUT_DIR"), "/rules/images/", $name, ".outline")),
            packed: include_bytes!(concat!(env!("OUT_DIR"), "/rules/images/", $name, ".facts")),
            facts: OnceLock::new(),
        }),*]
    };
}

/// All of them, by name.
pub(super) static IMAGES: [Entry; 22] = images![
    "bun",
    "busybox",
    "composer",
    "deno",
    "dotnet-runtime",
    "dotnet-sdk",
    "eclipse-temurin",
    "elixir",
    "golang",
    "gradle",
    "maven",
    "nginx",
    "node",
    "openjdk",
    "operating-systems",
    "php-apache",
    "php-cli",
    "php-fpm",
    "python",
    "red-hat",
    "ruby",
    "rust",
];

/// Entries by the repositories that they name.
static BY_REPOSITORY: LazyLock<HashMap<String, Vec<&'static Entry>>> = LazyLock::new(|| {
    let mut found: HashMap<String, Vec<&'static Entry>> = HashMap::new();
    for entry in &IMAGES {
        for repository in facts::read::<Vec<String>>(entry.repositories).unwrap_or_default() {
            found.entry(repository).or_default().push(entry);
        }
    }
    found
});

/// What is known of images of this repository.
pub(super) fn facts_of(repository: &str) -> impl Iterator<Item = &'static ImageFacts> {
    BY_REPOSITORY.get(repository).into_iter().flatten().filter_map(|entry| entry.read())
}

impl Entry {
    pub(super) fn read(&'static self) -> Option<&'static ImageFacts> {
        let read = || {
            let mut facts: ImageFacts = facts::read(self.packed)?;
            if let Some(like) = &facts.like
                && let Some(other) = IMAGES.iter().find(|entry| entry.name == like && entry.name != self.name)
            {
                facts.take_in(other.read()?);
            }
            Some(facts)
        };
        self.facts.get_or_init(read).as_ref()
    }
}
