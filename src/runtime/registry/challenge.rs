//! What a registry wants to know before it answers: the header `WWW-Authenticate`.
//!
//! Source: <https://distribution.github.io/distribution/spec/auth/token/>, RFC 7235.

use std::collections::BTreeMap;

/// A way to say who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password with each request.
    Basic,
    /// A token that another server gives.
    Bearer {
        /// Its address.
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// The challenge of a header; a token rather than a password.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let challenges = split(header);
        let bearer = challenges.iter().find(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        if let Some((_, fields)) = bearer
            && let Some(realm) = fields.get("realm")
        {
            let field = |name: &str| fields.get(name).filter(|text| !text.is_empty()).cloned();
            return Some(Self::Bearer { realm: realm.clone(), service: field("service"), scope: field("scope") });
        }
        challenges.iter().any(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")).then_some(Self::Basic)
    }
}

/// Schemes with their parameters: `Bearer realm="…",service="…", Basic realm="…"`.
fn split(header: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut found: Vec<(String, BTreeMap<String, String>)> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            return found;
        }
        let Some(value) = after.trim_start().strip_prefix('=') else {
            found.push((word.to_owned(), BTreeMap::new()));
            rest = after;
            continue;
        };
        let (value, after) = value_of(value.trim_start());
        if let Some((_, fields)) = found.last_mut() {
            fields.insert(word.to_ascii_lowercase(), value);
        }
        rest = after;
    }
}

/// A word or a quoted text, and what follows it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[place + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let bearer = |realm: &str, service: Option<&str>, scope: Option<&str>| Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
            scope: scope.map(str::to_owned),
        };
        let table = [
            (
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
                Some(bearer(
                    "https://auth.docker.io/token",
                    Some("registry.docker.io"),
                    Some("repository:a/b:pull,push"),
                )),
            ),
            (r#"Basic realm="x""#, Some(Challenge::Basic)),
            (r#"Basic realm="a, b", Bearer realm="r\"x""#, Some(bearer("r\"x", None, None))),
            ("bearer realm=r", Some(bearer("r", None, None))),
            ("Negotiate", None),
            ("", None),
            (",,= =", None),
            (r#"Bearer realm="unfinished"#, Some(bearer("unfinished", None, None))),
        ];
        for (header, challenge) in table {
            assert_eq!(Challenge::parse(header), challenge, "{header}");
        }
    }
}
