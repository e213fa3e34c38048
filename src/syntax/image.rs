//! Image references: `registry/repository:tag@digest`.

/// The parts of an image reference. Variables must be expanded before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference {
    /// The registry's host, with its port; `None` for Docker Hub where it is not named.
    pub registry: Option<String>,
    /// The repository as written: `node`, `library/node`, `org/app/web`.
    pub repository: String,
    /// The tag; `None` where none is written.
    pub tag: Option<String>,
    /// The digest: `sha256:…`.
    pub digest: Option<String>,
}

impl ImageReference {
    /// Reads a reference. What is not a valid one is cut the same way.
    pub fn parse(text: &str) -> Self {
        let parsed = dockerfile_parser::ImageRef::parse(text);
        let (repository, tag) = match (parsed.tag, parsed.image.rsplit_once(':')) {
            // With a digest, the tag is still part of the image's name here.
            (None, Some((repository, tag))) => (repository.to_owned(), Some(tag.to_owned())),
            (tag, _) => (parsed.image, tag),
        };
        Self { registry: parsed.registry, repository, tag, digest: parsed.hash }
    }

    /// The last part of the repository: `app` of `registry.example/team/app:1`.
    pub fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_references() {
        let cases = [
            ("node", (None, "node", None, None)),
            ("node:20-alpine", (None, "node", Some("20-alpine"), None)),
            ("org/app:1", (None, "org/app", Some("1"), None)),
            ("localhost:5000/app", (Some("localhost:5000"), "app", None, None)),
            ("mcr.example.com/a/b:2@sha256:ab", (Some("mcr.example.com"), "a/b", Some("2"), Some("sha256:ab"))),
            ("node@sha256:ab", (None, "node", None, Some("sha256:ab"))),
            ("", (None, "", None, None)),
        ];
        for (text, (registry, repository, tag, digest)) in cases {
            let image = ImageReference::parse(text);
            let found =
                (image.registry.as_deref(), image.repository.as_str(), image.tag.as_deref(), image.digest.as_deref());
            assert_eq!(found, (registry, repository, tag, digest), "{text}");
        }
        assert_eq!(ImageReference::parse("mcr.example.com/a/b:2").name(), "b");
    }
}
