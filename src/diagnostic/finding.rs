//! A finding, what it points at, what it costs and how to mend it.

use crate::text::{TextEdit, TextRange};

/// How much a finding matters. Ordered: `Severity::Error > Severity::Info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Costs time, space or reproducibility.
    Warning,
    /// The build fails, or does not do what it says.
    Error,
}

impl Severity {
    /// The name used in every output and in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a fix promises about the image. Ordered, so that `fix.safety >= wanted` decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Safety {
    /// Shown, never applied.
    Manual,
    /// The file stays valid, but the built image may differ.
    Unsafe,
    /// The built image keeps its files and its configuration, and no comment is lost or detached.
    Safe,
}

impl Safety {
    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Unsafe => "unsafe",
            Self::Safe => "safe",
        }
    }
}

/// One finding in one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// The rule's name.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong: one phrase, no full stop, names in backticks.
    pub message: String,
    /// Where.
    pub range: TextRange,
    /// Other places in the same file that explain it.
    pub related: Vec<Label>,
    /// What to do where there is no fix, or why a fix is withheld.
    pub help: Option<String>,
    /// What it costs, from the cache model.
    pub cost: Option<Cost>,
    /// How to mend it.
    pub fix: Option<Fix>,
}

/// A place with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where, in the file of the finding.
    pub range: TextRange,
    /// The remark.
    pub message: String,
}

/// What a finding costs per change of the project, from the cache model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Share of changes that pay, 0 to 1.
    pub rate: f64,
    /// Seconds that each of them pays.
    pub seconds: f64,
    /// Number of changes of the project's history behind `rate`; 0 where `rate` is a prior.
    pub changes: usize,
    /// Whether `seconds` was measured by a build.
    pub measured: bool,
}

/// A way to mend a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// In the imperative: ``Copy the manifests before `npm ci` ``.
    pub title: String,
    /// What it promises.
    pub safety: Safety,
    /// Why the promise holds, or why it may not.
    pub argument: String,
    /// Changes to the file of the finding.
    pub edit: TextEdit,
    /// Changes to other files that belong to the fix, such as `.dockerignore`.
    pub files: Vec<FileEdit>,
}

/// The new text of a file beside the one the finding is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEdit {
    /// Path relative to the root of the build context.
    pub path: String,
    /// The whole new text.
    pub text: String,
}
