//! Which findings count: those that a baseline does not hold, on lines that the branch touches.

use std::ffi::OsString;
use std::path::Path;

use clap::Args;

use super::baseline::{Applied, Baseline};
use super::changed::{Changes, Touched};
use super::jobs::Job;
use super::{CheckArgs, Results};
use crate::cli::failure::Failure;
use crate::cli::{output, terminal};

/// What narrows the findings of a run.
#[derive(Debug, Args)]
pub(super) struct GateArgs {
    /// Only findings that this file does not hold.
    #[arg(long, value_name = "FILE", env = "LAYERWISE_BASELINE")]
    baseline: Option<OsString>,

    /// Write all findings to this file, for `--baseline`, and end with exit code 0.
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<OsString>,

    /// Only findings on lines that the branch touches: the work tree against where it left REV.
    #[arg(long, value_name = "REV", env = "LAYERWISE_CHANGED_SINCE")]
    changed_since: Option<String>,
}

/// What is read before anything is checked.
#[derive(Debug)]
pub(super) struct Gate {
    baseline: Option<Baseline>,
    changed_since: Option<String>,
}

const FIXES_ALL: &str = "fixes are for all findings; call it twice";
const WHOLE: &str = "a baseline holds all findings; write it without";

impl GateArgs {
    /// Where the baseline is to be written.
    pub(super) fn write_baseline(&self) -> Option<&Path> {
        self.write_baseline.as_deref().filter(|path| !path.is_empty()).map(Path::new)
    }

    /// Reads the baseline, unless a new one is to be written.
    pub(super) fn open(&self, fixing: bool) -> Result<Gate, Failure> {
        let baseline = self.baseline.as_deref().filter(|path| !path.is_empty()).map(Path::new);
        let changed_since = self.changed_since.clone().filter(|revision| !revision.is_empty());
        let writing = self.write_baseline().is_some();
        match (baseline, &changed_since) {
            (_, Some(_)) if fixing => return Err(Failure::Together("--changed-since", "--fix`, `--diff", FIXES_ALL)),
            (Some(_), _) if fixing => return Err(Failure::Together("--baseline", "--fix`, `--diff", FIXES_ALL)),
            (_, Some(_)) if writing => return Err(Failure::Together("--changed-since", "--write-baseline", WHOLE)),
            _ if writing && fixing => return Err(Failure::Together("--write-baseline", "--fix`, `--diff", FIXES_ALL)),
            _ => {}
        }
        let baseline = baseline.filter(|_| !writing).map(Baseline::read).transpose()?;
        Ok(Gate { baseline, changed_since })
    }
}

impl Gate {
    /// The files that count, and what counts of each by its name, where not all does.
    pub(super) fn touched(&self, jobs: Vec<Job>, failures: &mut Vec<Failure>) -> (Vec<Job>, Vec<(String, Touched)>) {
        let Some(revision) = &self.changed_since else {
            return (jobs, Vec::new());
        };
        let mut changes = Changes::since(revision);
        let mut kept = (Vec::new(), Vec::new());
        for job in jobs {
            match changes.of(&job) {
                Ok(Touched::Nothing) => {}
                Ok(touched) => {
                    kept.1.push((job.input.name.clone(), touched));
                    kept.0.push(job);
                }
                Err(failure) => failures.push(failure),
            }
        }
        kept
    }

    /// Takes out the findings that do not count.
    pub(super) fn apply(&self, results: &mut Results, touched: &[(String, Touched)], args: &CheckArgs) {
        for file in &mut results.files {
            if let Some((_, touched)) = touched.iter().find(|(name, _)| *name == file.name) {
                file.retain(|file, diagnostic, _| touched.holds(file, diagnostic));
            }
        }
        let Some(baseline) = &self.baseline else { return };
        let Applied { gone, .. } = baseline.apply(results);
        let all_rules = args.settings.names_no_rule();
        if gone > 0 && self.changed_since.is_none() && all_rules && !args.quiet {
            let gone = output::count(gone, "finding");
            terminal::note(&format!("note: the baseline holds {gone} too many; write it anew with `--write-baseline`"));
        }
    }
}
