//! Evidence: what `optimize` makes of the Dockerfiles of real projects, replayed over their own history.
//!
//! ```sh
//! cargo bench --bench evidence -- [--history N] [--unsafe] [--diffs FOLDER] CLONE…
//! ```
//!
//! Each `CLONE` is the folder of a git work tree. Every tracked Dockerfile in it is planned as `layerwise optimize` would
//! plan it, in the build context that `layerwise check` finds for it, and the newest `N` commits (200 unless given) that
//! touch this context are carried through the file before and after. Nothing is written to the clones; `--diffs` writes
//! one file per rewrite, so that each can be read.
//!
//! The table is Markdown, one row per Dockerfile:
//!
//! - *before*, *after*: expected rebuild cost, in seconds per change, from the class costs of the packs;
//! - *installs*: share of changes that install or download dependencies again, before and after;
//! - *commits*: how many commits the figures rest on; where they are fewer than 30, classes of changes stand in;
//! - *moves* and *refusals*: what was done, what was offered, and what was left with the reason;
//! - *time*: what planning took, in milliseconds, the reading of the history included.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal, not a part of the library")]

mod dockerfiles;
mod measure;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use layerwise::diagnostic::Safety;

/// What is asked for.
struct Options {
    /// Commits to replay.
    history: usize,
    /// Moves that promise less are only offered.
    wanted: Safety,
    /// Where rewrites are written to be read.
    diffs: Option<PathBuf>,
    /// Work trees.
    clones: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}\nusage: evidence [--history N] [--unsafe] [--diffs FOLDER] CLONE…");
            return ExitCode::from(2);
        }
    };
    let mut rows = Vec::new();
    println!("{}", table::HEAD);
    for clone in &options.clones {
        let found = match dockerfiles::tracked(clone) {
            Ok(found) => found,
            Err(reason) => {
                println!("| {} | skipped: {reason} |", clone.display());
                continue;
            }
        };
        for path in found {
            let row = measure::measure(clone, &path, &options);
            println!("{}", table::line(&row));
            rows.push(row);
        }
    }
    println!("\n{}", table::summary(&rows));
    ExitCode::SUCCESS
}

fn options(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { history: 200, wanted: Safety::Safe, diffs: None, clones: Vec::new() };
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("`{argument}` needs a value"));
        match argument.as_str() {
            // What `cargo bench` says to every benchmark.
            "--bench" => {}
            "--unsafe" => options.wanted = Safety::Unsafe,
            "--diffs" => options.diffs = Some(value()?.into()),
            "--history" => {
                let text = value()?;
                options.history = text.parse().map_err(|_| format!("`{text}` is no number of commits"))?;
            }
            unknown if unknown.starts_with('-') => return Err(format!("unknown option `{unknown}`")),
            clone => options.clones.push(clone.into()),
        }
    }
    if options.clones.is_empty() { Err("no clone is named".to_owned()) } else { Ok(options) }
}
