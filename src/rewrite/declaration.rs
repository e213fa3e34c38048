//! Moving declarations of arguments that every build gives anew below the `RUN`s that do not read them.

use super::{
    below::{may_stand_below, mentioned},
    emit::move_below,
    moves::{Move, MoveKind, quoted},
};
use crate::{
    diagnostic::Safety,
    ecosystem::{Effect, is_universal_variable},
    model::{Action, Build, Run, StepId},
};

/// A declaration and what depends on it, on the way down together.
struct Group {
    names: Vec<String>,
    members: Vec<StepId>,
}

/// The move of the volatile declaration at `id`, if a `RUN` that takes time stands below it and does not read it.
pub fn sink_declaration(build: &Build<'_>, id: StepId, volatile: &[String]) -> Option<Move> {
    let Action::Argument(names) = &build.step(id).action else { return None };
    if names.is_empty() || !names.iter().all(|name| volatile.contains(name)) {
        return None;
    }
    let mut group = Group { names: names.clone(), members: vec![id] };
    let mut reached: Option<(StepId, usize)> = None;
    for step in id.step + 1..build.stages[id.stage].steps.len() {
        let below = StepId { step, ..id };
        if !group.pass(build, below) {
            break;
        }
        if build.step(below).run().is_some_and(|run| (run.cost.low * run.cost.high).sqrt() >= 1.0) {
            reached = Some((below, group.members.len()));
        }
    }
    let (last, count) = reached?;
    let moved: Vec<_> = group.members.iter().take(count).map(|member| build.instruction(*member)).collect();
    let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let crossed = build.instruction(last).lines.0;
    Some(Move {
        kind: MoveKind::SinkArgument,
        safety: Safety::Safe,
        title: format!("Declare {names} below {}", quoted(build, last)),
        argument: format!("no step down to there mentions {names}, and no command in them reads it"),
        lines: moved.iter().map(|instruction| instruction.lines.0).chain([crossed]).collect(),
        edit: move_below(build.inputs.file, &moved, build.instruction(last))?,
        ignore: Vec::new(),
        needs_history: false,
    })
}

impl Group {
    /// Whether the group may move below a step; a declaration or a label that uses its variables joins it.
    fn pass(&mut self, build: &Build<'_>, id: StepId) -> bool {
        let is_mentioned = mentioned(build, id).iter().any(|name| self.names.contains(name));
        match &build.step(id).action {
            Action::Environment(declared) | Action::Argument(declared) if is_mentioned => {
                let universal = declared.iter().any(|name| is_universal_variable(name));
                self.names.extend(declared.iter().cloned());
                self.members.push(id);
                !universal
            }
            Action::Metadata if is_mentioned => {
                self.members.push(id);
                true
            }
            Action::Run(run) if !is_indifferent(run, &self.names) => false,
            _ => !is_mentioned && self.members.iter().all(|member| may_stand_below(build, *member, id)),
        }
    }
}

/// Whether a `RUN` does the same whatever these variables hold.
fn is_indifferent(run: &Run, names: &[String]) -> bool {
    let is_named = |name: &String| run.mentions.contains(name);
    run.is_known()
        && !names.iter().any(is_named)
        && run.commands.iter().all(|command| {
            let reads = names.iter().any(|name| command.reads_variable(name));
            let trusted = command.closure.as_ref().is_some_and(|closure| closure.refusals.is_empty());
            match command.effect() {
                Effect::Inert | Effect::Paths | Effect::ContextFree | Effect::Download => !reads,
                Effect::Install | Effect::Generate => !reads && trusted,
                Effect::Build => false,
            }
        })
}
