//! Mistakes in the configuration.

use std::ops::Range;
use std::sync::Arc;

use miette::{NamedSource, SourceSpan};

use super::remedy::Place;

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ConfigError {
    /// It is there, or was named, and cannot be read.
    #[error("`{path}` cannot be read: {reason}")]
    #[diagnostic(help("check the path and its permissions, or pass `--isolated` to go without a configuration"))]
    Unreadable {
        /// As shown to the user.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// Something in it is wrong.
    #[error("`{path}`: {message}")]
    Invalid {
        /// As shown to the user.
        path: String,
        /// What is wrong.
        message: String,
        /// The file.
        #[source_code]
        text: Arc<NamedSource<String>>,
        /// Where.
        #[label("here")]
        span: SourceSpan,
        /// What to do about it.
        #[help]
        help: Option<String>,
    },
}

impl ConfigError {
    /// An error at `span` of the file.
    pub(super) fn invalid(path: &str, text: &str, span: Range<usize>, message: String, help: Option<String>) -> Self {
        let end = span.end.min(text.len());
        let start = span.start.min(end);
        Self::Invalid {
            path: path.to_owned(),
            message,
            text: Arc::new(NamedSource::new(path, text.to_owned())),
            span: SourceSpan::from(start..end),
            help,
        }
    }

    /// What the TOML reader says, with the key that was probably meant.
    pub(super) fn toml(path: &str, text: &str, error: &toml::de::Error) -> Self {
        let said = error.message();
        let span = error.span().unwrap_or(0..0);
        let mut quoted = said.split('`').skip(1).step_by(2);
        let (message, help) = match (said, quoted.next()) {
            (said, Some(key)) if said.starts_with("unknown field") => {
                (format!("there is no key `{key}`"), Some(suggestion(key, &quoted.collect::<Vec<_>>())))
            }
            (said, Some(value)) if said.starts_with("unknown variant") => {
                let known: Vec<&str> = quoted.collect();
                (format!("`{value}` is not known here"), Some(suggestion(value, &known)))
            }
            (said, key) => misplaced(text, &span, said, key),
        };
        Self::invalid(path, text, span, message, help)
    }

    /// The whole error on one line: where it is, what is wrong, and what to do about it.
    pub fn sentence(&self) -> String {
        let Self::Invalid { path, message, text, span, help } = self else { return self.to_string() };
        let before = text.inner().as_bytes().iter().take(span.offset());
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        let help = help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("`{path}`, line {line}: {message}{help}")
    }
}

/// The message and the remedy for a value that cannot stand where it does, for a key that lacks, or for what is no TOML;
/// `key` is the first name that the reader said.
fn misplaced(text: &str, span: &Range<usize>, said: &str, key: Option<&str>) -> (String, Option<String>) {
    let place = Place::find(text, span);
    match (place, key) {
        (Some(place), Some(key)) if said.starts_with("missing field") => {
            (format!("`{}` lacks the key `{key}`", place.key), place.key_takes(key))
        }
        (Some(place), _) => (place.mistake(), place.takes()),
        (None, _) => {
            let help = match said.trim() {
                "duplicate key" => "a key stands once in a table: keep one of them",
                _ => "the file is TOML: texts stand in quotes, lists in `[…]`, and a table begins with `[name]`",
            };
            (said.trim().replace('\n', ", "), Some(help.to_owned()))
        }
    }
}

fn suggestion(name: &str, known: &[&str]) -> String {
    let similar = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
        .filter(|(similarity, _)| *similarity >= 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    match (similar, known) {
        (Some((_, candidate)), _) => format!("did you mean `{candidate}`?"),
        (None, [only]) => format!("this version knows `{only}` only"),
        (None, known) => {
            format!("known are {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    }
}
