//! `layerwise verify`: builds two files and proves, or disproves, that the second may take the place of the first.

mod engine;
mod json;
mod markdown;
mod measured;
mod report;
mod traces;
mod work;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::failure::{self, Failure};
use super::project::{BuildArgs, Opened};
use super::{Status, read, terminal};
use crate::analysis;
use crate::diagnostic::Safety;
use crate::optimize::Draft;

pub(super) use engine::EngineArgs;
pub(super) use measured::remember;
pub(super) use work::{Bench, Candidate, Work};

/// How many commits are replayed unless it is said.
pub(super) const REPLAYED: usize = 2;

/// What `verify` is asked.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    build: BuildArgs,

    /// The file that may take the Dockerfile's place.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,

    /// Compare with what `optimize` makes of the file; so it is unless `--against` is given.
    #[arg(long, conflicts_with = "against")]
    optimized: bool,

    /// Take moves that may change the image into what `optimize` makes.
    #[arg(long = "unsafe", conflicts_with = "against")]
    allow_unsafe: bool,

    /// The candidate runs in another image than the original, and is to hold what its last stage makes alone; proven with
    /// `--smoke`. What `optimize` splits is compared so in any case.
    #[arg(long, requires = "against")]
    split: bool,

    #[command(flatten)]
    engine: EngineArgs,

    /// Tell which copied files each RUN reached while it was built. With the embedded engine.
    #[arg(long)]
    trace: bool,

    /// How many of the newest commits are built again, one after the other, with the cache; 0 for none. Where there is no
    /// history, a source and a manifest are edited instead.
    #[arg(long, value_name = "N", default_value_t = REPLAYED)]
    history: usize,

    /// How to print what was found.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output_format: VerifyFormat,
}

/// How `verify` prints what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum VerifyFormat {
    /// For people.
    #[default]
    Full,
    /// As documented in `docs/json.md`.
    Json,
    /// For a pull request.
    Markdown,
}

pub(super) fn run(args: &VerifyArgs) -> Status {
    match verify(args) {
        Ok(status) => status,
        Err(failure) => {
            if args.output_format == VerifyFormat::Json {
                terminal::print(&json::of_failure(&failure.to_string()));
            }
            failure::report(&[failure]);
            Status::Failed
        }
    }
}

fn verify(args: &VerifyArgs) -> Result<Status, Failure> {
    let builds = args.engine.start(args.build.registries()?, args.trace)?;
    let opened = args.build.open()?;
    let target = args.build.target.as_deref();
    let candidate = match &args.against {
        Some(file) => Candidate { draft: against(file, &opened)?, split: args.split },
        None => optimized(args, &opened)?,
    };
    let work = Work {
        opened: &opened,
        engine: &args.engine,
        builds: builds.as_ref(),
        target,
        replayed: args.history,
        trace: args.trace,
    };
    let found = Bench::new(work)?.verified(&candidate)?;
    remember(&work, &candidate.draft, &found.proof)?;
    let shown = report::Shown::new(&work, &candidate.draft, &found);
    match args.output_format {
        VerifyFormat::Full => terminal::print_plain(&report::full(&shown)),
        VerifyFormat::Json => terminal::print(&json::render(&shown)),
        VerifyFormat::Markdown => terminal::print_plain(&markdown::render(&shown)),
    }
    Ok(if found.is_proven() { Status::Clean } else { Status::Findings })
}

/// The file to compare with, and its own ignore file where it has one.
fn against(file: &Path, opened: &Opened) -> Result<Draft, Failure> {
    if file.is_dir() {
        let inside = Some(file.join("Dockerfile")).filter(|inside| inside.is_file());
        let remedy = inside.map(|inside| format!(": `--against {}`", super::shown(&inside)));
        return Err(Failure::AgainstFolder { path: super::shown(file), remedy: remedy.unwrap_or_default() });
    }
    let dockerfile = read::file(file, &super::shown(file))?;
    let own = file.with_file_name(format!("{}.dockerignore", file.file_name().unwrap_or_default().to_string_lossy()));
    let draft = opened.project.draft(&dockerfile);
    if own.exists() {
        return Ok(Draft { ignore: Some(read::file(&own, &super::shown(&own))?), ..draft });
    }
    Ok(draft)
}

fn optimized(args: &VerifyArgs, opened: &Opened) -> Result<Candidate, Failure> {
    let request = analysis::OptimizeRequest {
        history: opened.settings.settings.history as usize,
        builder: opened.settings.settings.builder,
        target: args.build.target.as_deref(),
        arguments: &opened.arguments,
        catalog: &opened.catalog,
        wanted: if args.allow_unsafe { Safety::Unsafe } else { Safety::Safe },
    };
    let planned = analysis::optimize(&opened.project, &opened.source, &request)
        .map_err(|error| Failure::build(&opened.name, error))?;
    if !planned.plan.changes() {
        terminal::note(&format!("{}: `optimize` changes nothing; the file is compared with itself", opened.name));
    }
    Ok(Candidate::of_plan(&planned.plan))
}
