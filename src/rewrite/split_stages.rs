//! Splitting a file of one stage into a stage that builds and one that runs.
//!
//! Everything down to the last `RUN` stays in the stage that builds. The stage that runs gets the variables, the working
//! directory, the user and the configuration of the image, the files of the context that are no sources, and the file that
//! the container runs, with all beside it where the image's facts say so. Whether that opens anything else cannot be told, so the move is never safe.

use super::{
    moves::{Move, MoveKind, quoted},
    single_stage::{program, runtime, shipped_build},
};
use crate::{
    context::EntryKind,
    diagnostic::Safety,
    ecosystem::{Access, Effect, ImageFacts, Runtime, name_matches},
    model::{Action, Build, KnownCommand, Run, StagePath, State, Step, StepId, Supply},
    syntax::{Body, Command, Healthcheck, Instruction, variables},
    text::{Change, TextEdit, TextRange},
};

/// Entries of the context that are looked at, at most.
const MOST_ENTRIES: usize = 20_000;

/// Users that every image has.
const EVERYWHERE: [&str; 4] = ["root", "nobody", "root:root", "0:0"];

/// The split of the build's only stage: the move, or why there is none as a phrase. `None` where nothing calls for one.
pub fn split_stages(build: &Build<'_>) -> Option<Result<Move, String>> {
    let shipped = shipped_build(build)?;
    Some(Split::new(build, shipped.command).and_then(|split| split.describe()))
}

/// What is known of a file that can be split.
struct Split<'b> {
    build: &'b Build<'b>,
    /// What makes the program.
    command: &'b KnownCommand,
    facts: &'static ImageFacts,
    runtime: &'static Runtime,
    /// The image to run in.
    image: String,
    /// Index of the last `RUN`.
    last: usize,
    /// The file that the container runs.
    product: StagePath,
}

impl<'b> Split<'b> {
    fn new(build: &'b Build<'b>, command: &'b KnownCommand) -> Result<Self, String> {
        let stage = &build.stages[0];
        let (facts, runtime, image) = runtime(build)?;
        let from = &build.inputs.file.instructions()[stage.from];
        if from.flags.iter().any(|flag| flag.value.as_ref().is_some_and(|value| value.text.contains('$'))) {
            return Err("its platform is another for each build".to_owned());
        }
        let last = stage.steps.iter().rposition(|step| step.run().is_some()).ok_or("nothing is built")?;
        let started = program(build)?;
        if started.launcher.map(str::to_owned) != runtime.launcher.as_ref().map(|launcher| launcher.program.clone()) {
            return Err(format!("it is not `{}` that runs the program", runtime.program()));
        }
        let split = Self { build, command, facts, runtime, image, last, product: started.file };
        split.check_steps()?;
        split.check_product()?;
        Ok(split)
    }

    fn steps(&self) -> &'b [Step] {
        &self.build.stages[0].steps
    }

    fn instruction(&self, step: usize) -> &'b Instruction {
        self.build.instruction(StepId { stage: 0, step })
    }

    /// What the first instruction of the second stage must find.
    fn state(&self) -> &'b State {
        self.steps().get(self.last + 1).map_or(&self.build.stages[0].end, |step| &step.before)
    }

    fn quoted(&self, step: usize) -> String {
        quoted(self.build, StepId { stage: 0, step })
    }

    /// Whether every step is one of which it is known what it leaves.
    fn check_steps(&self) -> Result<(), String> {
        let foreign = |text: &str| !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        for (index, step) in self.steps().iter().enumerate() {
            let shown = || self.quoted(index);
            let instruction = self.instruction(index);
            match &step.action {
                Action::Run(run) => self.check_run(run).map_err(|reason| format!("{} {reason}", shown()))?,
                Action::Transfer(transfer) if index < self.last => {
                    if transfer.supply != Supply::Context
                        || transfer.placement.is_none()
                        || !transfer.mentions.is_empty()
                    {
                        return Err(format!("it cannot be told what {} brings", shown()));
                    }
                }
                Action::Transfer(_) => {
                    let owner = instruction.flag_value("chown").filter(|owner| foreign(owner));
                    if owner.is_some_and(|owner| !EVERYWHERE.contains(&owner)) {
                        return Err(format!("the owner in {} may not be there in the second stage", shown()));
                    }
                }
                Action::Environment(_) => self.check_environment(instruction, &step.before)?,
                Action::User => {
                    let user = self.user_after(index).unwrap_or_default();
                    if foreign(&user) && !EVERYWHERE.contains(&user.as_str()) {
                        return Err(format!("the user `{user}` may not be there in the second stage"));
                    }
                }
                Action::Shell | Action::Malformed => return Err(format!("of {}", shown())),
                Action::Metadata => self.check_metadata(instruction)?,
                Action::Workdir(_) | Action::Argument(_) | Action::Volume(_) => {}
            }
        }
        Ok(())
    }

    fn user_after(&self, step: usize) -> Option<String> {
        self.steps().get(step + 1).map_or(&self.build.stages[0].end, |next| &next.before).user.clone()
    }

    /// Whether all that a `RUN` leaves is the product, and what only the build needs.
    fn check_run(&self, run: &Run) -> Result<(), String> {
        if let Some(opaque) = run.opaque.first() {
            return Err(format!("may leave anything: {}", opaque.reason));
        }
        for command in &run.commands {
            let title = &command.known.title;
            let own = command.known.pack.name == self.command.known.pack.name;
            let fits = match command.effect() {
                Effect::Inert => true,
                Effect::Download | Effect::Install | Effect::Build => own,
                Effect::ContextFree => {
                    let packages = || command.known.arguments.iter().map(|argument| argument.raw.as_str());
                    own || packages().all(|package| self.facts.is_for_builds(package))
                }
                Effect::Paths => command.accesses.iter().all(|access| {
                    matches!(access.access, Access::Read | Access::Remove) || access.path == self.product
                }),
                Effect::Generate => false,
            };
            if !fits {
                return Err(format!("leaves what the program may need: that of `{title}`"));
            }
        }
        Ok(())
    }

    /// Whether the values of an `ENV` are the same in the second stage.
    fn check_environment(&self, instruction: &Instruction, before: &State) -> Result<(), String> {
        let text = instruction.range.of(self.build.inputs.file.source());
        let from = self.build.stages[0].from;
        let mut names = variables(text, self.build.inputs.file.escape()).into_iter();
        let foreign = names.find(|name| before.variable(name).is_none_or(|variable| variable.instruction <= from));
        foreign.map_or(Ok(()), |name| Err(format!("`${name}` is the image's own, and another in the second stage")))
    }

    fn check_metadata(&self, instruction: &Instruction) -> Result<(), String> {
        match &instruction.body {
            Body::Onbuild(_) => Err("the image has triggers".to_owned()),
            Body::Healthcheck(Healthcheck::Cmd(_)) => Err("its health check may run another program".to_owned()),
            Body::Cmd(Command::Shell(_)) | Body::Entrypoint(Command::Shell(_)) if !self.runtime.shell => {
                Err(format!("its program is run by a shell, and {} has none", self.image()))
            }
            Body::Cmd(Command::Shell(text)) | Body::Entrypoint(Command::Shell(text))
                if variables(text.as_str(), self.build.inputs.file.escape())
                    .iter()
                    .any(|name| self.facts.environment.contains_key(name)) =>
            {
                Err("its program is found by a variable of the image".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Whether the build makes what the container runs.
    fn check_product(&self) -> Result<(), String> {
        let product = &self.product;
        let context = self.build.inputs.context.ok_or("the build context is not known")?;
        let view = self.build.view(StepId { stage: 0, step: self.steps().len() });
        if view.origin(context, product).is_some() {
            return Err(format!("`{product}` is a file of the build context, which runs something else"));
        }
        let title = &self.command.known.title;
        if let Some(evidence) = self.command.closure.as_ref().and_then(|closure| closure.libraries.as_ref()) {
            return Err(format!("what `{title}` makes may need libraries that stand elsewhere ({evidence})"));
        }
        if self.is_made() { Ok(()) } else { Err(format!("it cannot be told that `{title}` makes `{product}`")) }
    }

    fn is_made(&self) -> bool {
        let mut written = self.command.accesses.iter().filter(|access| access.access == Access::Write).peekable();
        let makes = self.command.known.spec().build_only.as_ref().map_or(&[][..], |only| &only.makes);
        let Some(directory) = &self.command.directory else { return false };
        if written.peek().is_some() {
            return written.any(|access| self.product.below(&access.path).is_some_and(|rest| !rest.contains('/')));
        }
        let Some(rest) = self.product.below(directory) else { return false };
        let parts = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let fits = |pattern: &String| {
            let (wanted, found) = (parts(pattern), parts(rest));
            wanted.len() == found.len() && wanted.iter().zip(&found).all(|(wanted, part)| name_matches(wanted, part))
        };
        if makes.is_empty() { self.product.parent() == *directory } else { makes.iter().any(fits) }
    }

    /// What is copied into the second stage.
    fn shipped(&self) -> StagePath {
        if self.runtime.directory { self.product.parent() } else { self.product.clone() }
    }

    fn image(&self) -> String {
        format!("`{}`", self.image)
    }

    fn describe(&self) -> Result<Move, String> {
        let line = |step: usize| self.instruction(step).lines.0;
        let from = &self.build.inputs.file.instructions()[self.build.stages[0].from];
        Ok(Move {
            kind: MoveKind::SplitStages,
            safety: Safety::Unsafe,
            title: format!("Run `{}` in a stage of its own, from {}", self.product, self.image()),
            argument: format!(
                "the image keeps `{}`, the files of the context that are no sources, and its configuration; whether the \
                 program opens or runs anything else when it runs cannot be told",
                self.shipped()
            ),
            lines: vec![from.lines.0, line(self.last)],
            edit: self.edit(from)?,
            ignore: Vec::new(),
            needs_history: false,
        })
    }

    fn edit(&self, from: &Instruction) -> Result<TextEdit, String> {
        let file = self.build.inputs.file;
        let (source, newline) = (file.source(), file.newline());
        let Body::From(named) = &from.body else { return Err("of its `FROM`".to_owned()) };
        let name = named.alias.as_ref().map_or("build", |alias| alias.text.as_str());
        let mut changes = Vec::new();
        if named.alias.is_none() {
            let keyword = if from.keyword_range.of(source).chars().all(char::is_lowercase) { "as" } else { "AS" };
            changes.push(Change {
                range: TextRange::empty(named.image.range.end),
                replacement: format!(" {keyword} build"),
            });
        }
        let mut lines = vec![String::new(), self.start_line(from)];
        lines.extend(self.declarations());
        let state = self.state();
        if state.directory.is_floating() {
            return Err("its working directory is not known".to_owned());
        }
        if state.directory != StagePath::root() {
            lines.push(format!("WORKDIR {}", state.directory));
        }
        lines.extend(self.context_copies()?);
        lines.push(format!("COPY --from={name} {0} {0}", self.shipped()));
        lines.extend(state.user.as_ref().map(|user| format!("USER {user}")));
        let end = self.instruction(self.last).block(source).end;
        let mut text = lines.iter().fold(String::new(), |text, line| text + line + newline);
        if !source[..end].ends_with('\n') {
            text.insert_str(0, newline);
        }
        for step in (0..self.last).filter(|step| self.is_configuration(*step)) {
            let block = self.instruction(step).block(source);
            text.push_str(block.of(source));
            changes.push(Change { range: block, replacement: String::new() });
        }
        changes.push(Change { range: TextRange::empty(end), replacement: text });
        TextEdit::new(changes).map_err(|error| error.to_string())
    }

    fn start_line(&self, from: &Instruction) -> String {
        let source = self.build.inputs.file.source();
        let flags = from.flags.iter().fold(String::new(), |text, flag| text + flag.range.of(source) + " ");
        format!("FROM {flags}{}", self.image)
    }

    /// `ENV`s as they stand, and the `ARG`s that these or what follows mention.
    fn declarations(&self) -> Vec<String> {
        let file = self.build.inputs.file;
        let text = |step: usize| self.instruction(step).range.of(file.source());
        let carried = |step: usize| {
            step > self.last
                || self.is_configuration(step)
                || matches!(self.steps()[step].action, Action::Environment(_))
        };
        let steps = 0..self.steps().len();
        let mentioned: Vec<String> =
            steps.filter(|step| carried(*step)).flat_map(|step| variables(text(step), file.escape())).collect();
        let declares = |step: &usize| match &self.steps()[*step].action {
            Action::Environment(_) => true,
            Action::Argument(names) => names.iter().any(|name| mentioned.contains(name)),
            _ => false,
        };
        (0..self.last).filter(declares).map(|step| text(step).to_owned()).collect()
    }

    /// The copies that bring files which the program may open.
    fn context_copies(&self) -> Result<Vec<String>, String> {
        let context = self.build.inputs.context.ok_or("the build context is not known")?;
        let mut lines = Vec::new();
        for (index, step) in self.steps().iter().enumerate().take(self.last) {
            let Some(selector) = step.transfer().and_then(|transfer| transfer.selector.as_ref()) else { continue };
            let (selected, cut) = selector.selected(context, MOST_ENTRIES);
            let mut files = selected.iter().filter(|found| found.entry.kind != EntryKind::Directory);
            if !cut && files.all(|found| self.facts.is_source(&found.path)) {
                continue;
            }
            if step.before.directory != self.state().directory {
                return Err(format!("{} goes to another working directory", self.quoted(index)));
            }
            let instruction = self.instruction(index);
            lines.push(instruction.range.of(self.build.inputs.file.source()).to_owned());
        }
        Ok(lines)
    }

    /// Whether a step sets something of the image that no step reads.
    fn is_configuration(&self, step: usize) -> bool {
        matches!(self.steps()[step].action, Action::Metadata | Action::Volume(_))
    }
}
