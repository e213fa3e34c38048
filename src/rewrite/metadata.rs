//! Moving labels below the last step that takes time, for builders in whose cache keys labels stand.

use super::{
    below::{labels as pairs, may_stand_below},
    emit::move_below,
    moves::{Move, MoveKind, listed, quoted},
};
use crate::{
    diagnostic::Safety,
    ecosystem::argument_volatility,
    model::{Action, Build, StepId},
    syntax::variables,
};

/// Steps that take less, in seconds, are not worth a move.
const LEAST_SECONDS: f64 = 1.0;

/// The labels of a stage that a release changes and that stand above a `RUN` which takes time, earliest first, with the
/// first such `RUN`.
pub fn early_labels(build: &Build<'_>, stage: usize) -> Option<(Vec<StepId>, StepId)> {
    let found = build.stages.get(stage)?;
    let ids = (0..found.steps.len()).map(|step| StepId { stage, step });
    let labels: Vec<StepId> = ids.filter(|id| changes_with_releases(build, *id)).collect();
    let first = *labels.first()?;
    let dear =
        |id: &StepId| build.step(*id).run().is_some_and(|run| (run.cost.low * run.cost.high).sqrt() >= LEAST_SECONDS);
    let run = (first.step + 1..found.steps.len()).map(|step| StepId { stage, step }).find(dear)?;
    Some((labels.into_iter().filter(|label| *label < run).collect(), run))
}

/// The move of labels of one stage below the last step that executes or copies anything; `None` where a label could hold
/// another value there, or be overwritten by another one.
pub fn sink_labels(build: &Build<'_>, labels: &[StepId]) -> Option<Move> {
    let first = labels.first()?;
    let stage = build.stages.get(first.stage)?;
    let last = (0..stage.steps.len())
        .rev()
        .map(|step| StepId { step, ..*first })
        .find(|id| matches!(build.step(*id).action, Action::Run(_) | Action::Transfer(_) | Action::Workdir(_)))?;
    let below = |label: StepId| (label.step + 1..=last.step).map(move |step| StepId { step, ..label });
    if !labels.iter().all(|label| below(*label).all(|other| may_stand_below(build, *label, other))) {
        return None;
    }
    let moved: Vec<_> = labels.iter().map(|label| build.instruction(*label)).collect();
    let names = listed(moved.iter().flat_map(|label| pairs(label)).map(|pair| pair.key.text.as_str()));
    Some(Move {
        kind: MoveKind::SinkLabel,
        safety: Safety::Safe,
        title: format!("Set {names} below {}", quoted(build, last)),
        argument: "no step reads labels, no later label has the same name, and no variable in them changes on the way"
            .to_owned(),
        lines: moved.iter().map(|instruction| instruction.lines.0).chain([build.instruction(last).lines.0]).collect(),
        edit: move_below(build.inputs.file, &moved, build.instruction(last))?,
        ignore: Vec::new(),
        needs_history: false,
    })
}

/// Whether the name of a label says that its value is another with every release or more often: its last part is read as
/// the name of an argument. One that is made of variables has these in its key anyway.
fn changes_with_releases(build: &Build<'_>, id: StepId) -> bool {
    let escape = build.inputs.file.escape();
    pairs(build.instruction(id)).iter().any(|pair| {
        let name = pair.key.text.trim_matches(['"', '\'']);
        let last = name.rsplit('.').next().unwrap_or_default().replace('-', "_");
        argument_volatility(&last).is_some() && variables(&pair.value.text, escape).is_empty()
    })
}
