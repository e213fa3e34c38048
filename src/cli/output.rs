//! How findings are printed: one file per format, each a function from [`Results`] to text.

mod concise;
mod cost;
mod diff;
mod excerpt;
mod full;
mod github;
mod json;
mod sarif;
mod summary;
#[cfg(test)]
mod tests;

use super::check::{CheckedFile, Counts, Results};

pub(super) use diff::unified_diff;
pub(super) use summary::count;

/// Formats of findings.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(super) enum Format {
    /// With excerpts of the file, and fixes as diffs.
    #[default]
    Full,
    /// A line for each finding.
    Concise,
    /// One JSON document; docs/json.md describes it.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

/// What the formats for people need to know besides the results.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rendering {
    /// Leave out the summary.
    pub(super) quiet: bool,
    /// Fixes were applied.
    pub(super) fixing: bool,
}

/// The results as text, with colors in the formats for people.
pub(super) fn render(results: &Results, format: Format, rendering: Rendering) -> String {
    let summary = || if rendering.quiet { String::new() } else { summary::render(results, rendering.fixing) };
    match format {
        Format::Full => full::render(results) + &summary(),
        Format::Concise => concise::render(results) + &summary(),
        Format::Json => json::render(results),
        Format::Sarif => sarif::render(results),
        Format::Github => github::render(results),
    }
}
