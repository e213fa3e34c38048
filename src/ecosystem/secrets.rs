//! What secrets look like: names of variables, formats of tokens, files that hold them. Facts from `rules/secrets.toml`.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::facts::facts;
use super::pattern::{Pattern, name_matches};

static TABLE: LazyLock<Table> = LazyLock::new(|| facts!("secrets").unwrap_or_default());

/// User, password and host of a URL.
static URL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"://([^/\s:@"'$]*):([^/\s@"'${}<>]+)@([^/\s:"'?]+)"#).ok());

/// A `NAME=value` line of an environment file.
static ASSIGNMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*?)[ \t]*\r?$").ok()
});

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    names: Names,
    values: Values,
    options: Options,
    formats: Vec<Format>,
    files: Vec<SecretFile>,
    directories: Directories,
    environment_files: EnvironmentFiles,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    secret: Vec<String>,
    public: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Values {
    placeholders: Vec<String>,
    hosts: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    what: String,
    /// Texts of which each match holds at least one, so that the pattern is not even compiled for a text without.
    marks: Vec<String>,
    pattern: Pattern,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Directories {
    harmless: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentFiles {
    names: Vec<String>,
    examples: Vec<String>,
}

/// A kind of file that holds a secret.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretFile {
    /// The secret, as a phrase with its article.
    pub what: String,
    names: Vec<String>,
    /// What the text of one that holds the secret has; none where it is no text.
    holds: Option<Pattern>,
    /// A text that each match holds, so that the pattern is not even compiled for a file without.
    #[serde(default)]
    mark: String,
    /// Whether the name alone tells, where nobody can look inside.
    #[serde(default)]
    pub named: bool,
    /// Whether most files of such a name hold no secret.
    #[serde(default)]
    common: bool,
}

impl SecretFile {
    /// Whether a file of this text holds the secret.
    pub fn is_held_by(&self, text: &str) -> bool {
        let marked = self.holds.as_ref().filter(|_| text.contains(&self.mark));
        let held = marked.and_then(|holds| holds.capture(text));
        held.is_some_and(|secret| secret.starts_with("-----") || !is_placeholder(secret))
    }
}

/// Whether the name of a variable says that its value is a secret.
pub fn is_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let any = |patterns: &[String]| patterns.iter().any(|pattern| name_matches(pattern, &upper));
    any(&TABLE.names.secret) && !any(&TABLE.names.public)
}

/// Whether a value stands where a secret will be, is one that everybody knows, or says where the secret is.
pub fn is_placeholder(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'', ' ', '\t']);
    let lower = value.to_ascii_lowercase();
    let distinct: std::collections::BTreeSet<char> = lower.chars().collect();
    let is_path = value.starts_with(['/', '.', '~', '%', '@']) || lower.starts_with("file:") || lower.contains("/run/");
    let is_words = value.chars().all(|character| !character.is_ascii_digit())
        && value.split(['-', '_', '.', ' ', '/', ':']).all(is_word);
    value.len() < 6
        || distinct.len() < 4
        || is_path
        || is_words
        || value.chars().all(|character| character.is_ascii_digit())
        || value.contains(char::is_whitespace)
        || TABLE.values.placeholders.iter().any(|known| name_matches(known, &lower))
}

/// Whether a part of a value reads like a word: letters of one case, or with a capital in front; and not too long for one.
fn is_word(part: &str) -> bool {
    let rest = part.strip_prefix(|first: char| first.is_ascii_uppercase()).unwrap_or(part);
    let one_case = |text: &str| {
        text.chars().all(|letter| letter.is_ascii_lowercase()) || text.chars().all(|letter| letter.is_ascii_uppercase())
    };
    part.len() <= 24 && (one_case(part) || one_case(rest))
}

/// The first token of a known format in a text, with the phrase for what it is.
pub fn token_in(text: &str) -> Option<(&'static str, &str)> {
    let marked = |format: &&Format| format.marks.iter().any(|mark| text.contains(mark.as_str()));
    TABLE.formats.iter().filter(marked).find_map(|format| {
        let secret = format.pattern.capture(text)?;
        let lower = secret.to_ascii_lowercase();
        let shown = ["example", "xxxx", "0000", "1234567", "abcdef"].iter().any(|part| lower.contains(part));
        (!shown).then_some((format.what.as_str(), secret))
    })
}

/// The first password in a URL that is written out, and that leads to another machine.
pub fn password_in_url(text: &str) -> Option<&str> {
    if !text.contains("://") || !text.contains('@') {
        return None;
    }
    URL.as_ref()?.captures_iter(text).find_map(|found| {
        let (user, password, host) = (found.get(1)?.as_str(), found.get(2)?.as_str(), found.get(3)?.as_str());
        let near = !host.contains('.')
            || TABLE.values.hosts.iter().any(|known| name_matches(known, &host.to_ascii_lowercase()));
        (user != password && !near && !is_placeholder(password)).then_some(password)
    })
}

/// Whether a text may give an option whose value is a secret.
pub fn may_give_secret(text: &str) -> bool {
    TABLE.options.names.iter().any(|known| text.contains(known.as_str()))
}

/// Whether an option's value is a secret.
pub fn is_secret_option(name: &str) -> bool {
    TABLE.options.names.iter().any(|known| known == name)
}

/// The kinds of secret that a file of this path may hold.
pub fn secret_files(path: &str) -> impl Iterator<Item = &'static SecretFile> {
    let named = move |file: &&SecretFile| file.names.iter().any(|name| path_matches(name, path));
    TABLE.files.iter().filter(named).filter(move |_| !is_harmless(path))
}

/// Whether a file of this path is there for a secret, going by its name.
pub fn is_secret_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    is_environment_file(name) || secret_files(path).any(|file| !file.common)
}

/// Whether a path ends with `pattern` in place of its last parts.
fn path_matches(pattern: &str, path: &str) -> bool {
    if pattern.contains('*') {
        return name_matches(&format!("*/{pattern}"), &format!("/{path}"));
    }
    path.strip_suffix(pattern).is_some_and(|above| above.is_empty() || above.ends_with('/'))
}

/// Whether a path lies in a directory of examples and the like.
fn is_harmless(path: &str) -> bool {
    let known = |part: &str| TABLE.directories.harmless.iter().any(|known| name_matches(known, part));
    path.split('/').any(|part| known(&part.to_ascii_lowercase()))
}

/// Whether a file of this name gives variables to a program, and is not there to show how to write one.
pub fn is_environment_file(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let any = |patterns: &[String]| patterns.iter().any(|pattern| name_matches(pattern, &lower));
    any(&TABLE.environment_files.names) && !any(&TABLE.environment_files.examples)
}

/// The names of the secrets that the text of an environment file sets, in order.
pub fn secrets_set(text: &str) -> Vec<String> {
    let Some(assignment) = ASSIGNMENT.as_ref() else { return Vec::new() };
    let secret = |name: &str, value: &str| {
        token_in(value).is_some()
            || password_in_url(value).is_some()
            || is_secret_name(name) && !value.contains('$') && !is_placeholder(value)
    };
    let all = assignment.captures_iter(text).filter_map(|found| Some((found.get(1)?.as_str(), found.get(2)?.as_str())));
    all.filter(|(name, value)| secret(name, value)).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::string::string_regex;
    use proptest::test_runner::TestRunner;

    use super::*;

    #[test]
    fn the_table_is_read() {
        assert!(TABLE.formats.len() > 5 && TABLE.files.len() > 5);
        assert!(TABLE.formats.iter().all(|format| format.pattern.error().is_none()));
        assert!(TABLE.files.iter().all(|file| file.holds.as_ref().is_none_or(|holds| holds.error().is_none())));
        assert!(URL.is_some() && ASSIGNMENT.is_some());
    }

    #[test]
    fn each_token_holds_a_mark() {
        let mut runner = TestRunner::deterministic();
        for format in &TABLE.formats {
            let token = string_regex(&format.pattern.text().replace(r"\b", "")).unwrap();
            let marked = |text: String| {
                prop_assert!(format.marks.iter().any(|mark| text.contains(mark.as_str())), "{text}");
                Ok(())
            };
            runner.run(&token, marked).unwrap();
        }
    }

    #[test]
    fn names_tell() {
        for name in
            ["NPM_TOKEN", "db_password", "SECRET_KEY_BASE", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "GITHUB_PAT"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "TOKENIZERS_PARALLELISM",
            "POSTGRES_PASSWORD_FILE",
            "SECRET_KEY_BASE_DUMMY",
            "SSH_PUBLIC_KEY",
            "GPG_KEY",
            "NEXT_PUBLIC_API_KEY",
            "VITE_API_KEY",
            "RECAPTCHA_SITE_KEY",
            "AWS_ACCESS_KEY_ID",
            "TOKEN_TTL",
            "COMPASS",
            "PWD",
            "ALLOW_EMPTY_PASSWORD",
            "PATH",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn values_tell() {
        for value in ["s3cr3t-Horse!", "Wq9$kd-2mZ", "8f14e45fceea167a5a36dedd4bea2543", "kJhGfDsAqWeRtYuIoP"] {
            assert!(!is_placeholder(value), "{value}");
        }
        for value in [
            "",
            "changeme",
            "change-me-2024",
            "dummy",
            "postgres",
            "/run/secrets/db",
            "true",
            "12345678",
            "xxxxxxxxxxxxxxxx",
            "your-api-key-1",
            "<token>",
            "super secret",
            "not-a-real-secret-1",
            "rootpassword",
            "Password",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn formats_and_urls_tell() {
        let token = format!("ghp_{}", "a1B2c3D4e5F6".repeat(3));
        assert_eq!(token_in(&format!("curl -H 'x: {token}'")).map(|found| found.1), Some(token.as_str()));
        assert_eq!(token_in("AKIAIOSFODNN7EXAMPLE"), None);
        assert_eq!(token_in("grep -q '-----BEGIN RSA PRIVATE KEY-----' key"), None);
        assert_eq!(password_in_url("git clone https://bot:Zq8-kd2mZ9@git.acme.io/x"), Some("Zq8-kd2mZ9"));
        for harmless in [
            "postgres://app:Zq8-kd2mZ9@db:5432/app",
            "https://$USER:$TOKEN@git.acme.io/x",
            "https://user:password@git.acme.io/x",
            "https://git.acme.io:8443/@scope/x",
        ] {
            assert_eq!(password_in_url(harmless), None, "{harmless}");
        }
    }

    #[test]
    fn files_tell() {
        let what = |path: &str| secret_files(path).map(|file| file.what.as_str()).next();
        assert_eq!(what(".ssh/id_rsa"), Some("a private key of SSH"));
        assert_eq!(what("id_rsa.pub"), None);
        assert_eq!(what("tests/id_rsa"), None);
        let npmrc: Vec<_> = secret_files("web/.npmrc").collect();
        assert!(npmrc[0].is_held_by("//registry.npmjs.org/:_authToken=8f14e45f-ceea-167a\n"));
        assert!(!npmrc[0].is_held_by("//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n"));
        assert!(!npmrc[0].is_held_by("# //registry.npmjs.org/:_authToken=8f14e45f-ceea-167a\n"));
        let composer = |text: &str| secret_files("auth.json").any(|file| file.is_held_by(text));
        assert!(composer(r#"{"github-oauth": {"github.com": "8f14e45fceea167a"}}"#));
        assert!(!composer(r#"{"audience": "https://example.org"}"#));
        for name in ["app/.env", ".npmrc", "tls/server.key", "tls/server.pem", "keys.p12", "/root/.aws/credentials"] {
            assert!(is_secret_file(name), "{name}");
        }
        for name in ["package.json", "tests/server.key", ".env.example", "credentials.rb", "key"] {
            assert!(!is_secret_file(name), "{name}");
        }
        assert!(is_environment_file(".env") && is_environment_file(".env.production"));
        assert!(!is_environment_file(".env.example") && !is_environment_file("env") && !is_environment_file(".envrc"));
        assert_eq!(secrets_set("PORT=80\nexport API_TOKEN='Zq8-kd2mZ9'\nDB_PASSWORD=changeme\n"), ["API_TOKEN"]);
    }
}
