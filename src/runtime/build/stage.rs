//! One stage: its instructions one after the other.

use std::cell::Cell;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::line::Line;
use super::plan::{Base, StagePlan};
use super::site::Site;
use super::state::State;
use super::{BuildError, StepReport};
use crate::context::path;
use crate::runtime::copy::Target;
use crate::runtime::image::Platform;
use crate::runtime::progress::{Event, Status, StepName};
use crate::runtime::sandbox::Trace;
use crate::syntax::{Body, Dockerfile, Word};
use crate::text::time;

use super::key::KeyBuilder;
use crate::runtime::user::Users;

/// A stage that is being built.
pub(super) struct StageBuild<'s, 'a> {
    pub(super) site: &'s Site<'a>,
    pub(super) index: usize,
    pub(super) state: State,
    /// The step that runs.
    pub(super) name: StepName,
    /// What became of it.
    pub(super) done: Done,
    /// How long the current step has waited for other stages.
    waited: Cell<Duration>,
}

/// What a step came to.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) status: Status,
    /// Empty where the step makes no layer.
    pub(super) key: String,
    pub(super) bytes: u64,
    /// When its layer was made, in seconds since 1970; none where it is known of no layer.
    pub(super) created: Option<i64>,
    /// What was seen of its command, where it was traced.
    pub(super) trace: Option<Arc<Trace>>,
}

impl Default for Done {
    fn default() -> Self {
        Self { status: Status::Hit, key: String::new(), bytes: 0, created: None, trace: None }
    }
}

/// Builds a stage.
pub(super) fn build(site: &Site<'_>, index: usize) -> Result<Arc<State>, BuildError> {
    let stage = &site.plan.stages[index];
    let file = site.request.file;
    let from = Line {
        instruction: stage.from,
        source: file.source(),
        escape: file.escape(),
        lines: stage.from.lines,
        trigger: false,
    };
    let name = StepName {
        stage: stage.name.clone().unwrap_or_else(|| index.to_string()),
        number: 1,
        of: stage.steps.len() + 1,
        line: from.lines.0,
        instruction: from.shown(),
    };
    let mut build = StageBuild {
        site,
        index,
        state: State::scratch(&site.request.platform),
        name,
        done: Done::default(),
        waited: Cell::default(),
    };
    build.step(&from, |build| build.begin(stage, &from))?;
    build.triggers(&from)?;
    for instruction in stage.steps {
        build.name.number += 1;
        let line = Line { instruction, lines: instruction.lines, ..from };
        build.step(&line, |build| build.execute(&line))?;
    }
    Ok(Arc::new(build.state))
}

impl StageBuild<'_, '_> {
    /// Takes over what the stage starts from.
    fn begin(&mut self, stage: &StagePlan<'_>, line: &Line<'_>) -> Result<(), BuildError> {
        let platform = match &stage.platform {
            Some(text) => text.parse::<Platform>().map_err(|error| line.error(error))?,
            None => self.site.request.platform.clone(),
        };
        if let Base::Folder(name) = &stage.base
            && let Some(folder) = self.site.folders.get(name)
        {
            self.state = State::scratch(&platform);
            return self.take_all(line, folder.clone());
        }
        let base = self.state_of(&stage.base, &platform, line)?;
        self.state = base.child();
        Ok(())
    }

    /// What the stage starts from or copies from. The time in which another stage is built is none of the step's.
    pub(super) fn state_of(&self, base: &Base, platform: &Platform, line: &Line<'_>) -> Result<Arc<State>, BuildError> {
        let started = Instant::now();
        let state = self.site.state_of(base, platform, line);
        if matches!(base, Base::Stage(_)) {
            self.waited.set(self.waited.get() + started.elapsed());
        }
        state
    }

    /// Executes the triggers that the base brings, and forgets them.
    fn triggers(&mut self, from: &Line<'_>) -> Result<(), BuildError> {
        let triggers = std::mem::take(&mut self.state.config().on_build);
        for text in triggers {
            let file = Dockerfile::parse(&text);
            for instruction in file.instructions() {
                let line = Line {
                    instruction,
                    source: file.source(),
                    escape: file.escape(),
                    lines: from.lines,
                    trigger: true,
                };
                let forbidden = matches!(instruction.body, Body::From(_) | Body::Onbuild(_) | Body::Maintainer(_));
                if forbidden || matches!(instruction.body, Body::Malformed) {
                    return Err(line.error(format!("the trigger `{text}` of the base image cannot be executed")));
                }
                self.step(&line, |build| build.execute(&line))?;
            }
        }
        Ok(())
    }

    /// Executes a step, and tells so.
    fn step(
        &mut self,
        line: &Line<'_>,
        execute: impl FnOnce(&mut Self) -> Result<(), BuildError>,
    ) -> Result<(), BuildError> {
        self.site.check()?;
        self.name.line = line.lines.0;
        self.name.instruction = line.shown();
        self.done = Done::default();
        self.waited.take();
        let started = Instant::now();
        self.site.sink.event(Event::Started(&self.name));
        let result = execute(self);
        let status = if result.is_ok() { self.done.status } else { Status::Failed };
        let seconds = started.elapsed().saturating_sub(self.waited.get()).as_secs_f64();
        if !matches!(result, Err(BuildError::Stopped)) {
            self.site.sink.event(Event::Ended(&self.name, status, seconds, self.done.bytes));
            let report = StepReport {
                name: self.name.clone(),
                status,
                key: self.done.key.clone(),
                seconds,
                bytes: self.done.bytes,
                chain: self.state.chain(),
                trace: self.done.trace.clone(),
            };
            self.site.reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
        }
        result
    }

    fn execute(&mut self, line: &Line<'_>) -> Result<(), BuildError> {
        let layers = self.state.layers.len();
        let history = match &line.instruction.body {
            Body::Copy(transfer) | Body::Add(transfer) => self.transfer(line, transfer)?,
            Body::Workdir(word) => self.workdir(line, word)?,
            Body::Run(command) => self.run(line, command)?,
            _ => {
                let history = self.state.apply(line, self.site.arguments)?;
                history.ok_or_else(|| line.error("the instruction cannot be read"))?
            }
        };
        let empty = self.state.layers.len() == layers;
        let created = self.site.request.epoch.or(self.done.created);
        self.state.remember(history, created.map(time::rfc3339), empty);
        Ok(())
    }

    /// Changes the working directory, and makes it.
    fn workdir(&mut self, line: &Line<'_>, word: &Word) -> Result<String, BuildError> {
        let directory = self.state.expand(line, &word.text)?;
        // Docker keeps a slash at the end.
        let slash = if directory.ends_with('/') || directory.ends_with("/.") { "/" } else { "" };
        let directory = format!("/{}", path::clean(&self.state.absolute(&directory)));
        self.state.config().working_dir =
            if directory == "/" { directory.clone() } else { format!("{directory}{slash}") };
        if directory != "/" {
            let user = self.state.image.config.user.clone();
            let mut key = KeyBuilder::new("workdir", self.state.chain().as_ref(), self.site.request.epoch);
            key.text(&directory).text(&user);
            self.layer(key.finish(), false, |place| {
                let below = place.below(line)?;
                let owner = if user.is_empty() { Ok((0, 0)) } else { Users::read(&below).owner(&user) };
                let owner = owner.map_err(|reason| line.error(reason))?;
                let mut target =
                    Target::new(below, place.upper, place.site.store.owners()).map_err(|error| line.error(error))?;
                let made =
                    target.resolve(&directory).and_then(|real| target.make_directories(&real, Some(owner), 0o755));
                made.map_err(|error| line.error(error))
            })?;
        }
        Ok(format!("WORKDIR {directory}"))
    }
}
