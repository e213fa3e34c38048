//! Patterns of registries and repositories that images may come from.

use globset::{GlobBuilder, GlobMatcher};

use crate::syntax::ImageReference;

/// Where images come from that name no registry, and what it is called too.
const DOCKER_HUB: &str = "docker.io";
const ALSO_DOCKER_HUB: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// A list of patterns.
#[derive(Clone, Debug)]
pub struct TrustedRegistries {
    patterns: Vec<(String, GlobMatcher)>,
}

impl TrustedRegistries {
    /// Reads patterns: a registry (`docker.io`, `*.example.com`), or the beginning of repositories in one
    /// (`ghcr.io/our-team`). `*` stands for anything but `/`.
    ///
    /// # Errors
    /// The index of the first pattern that cannot be read, and why.
    pub fn new(patterns: &[String]) -> Result<Self, (usize, String)> {
        let read = |(index, text): (usize, &String)| {
            let wanted = canonical_registry(text.trim_end_matches('/').to_ascii_lowercase());
            let glob = GlobBuilder::new(&wanted).literal_separator(true).build();
            let glob = glob.map_err(|error| (index, error.kind().to_string()))?;
            Ok((text.clone(), glob.compile_matcher()))
        };
        Ok(Self { patterns: patterns.iter().enumerate().map(read).collect::<Result<_, _>>()? })
    }

    /// The patterns as they are written.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(|(text, _)| text.as_str())
    }

    /// The registry of an image that no pattern trusts; variables must be expanded before.
    pub fn untrusted(&self, image: &str) -> Option<String> {
        let reference = ImageReference::parse(image);
        let registry = reference.registry.as_deref().unwrap_or(DOCKER_HUB).to_ascii_lowercase();
        let registry = canonical_registry(registry);
        let official = registry == DOCKER_HUB && !reference.repository.contains('/');
        let library = if official { "library/" } else { "" };
        let name = format!("{registry}/{library}{}", reference.repository.to_ascii_lowercase());
        let beginnings = name.match_indices('/').filter_map(|(end, _)| name.get(..end)).chain([name.as_str()]);
        let mut trusted = beginnings.flat_map(|part| self.patterns.iter().map(move |(_, glob)| glob.is_match(part)));
        (!trusted.any(|trusted| trusted)).then_some(registry)
    }
}

/// A name that begins with a registry, with the one name of Docker Hub in its place.
fn canonical_registry(name: String) -> String {
    let (registry, rest) = name.split_once('/').map_or((name.as_str(), None), |(first, rest)| (first, Some(rest)));
    if !ALSO_DOCKER_HUB.contains(&registry) {
        return name;
    }
    rest.map_or_else(|| DOCKER_HUB.to_owned(), |rest| format!("{DOCKER_HUB}/{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trusts_registries_and_what_lies_below() {
        for (pattern, image, trusted) in [
            ("docker.io", "debian:12", true),
            ("docker.io", "index.docker.io/library/debian", true),
            ("index.docker.io", "team/app", true),
            ("docker.io/library", "debian", true),
            ("docker.io/library", "team/app", false),
            ("docker.io", "ghcr.io/team/app:1", false),
            ("ghcr.io/team", "ghcr.io/team/app@sha256:ab", true),
            ("ghcr.io/team", "ghcr.io/teams/app", false),
            ("ghcr.io/team/", "ghcr.io/Team/app", true),
            ("*.example.com", "a.example.com/x", true),
            ("*.example.com", "example.com/x", false),
            ("*.example.com", "a.example.com.evil.org/x", false),
            ("*.example.com", "evil.org/a.example.com/x", false),
            ("localhost:*", "localhost:5000/x", true),
            ("localhost", "localhost:5000/x", false),
            ("*", "ghcr.io/x", true),
        ] {
            let registries = TrustedRegistries::new(&[pattern.to_owned()]).unwrap();
            assert_eq!(registries.untrusted(image).is_none(), trusted, "{pattern} {image}");
        }
        assert_eq!(TrustedRegistries::new(&["a".into(), "[".into()]).unwrap_err().0, 1);
    }
}
