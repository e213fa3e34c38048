//! Images that ship what only their build needs.

use crate::{
    ecosystem::Effect,
    model::{Base, Build, KnownCommand, Stage, StagePath, Supply},
    shell::{self, SimpleCommand},
    syntax::{Body, Command},
    text::LogicalText,
};

/// The last command of a file of one stage whose tools are not needed afterwards.
#[derive(Clone, Debug)]
pub struct ShippedBuild<'b> {
    /// The command.
    pub command: &'b KnownCommand,
    /// What only it needs, as a phrase.
    pub what: String,
}

/// The build that an image of one stage ships; `None` where it is not plain that the image only runs what was built.
pub fn shipped_build<'b>(build: &'b Build<'_>) -> Option<ShippedBuild<'b>> {
    let [stage] = build.stages.as_slice() else { return None };
    let whole_image = matches!(stage.base, Base::Image(_) | Base::Unknown(_));
    if !whole_image || takes_from_elsewhere(stage) {
        return None;
    }
    let (command, what) = last_build(build, stage)?;
    runs_what_was_built(build, stage, command).then_some(ShippedBuild { command, what })
}

/// Whether files of another image are copied: then this file is the last part of a build that spans several.
fn takes_from_elsewhere(stage: &Stage) -> bool {
    let mut transfers = stage.steps.iter().filter_map(|step| step.transfer());
    transfers.any(|transfer| matches!(transfer.supply, Supply::Image(_)))
}

/// The last command of the stage whose tools are not needed afterwards, and what these are.
fn last_build<'s>(build: &Build<'_>, stage: &'s Stage) -> Option<(&'s KnownCommand, String)> {
    stage.steps.iter().rev().find_map(|step| {
        let run = step.run()?;
        let (command, what) = run.commands.iter().rev().find_map(|command| Some((command, build_only(command)?)))?;
        let instruction = build.inputs.file.instructions().get(step.instruction)?;
        let rest = build.inputs.file.source().get(command.command.range.end..instruction.range.end)?;
        (!cleans_up(rest)).then_some((command, what))
    })
}

/// What only this command needs. What depends on the project is told by its closure.
fn build_only(command: &KnownCommand) -> Option<String> {
    let only = command.known.spec().build_only.as_ref()?;
    if only.when.is_empty() && only.unless.is_empty() {
        return Some(only.what.clone());
    }
    command.closure.as_ref()?.build_only.clone()
}

/// Whether the rest of a script takes away what the build needed.
fn cleans_up(script: &str) -> bool {
    const REMOVING: [&str; 9] = ["rm", "del", "remove", "purge", "autoremove", "uninstall", "prune", "erase", "clean"];
    let mut words = script.split(|character: char| !character.is_alphanumeric());
    words.any(|word| REMOVING.contains(&word))
}

/// Whether the image has something to run, and nothing of it is a build or a place to build in.
fn runs_what_was_built(build: &Build<'_>, stage: &Stage, command: &KnownCommand) -> bool {
    let bodies = build.inputs.file.instructions().get(stage.from..).unwrap_or_default().iter();
    let texts: Vec<LogicalText> = bodies
        .filter_map(|instruction| match &instruction.body {
            Body::Cmd(command) | Body::Entrypoint(command) => Some(script_of(command)),
            _ => None,
        })
        .collect();
    let interpreted = command.known.spec().build_only.as_ref().is_some_and(|only| !only.when.is_empty());
    let commands: Vec<SimpleCommand> = texts.iter().flat_map(|text| shell::read(text).commands).collect();
    let by_path = || commands.iter().filter_map(|command| command.words.first()).any(|word| word.raw.contains('/'));
    let ends_well = !commands.is_empty() && !commands.iter().any(|command| may_build(build, command, interpreted));
    // What was compiled is run by its path; a bare name may be a tool that compiles again.
    ends_well && (interpreted || by_path())
}

/// Whether a command that the container runs may build, or is there for someone who does.
fn may_build(build: &Build<'_>, command: &SimpleCommand, interpreted: bool) -> bool {
    let recognition = build.inputs.catalog.recognize(command, &|_| None);
    let builds = recognition.candidates.iter().any(|found| {
        !found.spec().starts && matches!(found.effect(), Effect::Build | Effect::Install | Effect::Generate)
    });
    let words: Vec<&str> = command.words.iter().map(|word| word.raw.as_str()).collect();
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let is_shell = matches!(words.as_slice(), [only] if ["sh", "bash", "ash", "zsh"].contains(&name(only).as_str()));
    let developing = words.iter().any(|word| matches!(*word, "dev" | "watch" | "develop" | "--watch"));
    // A script may build where that is usual in a running container; its text is not known.
    let script = interpreted && words.iter().any(|word| word.rsplit('.').next() == Some("sh"));
    builds || is_shell || developing || script
}

/// What a container runs, as one script.
fn script_of(command: &Command) -> LogicalText {
    match command {
        Command::Shell(text) => text.clone(),
        Command::Exec(words) => {
            let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            let text = match texts.as_slice() {
                [_, flag, script, ..] if flag.starts_with('-') && flag.ends_with('c') => (*script).to_owned(),
                all => all.join(" "),
            };
            LogicalText::contiguous(&text, 0)
        }
    }
}

/// What the container runs: the first word of the `ENTRYPOINT`, or of the `CMD` where there is none.
pub(super) fn program(build: &Build<'_>) -> Result<StagePath, String> {
    let stage = &build.stages[0];
    let bodies = || stage.steps.iter().map(|step| &build.inputs.file.instructions()[step.instruction].body);
    let mut entrypoint = bodies().filter_map(|body| match body {
        Body::Entrypoint(command) => Some(command),
        _ => None,
    });
    let mut cmd = bodies().filter_map(|body| match body {
        Body::Cmd(command) => Some(command),
        _ => None,
    });
    let word = match entrypoint.next_back().or(cmd.next_back()) {
        Some(Command::Exec(words)) => words.first().map(|word| word.text.clone()),
        Some(Command::Shell(text)) => match shell::read(text).commands.as_slice() {
            [only] if only.prefixes.is_empty() => only.words.first().and_then(|word| word.literal()).map(str::to_owned),
            _ => None,
        },
        None => None,
    };
    let word = word.filter(|word| word.contains('/') && !word.contains(['$', ' ']));
    let program = stage.end.directory.join(&word.ok_or("its program has no path")?);
    if program.is_floating() { Err("its working directory is not known".to_owned()) } else { Ok(program) }
}
