//! Paths inside a stage's file system.

use std::fmt;

/// A normalized absolute path in a stage, without a trailing slash except for the root itself.
///
/// A base image may start in any working directory. Until a `WORKDIR` says otherwise, a relative path stands below
/// [`StagePath::base_directory`], written `?`, of which nobody knows where it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StagePath(String);

impl StagePath {
    /// `/`.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// The working directory that the base image sets, when nothing is known of it.
    pub fn base_directory() -> Self {
        Self("?".to_owned())
    }

    /// `text` taken from this directory: an absolute `text` replaces it, `.` and `..` are resolved.
    #[must_use]
    pub fn join(&self, text: &str) -> Self {
        let start = if text.starts_with('/') { "" } else { self.0.trim_end_matches('/') };
        let mut joined = String::with_capacity(start.len() + text.len() + 1);
        joined.push_str(start);
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => joined.truncate(joined.rfind('/').unwrap_or(joined.len())),
                name => {
                    joined.push('/');
                    joined.push_str(name);
                }
            }
        }
        if joined.is_empty() {
            joined.push('/');
        }
        Self(joined)
    }

    /// The path as text; `?` stands for the base image's working directory.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the path stands below a working directory that only the base image knows.
    pub fn is_floating(&self) -> bool {
        self.0.starts_with('?')
    }

    /// What follows `ancestor` in this path, without a leading slash: empty where both are equal, `None` where this path
    /// is not at or below `ancestor`.
    pub fn below<'a>(&'a self, ancestor: &Self) -> Option<&'a str> {
        below(&self.0, &ancestor.0)
    }

    /// Whether the path is at or below a directory, given as a normalized absolute path.
    pub fn is_within(&self, directory: &str) -> bool {
        below(&self.0, directory).is_some()
    }

    /// Whether a normalized absolute path is at or below this one.
    pub fn holds(&self, path: &str) -> bool {
        below(path, &self.0).is_some()
    }

    /// Whether one of the two is at or below the other, or may be because only the base image knows where one stands.
    pub fn may_overlap(&self, other: &Self) -> bool {
        self.is_floating() != other.is_floating() || self.below(other).is_some() || other.below(self).is_some()
    }

    /// The directory that holds this path; the root holds itself.
    #[must_use]
    pub fn parent(&self) -> Self {
        match self.0.rsplit_once('/') {
            Some(("", _)) | None => {
                if self.0.starts_with('/') {
                    Self::root()
                } else {
                    self.clone()
                }
            }
            Some((parent, _)) => Self(parent.to_owned()),
        }
    }

    /// The last part of the path; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

/// What follows one normalized path in another.
fn below<'a>(path: &'a str, ancestor: &str) -> Option<&'a str> {
    if ancestor == "/" {
        return path.strip_prefix('/');
    }
    let rest = path.strip_prefix(ancestor)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

impl fmt::Display for StagePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_and_compares() {
        let app = StagePath::root().join("app");
        for (text, expected) in [(".", "/app"), ("./x//y/", "/app/x/y"), ("../../z", "/z"), ("/srv", "/srv")] {
            assert_eq!(app.join(text).as_str(), expected);
        }
        assert_eq!(StagePath::base_directory().join("x").as_str(), "?/x");
        assert_eq!(StagePath::base_directory().join("./").as_str(), "?");
        assert_eq!(StagePath::base_directory().join("x/../../..").as_str(), "?");
        assert_eq!(StagePath::root().join("..").as_str(), "/");
        assert_eq!(app.join("a/b").below(&app), Some("a/b"));
        assert_eq!(StagePath::root().join("application").below(&app), None);
        assert_eq!(app.below(&StagePath::root()), Some("app"));
        assert!(StagePath::base_directory().may_overlap(&app));
        assert!(!app.join("a").may_overlap(&app.join("b")));
        assert_eq!(app.parent(), StagePath::root());
        assert!(app.is_within("/app") && app.is_within("/") && !app.is_within("/ap") && !app.is_within("/app/a"));
        assert!(app.holds("/app/a") && StagePath::root().holds("/app") && !app.holds("/apple"));
        assert!(!StagePath::base_directory().is_within("/") && !StagePath::base_directory().holds("/app"));
    }
}
