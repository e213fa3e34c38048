//! `layerwise optimize`: plans the whole file, and writes it on request.

mod proven;

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::failure::{self, Failure};
use super::output::unified_diff;
use super::project::{BuildArgs, Format, Opened};
use super::verify::{EngineArgs, REPLAYED, Work};
use super::{Status, terminal, write};
use crate::analysis;
use crate::diagnostic::Safety;
use crate::optimize::{Applied, Plan};
use proven::Proven;

/// What `optimize` is asked.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(super) struct OptimizeArgs {
    #[command(flatten)]
    build: BuildArgs,

    /// Print the change as a unified diff and nothing else; exit code 1 if there is one.
    #[arg(long, conflicts_with = "write")]
    diff: bool,

    /// Write the Dockerfile and the ignore file.
    #[arg(long)]
    write: bool,

    /// Apply moves that may change the image too.
    #[arg(long = "unsafe")]
    allow_unsafe: bool,

    /// How many of the newest commits stand for the changes to come.
    #[arg(long, value_name = "N")]
    history: Option<usize>,

    /// Build the file and the plan, and apply only what is proven to make the same image; moves that may change the image
    /// are tried too.
    #[arg(long)]
    verify: bool,

    /// See while the file is built which copied files each RUN reaches: copies are split for steps that nothing else is
    /// known of, and what packs claim is refused where it was seen otherwise. With `--verify`, which it implies, and only
    /// where a replayed commit bears it out. With the embedded engine.
    #[arg(long)]
    trace: bool,

    #[command(flatten)]
    engine: EngineArgs,

    /// How many of the newest commits `--verify` builds again, one after the other, with the cache; 0 for none. Where there
    /// is no history, a source and a manifest are edited instead.
    #[arg(long, value_name = "N", default_value_t = REPLAYED)]
    verify_history: usize,

    /// How to print the plan.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output_format: Format,
}

pub(super) fn run(args: &OptimizeArgs) -> Status {
    failure::conclude(optimize(args))
}

fn optimize(args: &OptimizeArgs) -> Result<Status, Failure> {
    let verifies = args.verify || args.trace;
    let builds = if verifies { Some(args.engine.start(args.build.registries()?, args.trace)?) } else { None };
    let opened = args.build.open()?;
    let wanted = if args.allow_unsafe || verifies { Safety::Unsafe } else { Safety::Safe };
    let request = analysis::OptimizeRequest {
        history: args.history.unwrap_or(opened.settings.settings.history as usize),
        builder: opened.settings.settings.builder,
        target: args.build.target.as_deref(),
        arguments: &opened.arguments,
        catalog: &opened.catalog,
        wanted,
    };
    let proven = if let Some(builds) = &builds {
        let target = args.build.target.as_deref();
        let work = Work {
            opened: &opened,
            engine: &args.engine,
            builds: builds.as_ref(),
            target,
            replayed: args.verify_history,
            trace: args.trace,
        };
        proven::proven(work, &request)?
    } else {
        let planned = analysis::optimize(&opened.project, &opened.source, &request);
        Proven::unverified(planned.map_err(|error| Failure::build(&opened.name, error))?)
    };
    let planned = &proven.planned;
    let plan = &planned.plan;
    let diff = diff_of(&opened, plan);
    if args.write {
        apply(&opened, plan)?;
    }
    match args.output_format {
        _ if args.diff => terminal::print(&diff),
        Format::Json => terminal::print(&json(&opened, &proven)),
        Format::Full => terminal::print_plain(&report(&opened, &proven, if args.write { "" } else { &diff })),
    }
    Ok(if args.diff && plan.changes() { Status::Findings } else { Status::Clean })
}

fn diff_of(opened: &Opened, plan: &Plan) -> String {
    let mut diff = unified_diff(&opened.name, &opened.source, &plan.draft.dockerfile);
    let before = opened.project.ignore.as_deref().unwrap_or_default();
    let after = plan.draft.ignore.as_deref().unwrap_or_default();
    let name = failure::near(&opened.project.disk.root().join(&opened.project.ignore_path));
    diff.push_str(&unified_diff(&name, before, after));
    diff
}

/// Writes what the plan changes, all files or none.
fn apply(opened: &Opened, plan: &Plan) -> Result<(), Failure> {
    let mut changes = write::Changes::default();
    // The ignore file first: with it alone the image stays the same, with the Dockerfile alone it may not.
    if let Some(text) = plan.draft.ignore.as_ref().filter(|text| opened.project.ignore.as_ref() != Some(*text)) {
        changes.file_of_context(opened.project.disk.root(), &plan.draft.ignore_path, text)?;
    }
    if plan.draft.dockerfile != opened.source {
        changes.file(&opened.path, &opened.name, &plan.draft.dockerfile)?;
    }
    changes.write()
}

fn report(opened: &Opened, proven: &Proven, diff: &str) -> String {
    let planned = &proven.planned;
    let plan = &planned.plan;
    let mut text = String::new();
    let basis = super::basis(planned.commits, planned.shallow);
    // Writing to a string cannot fail.
    let _ = if plan.changes() {
        writeln!(
            text,
            "{}: expected rebuild cost {} → {} per change ({basis})",
            opened.name,
            seconds(plan.before.mean),
            seconds(plan.after.mean),
        )
    } else {
        writeln!(
            text,
            "{}: nothing to change; expected rebuild cost {} per change ({basis})",
            opened.name,
            seconds(plan.before.mean),
        )
    };
    if let Some(verdict) = &proven.verdict {
        let _ = writeln!(text, "  {verdict}");
    }
    for applied in &plan.applied {
        list(&mut text, "+", applied);
    }
    for offered in &plan.offered {
        list(&mut text, "?", offered);
    }
    for dropped in &proven.dropped {
        let _ = writeln!(text, "\n  - [{}] {}: not applied", dropped.applied.safety.name(), dropped.applied.title);
        let _ = writeln!(text, "    because with it, the build {}", dropped.reason);
    }
    for refusal in &plan.refusals {
        let _ = writeln!(text, "\n  - line {}: not moved, because {}", refusal.line, refusal.reason);
        let _ = writeln!(text, "    evidence: {}", refusal.evidence);
    }
    if !diff.is_empty() {
        let _ = write!(text, "\n{diff}");
    }
    text
}

fn list(text: &mut String, mark: &str, applied: &Applied) {
    let note = if mark == "?" { " (not applied without `--unsafe`)" } else { "" };
    let _ = writeln!(text, "\n  {mark} [{}] {}{note}", applied.safety.name(), applied.title);
    let _ = writeln!(text, "    because {}", applied.argument);
}

/// A duration for people.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds >= 100.0 { format!("{seconds:.0} s") } else { format!("{seconds:.1} s") }
}

#[derive(Serialize)]
struct Json<'a> {
    version: u32,
    builder: &'static str,
    changed: bool,
    before: JsonCost,
    after: JsonCost,
    moves: Vec<JsonMove<'a>>,
    offered: Vec<JsonMove<'a>>,
    refusals: Vec<JsonRefusal<'a>>,
    verification: Option<JsonVerification<'a>>,
    dockerfile: &'a str,
    dockerignore: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonVerification<'a> {
    verdict: &'a str,
    dropped: Vec<JsonDropped<'a>>,
}

#[derive(Serialize)]
struct JsonDropped<'a> {
    title: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct JsonCost {
    expected_seconds: f64,
    low: f64,
    high: f64,
}

#[derive(Serialize)]
struct JsonMove<'a> {
    kind: &'static str,
    safety: &'static str,
    title: &'a str,
    argument: &'a str,
    lines: &'a [usize],
}

#[derive(Serialize)]
struct JsonRefusal<'a> {
    line: usize,
    reason: &'a str,
    evidence: &'a str,
}

impl<'a> From<&'a Applied> for JsonMove<'a> {
    fn from(applied: &'a Applied) -> Self {
        Self {
            kind: applied.kind.name(),
            safety: applied.safety.name(),
            title: &applied.title,
            argument: &applied.argument,
            lines: &applied.lines,
        }
    }
}

fn json(opened: &Opened, proven: &Proven) -> String {
    let plan = &proven.planned.plan;
    let dropped = || {
        let told =
            proven.dropped.iter().map(|dropped| JsonDropped { title: &dropped.applied.title, reason: &dropped.reason });
        told.collect()
    };
    let cost = |expected: &crate::cache::Expectation| JsonCost {
        expected_seconds: super::rounded(expected.mean),
        low: super::rounded(expected.low),
        high: super::rounded(expected.high),
    };
    let refusals = plan.refusals.iter().map(|refusal| JsonRefusal {
        line: refusal.line,
        reason: &refusal.reason,
        evidence: &refusal.evidence,
    });
    let changed_ignore = plan.draft.ignore.as_ref().filter(|text| opened.project.ignore.as_ref() != Some(*text));
    super::to_json(&Json {
        version: 1,
        builder: opened.settings.settings.builder.name(),
        changed: plan.changes(),
        before: cost(&plan.before),
        after: cost(&plan.after),
        moves: plan.applied.iter().map(JsonMove::from).collect(),
        offered: plan.offered.iter().map(JsonMove::from).collect(),
        refusals: refusals.collect(),
        verification: proven.verdict.as_deref().map(|verdict| JsonVerification { verdict, dropped: dropped() }),
        dockerfile: &plan.draft.dockerfile,
        dockerignore: changed_ignore.map(String::as_str),
    })
}
