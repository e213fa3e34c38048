//! Installing dependencies in a step of their own before the sources are there.
//!
//! The later command stays as it is and completes what the step leaves. Two claims make the image the same: that command,
//! run after the step, leaves what it leaves alone (its pack says why), and the copy may move below the step, as below any
//! other that reads only a part of it.

use super::{
    carried::Carried,
    crossing::{Crossing, Obstacle, cross_run},
    emit::{insert_above, manifest_lines, move_above},
    moves::{Move, MoveKind, difference, ignored, is_all_needed, listed},
    restate::is_settled,
};
use crate::{
    diagnostic::Safety,
    ecosystem::{Access, Effect, Line, WarmUp},
    model::{Action, Build, KnownCommand, Run, StepId},
    syntax::{Body, Command},
};

/// An early install on its way into the file.
pub(super) struct EarlyInstall<'a> {
    pub(super) build: &'a Build<'a>,
    /// The copy that it stands before.
    pub(super) carried: &'a Carried<'a>,
    /// The step that completes it.
    pub(super) id: StepId,
    /// The command that does.
    pub(super) command: &'a KnownCommand,
    /// What the pack says of it.
    pub(super) step: &'a WarmUp,
}

impl EarlyInstall<'_> {
    /// The move; `None` where it would gain nothing.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub(super) fn offer(&self) -> Result<Option<Move>, Obstacle> {
        if let Some(refusal) = self.step.closure.refusals.first() {
            return Err(Obstacle::new(self.id, refusal.reason.clone(), refusal.evidence.clone()));
        }
        let Some(run) = self.build.step(self.id).run() else { return Ok(None) };
        if let Some(reason) = self.unfit(run) {
            return Err(Obstacle::new(self.id, reason, self.command.known.title.clone()));
        }
        let early = self.early_run(run);
        let crossing = cross_run(self.carried, self.id, &early, &[])?;
        let gains = !crossing.manifests.is_empty() && !is_all_needed(self.build, self.carried.id, &crossing.manifests);
        if !gains || !self.is_free_between(&early) {
            return Ok(None);
        }
        Ok(self.describe(run, &crossing))
    }

    /// What keeps the command line from meaning the same in a step of its own.
    fn unfit(&self, run: &Run) -> Option<String> {
        let command = &self.command.command;
        let before = run.commands.iter().take_while(|other| !std::ptr::eq(*other, self.command));
        let prepared = before.into_iter().any(|other| other.effect() != Effect::Inert);
        let opaque = run.opaque.iter().any(|opaque| opaque.range.start < command.range.start);
        if prepared || opaque {
            return Some("commands in front of it in the same step may prepare the install".to_owned());
        }
        if self.command.directory.as_ref() != Some(&self.build.step(self.id).before.directory) {
            return Some("it runs in another directory than the step starts in".to_owned());
        }
        let guarded = command.guard.conditional || command.guard.masked;
        if !command.prefixes.is_empty() || command.user.is_some() || guarded || !command.redirects.is_empty() {
            return Some("it does not run by itself".to_owned());
        }
        let is_shell = !matches!(&self.build.instruction(self.id).body, Body::Run(Command::Exec(_)));
        (!is_shell).then(|| "it runs without a shell".to_owned())
    }

    /// The step as if it stood where the command stands.
    fn early_run(&self, run: &Run) -> Run {
        let command = KnownCommand {
            command: self.command.command.clone(),
            known: self.step.known.clone(),
            directory: self.command.directory.clone(),
            anchors: self.command.anchors.clone(),
            warm_up: None,
            closure: Some(self.step.closure.clone()),
            made: None,
            locking: None,
            accesses: self.command.accesses.clone(),
        };
        Run { commands: vec![command], mounts: run.mounts.clone(), ..Run::default() }
    }

    /// Whether the copy may move below all that stands between it and the command without anything copied ahead, or, for
    /// a step that goes in front of the copy, all that may move below the step.
    fn is_free_between(&self, early: &Run) -> bool {
        let between = (self.carried.id.step + 1..self.id.step).map(|step| StepId { step, ..self.id });
        let is_free = |crossing: Crossing| crossing.manifests.is_empty() && crossing.caveats.is_empty();
        between.into_iter().all(|id| match &self.build.step(id).action {
            Action::Run(_) if self.step.lock_only => false,
            Action::Run(run) => cross_run(self.carried, id, run, &[]).is_ok_and(is_free),
            Action::Transfer(_) if self.step.lock_only => Carried::new(self.build, id)
                .is_some_and(|other| cross_run(&other, self.id, early, &[]).is_ok_and(is_free)),
            Action::Transfer(_) => true,
            _ => !self.step.lock_only || self.build.step(id).before == self.build.step(self.id).before,
        })
    }

    fn describe(&self, run: &Run, crossing: &Crossing) -> Option<Move> {
        let file = self.build.inputs.file;
        let instruction = self.build.instruction(self.id);
        let line = self.line();
        let source = file.source();
        let flags = instruction.flags.iter().fold(String::new(), |text, flag| text + flag.range.of(source) + " ");
        let before = &self.build.step(self.carried.id).before;
        let mut lines = manifest_lines(self.carried, self.build.inputs.catalog, &crossing.manifests, before)?;
        lines.push(format!("RUN {flags}{line}"));
        let here = &self.build.step(self.id).before;
        let stands_before = before == here;
        let next = self.carried.id.step + 1 == self.id.step;
        let edit = if stands_before && (next || self.step.lock_only) {
            insert_above(file, self.carried.instruction, &lines)
        } else if self.step.lock_only
            || self.carried.instruction.flag("chown").is_some()
            || !is_settled(self.carried, here)
        {
            return None;
        } else {
            move_above(file, self.carried.instruction, instruction, &lines)?
        };
        let differs = self.differences(run, crossing);
        let reads = listed(crossing.manifests.iter().map(|needed| needed.path.as_str()));
        let title = &self.command.known.title;
        let argument = format!(
            "`{line}` reads only {reads} of what the copy brings; `{title}` stays as it is: {}",
            self.step.completes.as_deref().unwrap_or_default()
        );
        Some(Move {
            kind: MoveKind::InstallDependenciesFirst,
            safety: if differs.is_empty() { Safety::Safe } else { Safety::Unsafe },
            title: format!("Install dependencies with `{line}` before the sources are copied"),
            argument: if differs.is_empty() { argument } else { differs.join("; ") },
            lines: vec![self.carried.instruction.lines.0, instruction.lines.0],
            edit,
            ignore: crossing.caveats.iter().filter_map(ignored).collect(),
            needs_history: self.step.lock_only,
        })
    }

    /// Why the image may differ.
    fn differences(&self, run: &Run, crossing: &Crossing) -> Vec<String> {
        let mut found: Vec<String> = crossing.caveats.iter().filter_map(difference).collect();
        found.extend(self.step.differs.iter().map(|refusal| format!("{} ({})", refusal.reason, refusal.evidence)));
        let after = run.commands.iter().skip_while(|other| !std::ptr::eq(*other, self.command)).skip(1);
        let removes = after.into_iter().flat_map(|other| &other.accesses).any(|access| access.access == Access::Remove);
        if removes {
            found.push("what the step removes afterwards stays in the layer of the earlier one".to_owned());
        }
        found
    }

    /// The command line of the step, with the assignments that it needs.
    fn line(&self) -> String {
        let given = &self.command.command;
        let (words, assignments): (String, Vec<_>) = match &self.step.line {
            Line::Fixed(run) => {
                (run.clone(), given.assignments.iter().filter(|given| self.step.carries(&given.name)).collect())
            }
            Line::Extended(added) => {
                let words = given.words.iter().map(|word| word.raw.as_str()).chain(added.iter().map(String::as_str));
                (words.collect::<Vec<_>>().join(" "), given.assignments.iter().collect())
            }
        };
        assignments.iter().rev().fold(words, |line, given| format!("{}={} {line}", given.name, given.value.raw))
    }
}
