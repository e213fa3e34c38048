//! The images of `rules/images/`, embedded.

use std::sync::OnceLock;

use super::ImageFacts;
use crate::ecosystem::facts;

/// Facts and their text; read when a file first names one of their images.
pub(super) struct Entry {
    pub(super) name: &'static str,
    text: &'static str,
    packed: &'static [u8],
    facts: OnceLock<Option<ImageFacts>>,
}

macro_rules! images {
    ($($name:literal),* $(,)?) => {
        [$(Entry {
            name: $name,
            text: include_str!(concat!("../../../rules/images/", $name, ".toml")),
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

impl Entry {
    /// What an image of this repository sets, where the text names the repository.
    pub(super) fn facts(&'static self, repository: &str) -> Option<&'static ImageFacts> {
        let named = self.text.match_indices(repository).any(|(at, _)| self.text[..at].ends_with('"'));
        named.then(|| self.read()).flatten()
    }

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
