//! Writes what fixes change, or shows it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::inputs::Place;
use super::{CheckedFile, Job, parallel};
use crate::analysis::{self, CheckError, Fixed, Session};
use crate::cli::failure::Failure;
use crate::cli::{output, terminal, write};
use crate::diagnostic::{FileEdit, Safety};
use crate::fix::Outcome;

/// What `--diff` prints.
#[derive(Debug, Default)]
pub(super) struct Diff {
    /// A unified diff.
    pub(super) text: String,
    /// How many fixes it holds.
    pub(super) fixes: usize,
}

/// Fixes every file and writes it. Gives the files as they are now, and the number of fixes.
pub(super) fn fix_all(jobs: &[Job], wanted: Safety, failures: &mut Vec<Failure>) -> (Vec<CheckedFile>, usize) {
    let outcomes = outcomes(jobs, wanted);
    let (mut files, mut fixed, mut session) = (Vec::new(), 0, None);
    for (job, planned) in jobs.iter().zip(outcomes) {
        if job.is_inline() {
            match analysis::check(&job.analysis()) {
                Ok(report) => files.push(job.checked(&job.source, report.diagnostics)),
                Err(error) => failures.push(error.into()),
            }
            continue;
        }
        // What was planned before a file of the context was written may no longer hold.
        let planned = match &session {
            Some(fresh) => analysis::check_and_fix(&job.analysis_with(fresh), wanted),
            None => planned,
        };
        let written = planned.map_err(Failure::from).and_then(|planned| {
            note_trouble(job, &planned.outcome);
            write(job, &planned)?;
            Ok(planned.outcome)
        });
        match written {
            Ok(outcome) => {
                fixed += outcome.applied.len();
                if !outcome.files.is_empty() {
                    session = Some(Session::default());
                }
                files.push(job.checked(&outcome.text, outcome.remaining));
            }
            Err(failure) => {
                failures.push(failure);
                files.extend(
                    analysis::check(&job.analysis()).ok().map(|report| job.checked(&job.source, report.diagnostics)),
                );
            }
        }
    }
    (files, fixed)
}

/// The changes that [`fix_all`] would make.
pub(super) fn diff_all(jobs: &[Job], wanted: Safety, failures: &mut Vec<Failure>) -> Diff {
    let mut diff = Diff::default();
    let mut shown = BTreeSet::new();
    for (job, planned) in jobs.iter().zip(outcomes(jobs, wanted)).filter(|(job, _)| !job.is_inline()) {
        let planned = match planned {
            Ok(planned) => planned,
            Err(error) => {
                failures.push(error.into());
                continue;
            }
        };
        note_trouble(job, &planned.outcome);
        diff.fixes += planned.outcome.applied.len();
        for file in &planned.outcome.files {
            let path = other_path(job, &planned, file);
            let old = std::fs::read_to_string(&path).unwrap_or_default();
            let name = other_name(job, &path);
            if shown.insert(path) {
                diff.text.push_str(&output::unified_diff(&name, &old, &file.text));
            }
        }
        diff.text.push_str(&output::unified_diff(&job.input.name, &job.source, &planned.outcome.text));
    }
    diff
}

fn outcomes(jobs: &[Job], wanted: Safety) -> Vec<Result<Fixed, CheckError>> {
    parallel::map(jobs, |job| analysis::check_and_fix(&job.analysis(), wanted))
}

fn note_trouble(job: &Job, outcome: &Outcome) {
    if let Some(trouble) = &outcome.trouble {
        terminal::note(&format!("warning: {}: {trouble}; please report this", job.input.name));
    }
}

/// The other files first: the Dockerfile may rely on them.
fn write(job: &Job, planned: &Fixed) -> Result<(), Failure> {
    let outcome = &planned.outcome;
    let mut changes = write::Changes::default();
    for file in &outcome.files {
        let path = other_path(job, planned, file);
        match &planned.context {
            Some(root) => changes.file_of_context(root, &file.path, &file.text)?,
            None => changes.file(&path, &other_name(job, &path), &file.text)?,
        }
    }
    if job.input.place == Place::File && outcome.text != job.source {
        changes.file(&job.input.path, &job.input.name, &outcome.text)?;
    }
    changes.write()?;
    if job.input.place == Place::StandardInput {
        terminal::print(&outcome.text);
    }
    Ok(())
}

fn other_path(job: &Job, planned: &Fixed, file: &FileEdit) -> PathBuf {
    let folder = || job.input.path.parent().unwrap_or(&job.input.path).to_owned();
    planned.context.clone().unwrap_or_else(folder).join(&file.path)
}

/// A path beside the Dockerfile, shown as the Dockerfile's is.
fn other_name(job: &Job, path: &Path) -> String {
    let folder = job.input.path.parent().unwrap_or(&job.input.path);
    let Ok(relative) = path.strip_prefix(folder) else { return path.to_string_lossy().into_owned() };
    match job.input.name.rsplit_once('/') {
        Some((shown, _)) => format!("{shown}/{}", relative.display()),
        None => relative.display().to_string(),
    }
}
