//! The answer of `layerwise cache`: every step with its fate, its reasons and its cost.

use std::collections::BTreeMap;

use super::build_error::{self, BuildError};
use super::project::Project;
use crate::{
    cache::{
        Builder, Change, Costs, Dirt, EventSource, Events, Expectation, Outcome, Reason, Replay, Seconds, Simulation,
        Status, simulate,
    },
    context::{Context, History},
    ecosystem::Catalog,
    model::Build,
    optimize::Surroundings,
};

/// What is to be carried through the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// One change.
    Change(Change),
    /// The newest changes of the project, this many at most.
    History(usize),
}

/// What is asked of a build.
#[derive(Clone, Debug)]
pub struct CacheRequest<'a> {
    /// What is carried through.
    pub question: Question,
    /// The builder.
    pub builder: Builder,
    /// The stage to build.
    pub target: Option<&'a str>,
    /// Values given with `--build-arg`.
    pub arguments: &'a BTreeMap<String, String>,
    /// What is known of programs.
    pub catalog: &'a Catalog,
}

/// Every step of a build after a change, or over a history.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheReport {
    /// The builder's name.
    pub builder: &'static str,
    /// Stages in the order of the file.
    pub stages: Vec<StageReport>,
    /// Changes with what each costs; one for a single change.
    pub events: Vec<EventReport>,
    /// The cost of the change, or the expected rebuild cost per change of the history.
    pub expected: Expectation,
    /// How many commits the rates rest on; 0 for a single change or where there is no history.
    pub commits: usize,
    /// The weight of general classes of changes that stand in for missing history, 0 to 1.
    pub class_share: f64,
    /// Whether the history is that of a shallow clone.
    pub shallow: bool,
}

/// A stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageReport {
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Its index.
    pub index: usize,
    /// Its steps, `FROM` first.
    pub steps: Vec<StepReport>,
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Its first line.
    pub line: usize,
    /// Its text, on one line.
    pub instruction: String,
    /// What becomes of it; over a history: in the costliest way that at least half of the changes take.
    pub status: Status,
    /// Why it runs again, as phrases.
    pub reasons: Vec<String>,
    /// What it takes when it runs.
    pub seconds: Seconds,
    /// Whether builds have shown that, or it is an estimate.
    pub measured: bool,
    /// Share of changes in which it runs again, 0 to 1; `None` for a single change.
    pub rebuild_rate: Option<f64>,
}

/// One change with its cost.
#[derive(Clone, Debug, PartialEq)]
pub struct EventReport {
    /// The commit's id, or the name of a class of changes; empty for a change that was asked about.
    pub commit: String,
    /// Its share of all changes.
    pub weight: f64,
    /// What it costs.
    pub seconds: f64,
    /// First lines of the steps that run again.
    pub rebuilt: Vec<usize>,
}

/// Carries a change or a history through the build of `source`.
///
/// # Errors
/// [`BuildError`] where there is no such build.
pub fn cache_report(project: &Project, source: &str, request: &CacheRequest<'_>) -> Result<CacheReport, BuildError> {
    let limit = match request.question {
        Question::History(limit) => limit,
        Question::Change(_) => 0,
    };
    let history = (limit > 0).then(|| project.history(limit)).flatten();
    let profile = request.builder.profile();
    let surroundings = Surroundings {
        context: project,
        catalog: request.catalog,
        arguments: request.arguments,
        profile,
        history: history.as_deref(),
        target: request.target,
    };
    project.draft(source).with_build(&surroundings, |build| {
        let target = build_error::target(build, project.ignore_file().as_ref(), request.target, request.builder)?;
        let reporter = Reporter { build, costs: Costs::new(build), target };
        Ok(match &request.question {
            Question::Change(change) => reporter.of_change(change, request.builder),
            Question::History(_) => reporter.of_history(history.as_deref(), request.builder),
        })
    })
}

struct Reporter<'a> {
    build: &'a Build<'a>,
    costs: Costs,
    target: usize,
}

impl Reporter<'_> {
    fn of_change(&self, change: &Change, builder: Builder) -> CacheReport {
        let profile = builder.profile();
        let simulation = simulate(self.build, profile, &Dirt::of_change(self.build, profile, change), self.target);
        let rebuilt: Vec<usize> = simulation.rebuilt().collect();
        let seconds: Seconds = rebuilt.iter().map(|instruction| self.costs.of(*instruction)).sum();
        let expected = Expectation { mean: seconds.expected(), low: seconds.low, high: seconds.high };
        let event = EventReport {
            commit: String::new(),
            weight: 1.0,
            seconds: seconds.expected(),
            rebuilt: rebuilt.iter().map(|instruction| self.line(*instruction)).collect(),
        };
        CacheReport {
            builder: builder.name(),
            stages: self.stages(&simulation, None),
            events: vec![event],
            expected,
            commits: 0,
            class_share: 0.0,
            shallow: false,
        }
    }

    fn of_history(&self, history: Option<&History>, builder: Builder) -> CacheReport {
        let profile = builder.profile();
        let events = Events::of_history(self.build, profile, history);
        let replay = Replay::new(self.build, profile, &events, &self.costs, self.target);
        let typical = self.typical(&events, &replay);
        let simulation = simulate(self.build, profile, &typical, self.target);
        let reports = events.events.iter().zip(&replay.costs).map(|(event, cost)| EventReport {
            commit: name_of(&event.source, history),
            weight: event.weight,
            seconds: cost.seconds.expected(),
            rebuilt: cost.rebuilt.iter().map(|instruction| self.line(*instruction)).collect(),
        });
        CacheReport {
            builder: builder.name(),
            events: reports.collect(),
            stages: self.stages(&simulation, Some(&replay)),
            expected: replay.expected,
            commits: events.commits,
            class_share: events.class_share,
            shallow: history.is_some_and(|history| history.shallow),
        }
    }

    /// The steps that at least half of the changes dirty directly.
    fn typical(&self, events: &Events, replay: &Replay) -> Dirt {
        let mut dirt = Dirt::default();
        for (_, step) in self.build.steps() {
            let dirtying = events.events.iter().filter(|event| event.dirt.contains(&step.instruction));
            let share: f64 = dirtying.map(|event| event.weight).sum();
            if share >= 0.5 && replay.rate(step.instruction) > 0.0 {
                dirt.add(step.instruction, Reason::Class("most changes touch what it reads"));
            }
        }
        dirt
    }

    fn stages(&self, simulation: &Simulation, replay: Option<&Replay>) -> Vec<StageReport> {
        let stages = self.build.stages.iter().zip(&simulation.stages).enumerate();
        stages
            .map(|(index, (stage, outcomes))| {
                let built = outcomes.iter().all(|outcome| outcome.status != Status::NotBuilt) && self.is_needed(index);
                let status = if built { Status::Hit } else { Status::NotBuilt };
                let from = Outcome { instruction: stage.from, status, reasons: Vec::new() };
                let steps = std::iter::once(&from).chain(outcomes).map(|outcome| self.step(outcome, replay));
                StageReport { name: stage.name.clone(), index, steps: steps.collect() }
            })
            .collect()
    }

    fn is_needed(&self, stage: usize) -> bool {
        self.build.reachable(self.target).get(stage).copied().unwrap_or(false)
    }

    fn step(&self, outcome: &Outcome, replay: Option<&Replay>) -> StepReport {
        let instruction = &self.build.inputs.file.instructions()[outcome.instruction];
        StepReport {
            line: instruction.lines.0,
            instruction: instruction.one_line(self.build.inputs.file.source(), 120),
            status: outcome.status,
            reasons: outcome.reasons.iter().map(|reason| self.phrase(reason)).collect(),
            seconds: self.costs.of(outcome.instruction),
            measured: self.costs.is_measured(outcome.instruction),
            rebuild_rate: replay.map(|replay| replay.rate(outcome.instruction)),
        }
    }

    fn line(&self, instruction: usize) -> usize {
        self.build.inputs.file.instructions().get(instruction).map_or(0, |found| found.lines.0)
    }

    fn phrase(&self, reason: &Reason) -> String {
        let stage = |index: usize| match self.build.stages.get(index).and_then(|stage| stage.name.clone()) {
            Some(name) => format!("stage `{name}`"),
            None => format!("stage {index}"),
        };
        match reason {
            Reason::Files(files) => match files.as_slice() {
                [file] => format!("`{file}` changed"),
                [first, second] => format!("`{first}` and `{second}` changed"),
                [first, second, rest @ ..] => format!("`{first}`, `{second}` and {} more changed", rest.len()),
                [] => "files changed".to_owned(),
            },
            Reason::Argument(name) => format!("build argument `{name}` changed"),
            Reason::Follows(instruction) => format!("line {} is rebuilt before it", self.line(*instruction)),
            Reason::BaseStage(index) => format!("{} that it starts from is rebuilt", stage(*index)),
            Reason::FromStage(index) => format!("{} that it copies from is rebuilt", stage(*index)),
            Reason::Edited => "it was written anew".to_owned(),
            Reason::NotKept => "its result is not kept".to_owned(),
            Reason::Class(phrase) => (*phrase).to_owned(),
        }
    }
}

fn name_of(source: &EventSource, history: Option<&History>) -> String {
    match source {
        EventSource::Commit(index) => {
            history.and_then(|history| history.commits.get(*index)).map(|commit| commit.id.clone()).unwrap_or_default()
        }
        EventSource::Class(name) => (*name).to_owned(),
    }
}
