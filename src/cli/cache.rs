//! `layerwise cache`: which steps a change builds again, why, and what it costs.

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::failure::{self, Failure};
use super::optimize::seconds;
use super::project::{BuildArgs, Format, Opened};
use super::{Status, terminal};
use crate::analysis::{self, CacheReport, CacheRequest, Question, StepReport};
use crate::cache::{Change, Status as StepStatus};

/// What `cache` is asked.
#[derive(Debug, Args)]
pub(super) struct CacheArgs {
    #[command(flatten)]
    build: BuildArgs,

    /// A path of the build context that changes; may be given several times.
    #[arg(long, value_name = "PATH", group = "question")]
    changed: Vec<String>,

    /// A commit: what differs from it now is the change.
    #[arg(long, value_name = "REV", group = "question")]
    since: Option<String>,

    /// The newest N commits, each as a change of its own.
    #[arg(long, value_name = "N", group = "question")]
    history: Option<usize>,

    /// How to print the answer.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output_format: Format,
}

pub(super) fn run(args: &CacheArgs) -> Status {
    failure::conclude(answer(args).map(|()| Status::Clean))
}

fn answer(args: &CacheArgs) -> Result<(), Failure> {
    let opened = args.build.open()?;
    let request = CacheRequest {
        question: question(args, &opened)?,
        builder: opened.settings.settings.builder,
        target: args.build.target.as_deref(),
        arguments: &opened.arguments,
        catalog: &opened.catalog,
    };
    let report = analysis::cache_report(&opened.project, &opened.source, &request)
        .map_err(|error| Failure::build(&opened.name, error))?;
    match args.output_format {
        Format::Full => terminal::print_plain(&table(&opened.name, &report)),
        Format::Json => terminal::print(&json(&report)),
    }
    Ok(())
}

fn question(args: &CacheArgs, opened: &Opened) -> Result<Question, Failure> {
    if let Some(revision) = &args.since {
        let paths = opened.project.disk.changed_since(revision).map_err(|error| Failure::History(error.to_string()))?;
        return Ok(Question::Change(Change { paths, arguments: Vec::new() }));
    }
    if !args.changed.is_empty() {
        let paths: Result<_, _> = args.changed.iter().map(|path| opened.context_path(path)).collect();
        return Ok(Question::Change(Change { paths: paths?, arguments: Vec::new() }));
    }
    Ok(Question::History(args.history.unwrap_or(opened.settings.settings.history as usize)))
}

fn table(name: &str, report: &CacheReport) -> String {
    let mut text = String::new();
    let single = report.stages.iter().flat_map(|stage| &stage.steps).all(|step| step.rebuild_rate.is_none());
    for stage in &report.stages {
        let title = stage.name.clone().unwrap_or_else(|| format!("stage {}", stage.index));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{title}");
        for step in &stage.steps {
            text.push_str(&row(step));
        }
        text.push('\n');
    }
    let cost = format!(
        "{} ({} to {})",
        seconds(report.expected.mean),
        seconds(report.expected.low),
        seconds(report.expected.high)
    );
    let _ = if single {
        writeln!(text, "{name}: this change costs about {cost}")
    } else {
        writeln!(text, "{name}: a change costs {cost} on average, {}", super::basis(report.commits, report.shallow))
    };
    text
}

fn row(step: &StepReport) -> String {
    let fate = match (step.rebuild_rate, step.status) {
        (Some(rate), StepStatus::Hit | StepStatus::Rebuilt) => format!("{:.0}%", rate * 100.0),
        (_, StepStatus::Metadata) => "-".to_owned(),
        (_, status) => status.name().to_owned(),
    };
    let cost = if step.seconds.high > 0.0 { seconds(step.seconds.expected()) } else { String::new() };
    let mut line = format!("  {fate:>9} {cost:>8}  {:>4} {}\n", step.line, step.instruction);
    for reason in &step.reasons {
        let _ = writeln!(line, "{:26}{reason}", "");
    }
    line
}

#[derive(Serialize)]
struct Json<'a> {
    version: u32,
    builder: &'static str,
    stages: Vec<JsonStage<'a>>,
    events: Vec<JsonEvent<'a>>,
    expected_seconds: f64,
    expected_low: f64,
    expected_high: f64,
    commits: usize,
}

#[derive(Serialize)]
struct JsonStage<'a> {
    name: Option<&'a str>,
    index: usize,
    steps: Vec<JsonStep<'a>>,
}

#[derive(Serialize)]
struct JsonStep<'a> {
    line: usize,
    instruction: &'a str,
    status: &'static str,
    reasons: &'a [String],
    seconds: f64,
    measured: bool,
    rebuild_rate: Option<f64>,
}

#[derive(Serialize)]
struct JsonEvent<'a> {
    commit: &'a str,
    weight: f64,
    seconds: f64,
    rebuilt: &'a [usize],
}

fn json(report: &CacheReport) -> String {
    let step = |step: &'_ StepReport| -> (usize, &'static str, f64, Option<f64>) {
        (step.line, step.status.name(), super::rounded(step.seconds.expected()), step.rebuild_rate.map(super::rounded))
    };
    let stages = report.stages.iter().map(|stage| JsonStage {
        name: stage.name.as_deref(),
        index: stage.index,
        steps: stage
            .steps
            .iter()
            .map(|found| {
                let (line, status, seconds, rebuild_rate) = step(found);
                JsonStep {
                    line,
                    instruction: &found.instruction,
                    status,
                    reasons: &found.reasons,
                    seconds,
                    measured: found.measured,
                    rebuild_rate,
                }
            })
            .collect(),
    });
    let events = report.events.iter().map(|event| JsonEvent {
        commit: &event.commit,
        weight: super::rounded(event.weight),
        seconds: super::rounded(event.seconds),
        rebuilt: &event.rebuilt,
    });
    super::to_json(&Json {
        version: 1,
        builder: report.builder,
        stages: stages.collect(),
        events: events.collect(),
        expected_seconds: super::rounded(report.expected.mean),
        expected_low: super::rounded(report.expected.low),
        expected_high: super::rounded(report.expected.high),
        commits: report.commits,
    })
}
