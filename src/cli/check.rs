//! `layerwise check`: finds what is wrong in Dockerfiles, and mends it on request.

mod apply;
mod baseline;
mod changed;
mod fingerprint;
mod gate;
mod inputs;
mod jobs;
mod outputs;
mod parallel;
mod results;

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::FalseyValueParser;
use rayon::prelude::*;

use super::failure::{self, Failure};
use super::output::{self, Format, Rendering};
use super::settings::SettingsArgs;
use super::{Status, shown, terminal, write};
use crate::analysis;
use crate::diagnostic::Safety;
use gate::{Gate, GateArgs};
use inputs::Place;
use jobs::{Job, Jobs};
use outputs::OutputArgs;
#[cfg(test)]
pub(super) use results::RebuildCost;
pub(super) use results::{CheckedFile, Counts, Results};

/// What `check` is asked.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct CheckArgs {
    /// Files and folders to check; `-` is standard input.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    settings: SettingsArgs,

    #[command(flatten)]
    outputs: OutputArgs,

    #[command(flatten)]
    gate: GateArgs,

    /// Count the findings of each rule in the place of showing them (`full` and `concise`).
    #[arg(long, env = "LAYERWISE_STATISTICS", value_parser = FalseyValueParser::new())]
    statistics: bool,

    /// Apply the fixes that keep the image as it is.
    #[arg(long)]
    fix: bool,

    /// Count and, with `--fix` or `--diff`, apply the fixes that may change the image too.
    #[arg(long, env = "LAYERWISE_UNSAFE_FIXES", value_parser = FalseyValueParser::new())]
    unsafe_fixes: bool,

    /// Print what `--fix` would change, and change nothing.
    #[arg(long)]
    diff: bool,

    /// The name of what comes from standard input.
    #[arg(long, value_name = "PATH")]
    stdin_filename: Option<PathBuf>,

    /// End with exit code 0 even if there are findings.
    #[arg(long, short = 'e', env = "LAYERWISE_EXIT_ZERO", value_parser = FalseyValueParser::new())]
    exit_zero: bool,

    /// Print findings only, no summary.
    #[arg(long, short, env = "LAYERWISE_QUIET", value_parser = FalseyValueParser::new())]
    quiet: bool,
}

pub(super) fn run(args: &CheckArgs) -> Status {
    let ready = args.gate.open(args.fix || args.diff).and_then(|gate| Ok((gate, args.settings.discovery()?)));
    let (gate, discovery) = match ready {
        Ok(ready) => ready,
        Err(failure) => {
            failure::report(&[failure]);
            return Status::Failed;
        }
    };
    let found = inputs::find(&args.paths, args.stdin_filename.as_deref(), &discovery);
    let mut failures = found.failures;
    let Jobs { jobs, templates } = Jobs::read(&found.inputs, &discovery, &mut failures);
    let status =
        if args.diff { show_diff(args, &jobs, &mut failures) } else { show_findings(args, &gate, jobs, &mut failures) };
    if found.inputs.is_empty() && failures.is_empty() {
        terminal::note("warning: no Dockerfile found under the given paths");
    }
    if templates > 0 && !args.quiet {
        let templates = output::count(templates, "template");
        terminal::note(&format!(
            "note: {templates} of Dockerfiles passed over; a file that is named is always checked"
        ));
    }
    failure::report(&failures);
    match status {
        _ if !failures.is_empty() => Status::Failed,
        Status::Findings if args.exit_zero => Status::Clean,
        status => status,
    }
}

fn show_findings(args: &CheckArgs, gate: &Gate, jobs: Vec<Job>, failures: &mut Vec<Failure>) -> Status {
    let (jobs, touched) = gate.touched(jobs, failures);
    let jobs = jobs.as_slice();
    let (files, fixed) = if args.fix {
        apply::fix_all(jobs, wanted(args), failures)
    } else {
        let checked = parallel::map(jobs, |job| (job, analysis::check(&job.analysis())));
        let mut files = Vec::new();
        for (job, report) in checked {
            match report {
                Ok(report) => files.push(job.checked(&job.source, report.diagnostics)),
                Err(error) => failures.push(error.into()),
            }
        }
        (files, 0)
    };
    let files = jobs::joined(files);
    let mut results = Results { files, failed: failures.len(), fixed, baselined: 0, wanted: wanted(args) };
    if let Some(path) = args.gate.write_baseline() {
        return write_baseline(path, &results, failures);
    }
    gate.apply(&mut results, &touched, args);
    if args.outputs.outputs.iter().any(|output| output.format == Format::Markdown) {
        estimate(&mut results, jobs);
    }
    print(args, jobs, &results, failures);
    if results.fails() { Status::Findings } else { Status::Clean }
}

fn write_baseline(path: &Path, results: &Results, failures: &mut Vec<Failure>) -> Status {
    if !failures.is_empty() {
        failures.push(Failure::IncompleteBaseline(shown(path)));
        return Status::Failed;
    }
    match baseline::write(path, results) {
        Ok(number) => terminal::note(&format!("Wrote {} to `{}`.", output::count(number, "finding"), shown(path))),
        Err(failure) => failures.push(failure),
    }
    Status::Clean
}

/// Says of each file what a change costs.
fn estimate(results: &mut Results, jobs: &[Job]) {
    results.files.par_iter_mut().for_each(|file| {
        let job = jobs.iter().find(|job| job.input.name == file.name && !job.is_inline());
        file.rebuild_cost = job.and_then(|job| job.rebuild_cost(&file.source));
    });
}

fn print(args: &CheckArgs, jobs: &[Job], results: &Results, failures: &mut Vec<Failure>) {
    let rendering =
        Rendering { quiet: args.quiet, fixing: args.fix, statistics: args.statistics, links: terminal::has_links() };
    // The fixed text of standard input is the result then, and has standard output for itself.
    let streaming = args.fix && jobs.iter().any(|job| job.input.place == Place::StandardInput);
    for output in &args.outputs.outputs {
        match &output.file {
            Some(file) => {
                let text = output::render_plain(results, output.format, rendering);
                failures.extend(write::report(file, &shown(file), &text).err());
            }
            None if streaming => terminal::note(output::render(results, output.format, rendering).trim_end()),
            None if output.format.is_styled() => {
                terminal::print_styled(&output::render(results, output.format, rendering));
            }
            None => terminal::print(&output::render(results, output.format, rendering)),
        }
    }
}

fn show_diff(args: &CheckArgs, jobs: &[Job], failures: &mut Vec<Failure>) -> Status {
    let diff = apply::diff_all(jobs, wanted(args), failures);
    terminal::print(&diff.text);
    if !args.quiet {
        terminal::note(&match diff.fixes {
            0 => "Nothing to fix.".to_owned(),
            fixes => format!("Would fix {}.", output::count(fixes, "finding")),
        });
    }
    if diff.text.is_empty() { Status::Clean } else { Status::Findings }
}

fn wanted(args: &CheckArgs) -> Safety {
    if args.unsafe_fixes { Safety::Unsafe } else { Safety::Safe }
}
