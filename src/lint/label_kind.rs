//! The forms that the values of labels may have.

use toml::value::Datetime;

/// A form; those of hadolint's label schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelKind {
    /// Any text but none.
    Text,
    /// An absolute URL.
    Url,
    /// A version after <https://semver.org>.
    Semver,
    /// A date and a time with its zone after RFC 3339: `2024-05-01T12:00:00Z`.
    Rfc3339,
    /// A license expression of SPDX: `MIT OR Apache-2.0`.
    Spdx,
    /// The id of a git commit: 40 or 64 hexadecimal digits, or its first 7 or more.
    Hash,
    /// A mail address.
    Email,
}

impl LabelKind {
    /// The form in words, as in "is no …".
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Url => "absolute URL",
            Self::Semver => "semantic version",
            Self::Rfc3339 => "date and time after RFC 3339",
            Self::Spdx => "SPDX license expression",
            Self::Hash => "id of a git commit",
            Self::Email => "mail address",
        }
    }

    /// A value that has the form.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Text => "some text",
            Self::Url => "https://example.org/docs",
            Self::Semver => "1.4.0",
            Self::Rfc3339 => "2024-05-01T12:00:00Z",
            Self::Spdx => "MIT OR Apache-2.0",
            Self::Hash => "98d4b2e1c0a7f3b5d6e8f90123456789abcdef01",
            Self::Email => "team@example.org",
        }
    }

    /// Whether a value has the form.
    pub fn accepts(self, value: &str) -> bool {
        match self {
            Self::Text => !value.trim().is_empty(),
            Self::Url => fluent_uri::Uri::parse(value).is_ok_and(|uri| uri.authority().is_some()),
            Self::Semver => semver::Version::parse(value).is_ok(),
            Self::Rfc3339 => value.parse().is_ok_and(is_instant),
            Self::Spdx => spdx::Expression::parse(value).is_ok(),
            Self::Hash => matches!(value.len(), 7..=40 | 64) && value.bytes().all(|byte| byte.is_ascii_hexdigit()),
            Self::Email => is_address(value),
        }
    }
}

fn is_instant(found: Datetime) -> bool {
    found.date.is_some() && found.time.is_some() && found.offset.is_some()
}

/// A name and a domain: what mail servers accept beyond that is theirs to say.
fn is_address(value: &str) -> bool {
    let Some((name, domain)) = value.rsplit_once('@') else { return false };
    let plain = |text: &str| !text.is_empty() && !text.contains(|letter: char| letter.is_whitespace() || letter == '@');
    plain(name) && plain(domain) && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_values_that_have_the_form() {
        for (kind, value, expected) in [
            (LabelKind::Text, "x", true),
            (LabelKind::Text, "  ", false),
            (LabelKind::Url, "https://example.org/a?b#c", true),
            (LabelKind::Url, "git+ssh://git@example.org:22/a", true),
            (LabelKind::Url, "example.org/a", false),
            (LabelKind::Url, "mailto:a@example.org", false),
            (LabelKind::Url, "https://exa mple.org", false),
            (LabelKind::Semver, "1.4.0-rc.1+b2", true),
            (LabelKind::Semver, "v1.4.0", false),
            (LabelKind::Semver, "1.4", false),
            (LabelKind::Rfc3339, "2024-05-01T12:00:00+02:00", true),
            (LabelKind::Rfc3339, "2024-05-01T12:00:00", false),
            (LabelKind::Rfc3339, "2024-05-01", false),
            (LabelKind::Rfc3339, "2024-13-01T12:00:00Z", false),
            (LabelKind::Spdx, "(MIT OR Apache-2.0) AND BSD-3-Clause", true),
            (LabelKind::Spdx, "MIT/Apache", false),
            (LabelKind::Hash, "98d4b2e", true),
            (LabelKind::Hash, "98d4b2", false),
            (LabelKind::Hash, "main", false),
            (LabelKind::Email, "team+docker@example.org", true),
            (LabelKind::Email, "team@localhost", false),
            (LabelKind::Email, "a b@example.org", false),
            (LabelKind::Email, "@example.org", false),
        ] {
            assert_eq!(kind.accepts(value), expected, "{kind:?} {value}");
            assert!(kind.accepts(kind.example()), "{kind:?}");
        }
    }
}
