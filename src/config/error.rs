//! Mistakes in the configuration.

use std::ops::Range;
use std::sync::Arc;

use miette::{NamedSource, SourceSpan};

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
        let mut quoted = said.split('`').skip(1).step_by(2);
        let (message, help) = match (said, quoted.next()) {
            (said, Some(key)) if said.starts_with("unknown field") => {
                (format!("there is no key `{key}`"), Some(suggestion(key, &quoted.collect::<Vec<_>>())))
            }
            (said, Some(value)) if said.starts_with("unknown variant") => {
                let known: Vec<&str> = quoted.collect();
                (format!("`{value}` is not known here"), Some(suggestion(value, &known)))
            }
            _ => (said.trim().replace('\n', ", ").replace("expected u32", "expected a number"), None),
        };
        Self::invalid(path, text, error.span().unwrap_or(0..0), message, help)
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
