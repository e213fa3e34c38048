//! Images that ship what only their build needs.

use crate::{
    ecosystem::{Effect, ImageFacts, Runtime, image_facts, removing_word},
    model::{Base, Build, KnownCommand, Stage, StagePath, Supply},
    shell::{self, SimpleCommand},
    syntax::{Body, Command, ImageReference},
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
        removing_word(rest).is_none().then_some((command, what))
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
    // What has a launcher is run by it.
    let launched = || program(build).is_ok_and(|started| started.launcher.is_some());
    let ends_well = !commands.is_empty() && !commands.iter().any(|command| may_build(build, command, interpreted));
    // What was compiled is run by its path; a bare name may be a tool that compiles again.
    ends_well && (interpreted || by_path() || launched())
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

/// What a container starts.
pub(super) struct Started {
    /// The file that was built.
    pub(super) file: StagePath,
    /// The program that runs it, where it does not run by itself.
    pub(super) launcher: Option<&'static str>,
}

/// What the container runs: the words of the `ENTRYPOINT`, or of the `CMD` where there is none.
pub(super) fn program(build: &Build<'_>) -> Result<Started, String> {
    let stage = &build.stages[0];
    let words = words_of(build).ok_or("its program has no path")?;
    let runtime = runtime(build).ok().map(|(_, runtime, _)| runtime);
    let launcher = runtime.and_then(|runtime| runtime.launcher.as_ref());
    let launcher = launcher.filter(|launcher| words.first() == Some(&launcher.program));
    let word = match launcher {
        None => words.first().filter(|word| word.contains('/')),
        Some(launcher) if launcher.before.is_empty() => words.get(1).filter(|word| !word.starts_with('-')),
        Some(launcher) => {
            let option = words.iter().position(|word| launcher.before.contains(word));
            option.and_then(|at| words.get(at + 1))
        }
    };
    let word = word.filter(|word| !word.contains(['$', ' ', '*'])).ok_or("its program has no path")?;
    let file = stage.end.directory.join(word);
    if file.is_floating() {
        return Err("its working directory is not known".to_owned());
    }
    Ok(Started { file, launcher: launcher.map(|launcher| launcher.program.as_str()) })
}

/// The words of the one command that the container runs, where they are known.
fn words_of(build: &Build<'_>) -> Option<Vec<String>> {
    let bodies = || build.stages[0].steps.iter().map(|step| &build.inputs.file.instructions()[step.instruction].body);
    let mut entrypoint = bodies().filter_map(|body| match body {
        Body::Entrypoint(command) => Some(command),
        _ => None,
    });
    let mut cmd = bodies().filter_map(|body| match body {
        Body::Cmd(command) => Some(command),
        _ => None,
    });
    match entrypoint.next_back().or(cmd.next_back())? {
        Command::Exec(words) => Some(words.iter().map(|word| word.text.clone()).collect()),
        Command::Shell(text) => match shell::read(text).commands.as_slice() {
            [only] if only.prefixes.is_empty() => {
                only.words.iter().map(|word| word.literal().map(str::to_owned)).collect()
            }
            _ => None,
        },
    }
}

/// What is known of the image of the only stage, and what runs what is built in it.
pub(super) fn runtime(build: &Build<'_>) -> Result<(&'static ImageFacts, &'static Runtime, String), String> {
    let Base::Image(reference) = &build.stages[0].base else {
        return Err("the image it starts from is not known".to_owned());
    };
    let image = ImageReference::parse(reference);
    let facts = image_facts(&image);
    let found =
        facts.and_then(|facts| facts.runtime(image.tag.as_deref()).map(|(runtime, name)| (facts, runtime, name)));
    found.ok_or_else(|| match facts.and_then(|facts| facts.why_no_runtime(image.tag.as_deref())) {
        Some(why) => why.to_owned(),
        None => format!("no image is known that runs what `{reference}` builds"),
    })
}
