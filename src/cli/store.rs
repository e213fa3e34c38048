//! `layerwise store`: what builds keep, verified and made smaller.

use std::fmt::Write;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::failure::{self, Failure};
use super::image::{finish, freed_text, open, open_inside};
use super::project::Format;
use super::{Status, terminal, to_json};
use crate::runtime::store::{PrunePolicy, Report};
use crate::text::{Kilo, read_size, size_in_words};

/// What `store` is asked.
#[derive(Debug, Args)]
pub(super) struct StoreArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verify everything in the store.
    Check(CheckArgs),
    /// Remove what builds keep and nobody needs.
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Remove what is damaged. The next build fetches or makes it again.
    #[arg(long)]
    repair: bool,

    /// How to print what is found.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output_format: Format,
}

#[derive(Debug, Args)]
struct PruneArgs {
    /// Remove cached steps and cache mounts that no build used for so long: `7d`, `12h`, `30m`, `10s`.
    #[arg(long, value_name = "AGE", default_value = "14d", value_parser = age)]
    unused_for: Duration,

    /// Remove the cached steps that were used longest ago until the store has at most so many bytes: `10GB`, `500MB`.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    keep: Option<u64>,

    /// Remove all cached steps and cache mounts. Images that have a name stay.
    #[arg(long, conflicts_with_all = ["unused_for", "keep"])]
    all: bool,

    /// How to print the result.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output_format: Format,
}

pub(super) fn run(args: &StoreArgs) -> Status {
    match &args.command {
        Command::Check(args) => failure::conclude(check(args).map(|(text, status)| {
            terminal::print(&text);
            status
        })),
        Command::Prune(args) => finish(prune(args)),
    }
}

fn check(args: &CheckArgs) -> Result<(String, Status), Failure> {
    let store = if args.repair { open_inside()? } else { open()? };
    let report = store.check(args.repair).map_err(Failure::runtime)?;
    let status = if report.problems.is_empty() { Status::Clean } else { Status::Findings };
    let text = match args.output_format {
        Format::Full => text(&report, args.repair),
        Format::Json => json(&report, args.repair),
    };
    Ok((text, status))
}

fn text(report: &Report, repaired: bool) -> String {
    let mut text = String::new();
    for problem in &report.problems {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{problem}");
    }
    let verdict = match (report.problems.len(), repaired) {
        (0, _) => "the store is sound".to_owned(),
        (1, false) => "1 problem; `layerwise store check --repair` removes what is damaged".to_owned(),
        (count, false) => format!("{count} problems; `layerwise store check --repair` removes what is damaged"),
        (count, true) => format!("{count} found, and what was damaged is removed"),
    };
    let _ = writeln!(
        text,
        "{verdict}: {} images, {} blobs of {}, {} unpacked layers, {} cache records",
        report.images,
        report.blobs,
        size_in_words(report.bytes),
        report.snapshots,
        report.records
    );
    text
}

fn json(report: &Report, repaired: bool) -> String {
    let problems: Vec<_> = report
        .problems
        .iter()
        .map(|problem| serde_json::json!({ "kind": problem.kind(), "message": problem.to_string() }))
        .collect();
    to_json(&serde_json::json!({
        "version": 1,
        "images": report.images,
        "blobs": report.blobs,
        "bytes": report.bytes,
        "snapshots": report.snapshots,
        "records": report.records,
        "problems": problems,
        "repaired": repaired,
    }))
}

fn prune(args: &PruneArgs) -> Result<String, Failure> {
    let store = open_inside()?;
    let unused_for = Some(if args.all { Duration::ZERO } else { args.unused_for });
    let policy = PrunePolicy { unused_for, keep_bytes: args.keep };
    let freed = store.prune(&policy).map_err(Failure::runtime)?;
    store.settle().map_err(Failure::runtime)?;
    Ok(freed_text(&freed, args.output_format))
}

/// A number and a unit.
fn measure(text: &str) -> Option<(f64, String)> {
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim().to_ascii_lowercase()))
}

fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "wanted is a number and a unit, such as `7d`, `12h`, `30m` or `10s`".to_owned();
    let (number, unit) = measure(text).ok_or_else(wrong)?;
    let seconds = match unit.as_str() {
        "d" => 86_400.0,
        "h" => 3_600.0,
        "m" => 60.0,
        "s" => 1.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())
}

fn size(text: &str) -> Result<u64, String> {
    let wrong = || "wanted is a number and a unit, such as `10GB`, `500MB` or `2GiB`".to_owned();
    read_size(text, Kilo::Decimal).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes_have_units() {
        assert_eq!(age("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(age("1.5h"), Ok(Duration::from_secs(5_400)));
        assert_eq!((size("10GB"), size("512"), size("1 GiB")), (Ok(10_000_000_000), Ok(512), Ok(1 << 30)));
        for text in ["", "d", "7", "7w", "1e9d", "é", "-1d"] {
            assert!(age(text).is_err(), "{text}");
        }
        for text in ["", "GB", "1XB", "1..2GB", "-5"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
