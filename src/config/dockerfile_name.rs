//! Which names Dockerfiles have.

/// Ends of names that look like a Dockerfile's and belong to something else: an ignore file, documents and data about
/// the Dockerfile, templates that are no valid Dockerfile before they are filled in, copies that editors and patches
/// leave behind.
const OTHER_ENDS: [&str; 23] = [
    ".dockerignore",
    ".containerignore",
    ".md",
    ".rst",
    ".json",
    ".yml",
    ".yaml",
    ".lock",
    ".j2",
    ".jinja",
    ".jinja2",
    ".tmpl",
    ".tpl",
    ".template",
    ".erb",
    ".ejs",
    ".hbs",
    ".mustache",
    ".in",
    ".orig",
    ".rej",
    ".bak",
    ".swp",
];

/// Whether a name is `Dockerfile`, `Dockerfile.*`, `*.Dockerfile`, `*.dockerfile`, or the same of `Containerfile`; also
/// `dockerfile`, which builders read where there is no `Dockerfile`.
pub fn is_dockerfile_name(name: &str) -> bool {
    if is_about_dockerfiles(name) {
        return false;
    }
    ["Dockerfile", "Containerfile"].iter().any(|word| {
        let small = word.to_ascii_lowercase();
        let after = name.strip_prefix(word);
        let before = name.strip_suffix(word).or_else(|| name.strip_suffix(small.as_str()));
        name == small
            || after.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            || before.is_some_and(|rest| rest.ends_with('.'))
    })
}

/// Whether a name ends as those of files that go with a Dockerfile, or become one: `Dockerfile.md`, `Dockerfile.j2`.
pub fn is_about_dockerfiles(name: &str) -> bool {
    OTHER_ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_names_of_dockerfiles() {
        for (name, expected) in [
            ("Dockerfile", true),
            ("dockerfile", true),
            ("Dockerfile.prod", true),
            ("api.Dockerfile", true),
            ("api.dockerfile", true),
            ("Containerfile", true),
            ("Containerfile.dev", true),
            ("api.Containerfile", true),
            ("api.containerfile", true),
            ("Dockerfile.dockerignore", false),
            ("Dockerfile.prod.dockerignore", false),
            ("Dockerfile.j2", false),
            ("Dockerfile-old", false),
            ("MyDockerfile", false),
            ("dockerfile.rs", false),
        ] {
            assert_eq!(is_dockerfile_name(name), expected, "{name}");
        }
    }
}
