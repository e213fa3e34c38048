//! How findings are printed: one file per format, each a function from [`Results`] to text.

mod checkstyle;
mod concise;
mod cost;
mod diff;
mod excerpt;
mod full;
mod github;
mod gitlab;
mod json;
mod junit;
mod link;
mod markdown;
mod rdjson;
mod sarif;
mod statistics;
mod summary;
#[cfg(test)]
mod tests;
mod xml;

use super::check::{CheckedFile, Counts, Results};
use super::failure;
use crate::diagnostic::Diagnostic;

pub(super) use diff::unified_diff;
pub(super) use excerpt::visible;
pub(super) use summary::count;

/// Formats of findings; docs/outputs.md describes those for machines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
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
    /// The Code Quality report of GitLab.
    Gitlab,
    /// Checkstyle's XML.
    Checkstyle,
    /// `JUnit`'s XML.
    Junit,
    /// The Reviewdog Diagnostic Format.
    Rdjson,
    /// A summary with what changes cost, for the summary of a job.
    Markdown,
}

impl Format {
    /// Whether the format has colors and links; what it shows of files is free of what could steer the terminal.
    pub(super) fn is_styled(self) -> bool {
        matches!(self, Self::Full | Self::Concise)
    }
}

/// What the formats for people need to know besides the results.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the output")]
pub(super) struct Rendering {
    /// Leave out the summary.
    pub(super) quiet: bool,
    /// Fixes were applied.
    pub(super) fixing: bool,
    /// A line for each rule in the place of the findings.
    pub(super) statistics: bool,
    /// The names of rules lead to their manual pages.
    pub(super) links: bool,
}

/// The results as text, with colors in the formats for people.
pub(super) fn render(results: &Results, format: Format, rendering: Rendering) -> String {
    let summary = || if rendering.quiet { String::new() } else { summary::render(results, rendering.fixing) };
    match format {
        Format::Full | Format::Concise if rendering.statistics => statistics::render(results) + &summary(),
        Format::Full => full::render(results, rendering.links) + &summary(),
        Format::Concise => concise::render(results, rendering.links) + &summary(),
        Format::Json => json::render(results),
        Format::Sarif => sarif::render(results),
        Format::Github => github::render(results),
        Format::Gitlab => gitlab::render(results),
        Format::Checkstyle => checkstyle::render(results),
        Format::Junit => junit::render(results),
        Format::Rdjson => rdjson::render(results),
        Format::Markdown => markdown::render(results),
    }
}

/// The results as text for a file: without colors.
pub(super) fn render_plain(results: &Results, format: Format, rendering: Rendering) -> String {
    let text = render(results, format, Rendering { links: false, ..rendering });
    if format.is_styled() { anstream::adapter::strip_str(&text).to_string() } else { text }
}

/// The message of a finding, its help and its cost: a line for each.
fn whole_message(diagnostic: &Diagnostic) -> String {
    let details = [diagnostic.help.clone(), diagnostic.cost.as_ref().map(cost::in_words)];
    details.into_iter().flatten().fold(diagnostic.message.clone(), |all, line| all + "\n" + &line)
}

/// A file's name for services that know files by their path from the working directory.
fn ci_path(name: &str) -> String {
    if std::path::Path::new(name).is_absolute() { failure::near(std::path::Path::new(name)) } else { name.to_owned() }
}
