//! Numbers from the cache model, worked out when a rule first asks for one.

use std::sync::{Arc, OnceLock};

use crate::cache::{Costs, Events, Profile, Replay};
use crate::context::History;
use crate::diagnostic::{Cost, Safety};
use crate::model::{Build, Stage, StepId};
use crate::rewrite::{Exchanges, Reordering, Sink, Weights, may_reorder, reorder, sink};

/// The behaviour of a build over the changes of its project, and how far its steps may move.
pub struct Numbers<'a> {
    build: &'a Build<'a>,
    profile: Profile,
    limit: usize,
    known: OnceLock<Known>,
    exchanges: Exchanges,
    /// By stage, by step.
    sinks: Vec<Vec<OnceLock<Option<Sink>>>>,
}

struct Known {
    history: Option<Arc<History>>,
    events: Events,
    costs: Costs,
    replay: Replay,
}

impl<'a> Numbers<'a> {
    /// Numbers of a build for its last stage, over the newest `limit` changes of its context.
    pub fn new(build: &'a Build<'a>, profile: Profile, limit: usize) -> Self {
        let unknown = |stage: &Stage| stage.steps.iter().map(|_| OnceLock::new()).collect();
        Self {
            build,
            profile,
            limit,
            known: OnceLock::new(),
            exchanges: Exchanges::new(build),
            sinks: build.stages.iter().map(unknown).collect(),
        }
    }

    /// Numbers of another build of the same project.
    #[must_use]
    pub fn of<'b>(&self, build: &'b Build<'b>) -> Numbers<'b> {
        Numbers::new(build, self.profile, self.limit)
    }

    /// What an instruction costs: how often it runs again, and what it takes then.
    pub fn cost(&self, instruction: usize) -> Cost {
        let known = self.known();
        Cost {
            rate: known.replay.rate(instruction),
            seconds: known.costs.of(instruction).expected(),
            changes: if known.events.class_share > 0.0 { 0 } else { known.events.commits },
            measured: known.costs.is_measured(instruction),
        }
    }

    /// The share of changes that touch one of these context paths, 0 to 1; `None` where there is too little history to
    /// tell.
    pub fn touch_rate(&self, paths: &[&str]) -> Option<f64> {
        let known = self.known();
        let history = known.history.as_ref().filter(|_| known.events.class_share <= 0.0)?;
        let touching =
            history.commits.iter().filter(|commit| commit.paths.iter().any(|path| paths.contains(&path.as_str())));
        Some(touching.count() as f64 / history.commits.len() as f64)
    }

    /// Better orders of the stages, by steps that change places with as much safety as is wanted.
    pub fn reorder(&self, wanted: Safety) -> Vec<Reordering> {
        let target = self.build.target(None).unwrap_or_default();
        if !may_reorder(self.build, &self.exchanges, target, wanted) {
            return Vec::new();
        }
        let Known { history, events, costs, .. } = self.known();
        let weights = Weights { profile: self.profile, history: history.as_deref(), events, costs, target };
        reorder(self.build, &weights, &self.exchanges, wanted)
    }

    /// The way of the copy at `id` down its stage; `None` where the step is no copy that can be moved.
    pub fn sink(&self, id: StepId) -> Option<&Sink> {
        self.sinks.get(id.stage)?.get(id.step)?.get_or_init(|| sink(self.build, id)).as_ref()
    }

    /// The expected rebuild cost per change, in seconds.
    pub fn expected(&self) -> f64 {
        self.known().replay.expected.mean
    }

    fn known(&self) -> &Known {
        self.known.get_or_init(|| {
            let context = self.build.inputs.context.map(crate::context::Filtered::unfiltered);
            let history = context.filter(|_| self.limit > 0).and_then(|context| context.history(self.limit));
            let events = Events::of_history(self.build, self.profile, history.as_deref());
            let costs = Costs::new(self.build);
            let target = self.build.target(None).unwrap_or_default();
            let replay = Replay::new(self.build, self.profile, &events, &costs, target);
            Known { history, events, costs, replay }
        })
    }
}
