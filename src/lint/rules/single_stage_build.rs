//! `single-stage-build`: the image that ships is the one that builds.

use crate::ecosystem::Effect;
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Base, KnownCommand, Stage};
use crate::shell::{self, SimpleCommand};
use crate::syntax::{Body, Command};
use crate::text::LogicalText;

declare_rule! {
    /// ## What it does
    /// Finds files of one stage in which a command builds something that runs without what it was built with: without the
    /// compiler, the sources, or the development dependencies.
    ///
    /// ## Why is this bad?
    /// Whatever the build needs ships with the image: it takes longer to push and to pull, and has more that can be
    /// attacked. A second stage that copies only what was built leaves the rest behind, and the steps of the two stages
    /// are cached apart.
    ///
    /// ## Example
    /// ```dockerfile
    /// FROM golang:1.23
    /// WORKDIR /src
    /// COPY . .
    /// RUN go build -o /app ./cmd/app
    /// CMD ["/app"]
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM golang:1.23 AS build
    /// WORKDIR /src
    /// COPY . .
    /// RUN CGO_ENABLED=0 go build -o /app ./cmd/app
    ///
    /// FROM gcr.io/distroless/static-debian12
    /// COPY --from=build /app /app
    /// CMD ["/app"]
    /// ```
    ///
    /// ## Known problems
    /// Nothing is reported where it is not plain that the image only runs what was built: there is no `CMD` and no
    /// `ENTRYPOINT`, they run a build, a shell, something for development, or a program that may build; or the step cleans
    /// up behind itself.
    ///
    /// ## References
    /// - [Docker: multi-stage builds](https://docs.docker.com/build/building/multi-stage/)
    SingleStageBuild {
        name: "single-stage-build",
        aliases: [],
        since: "0.1.0",
        severity: Info,
        fix: None,
    }
}

impl Rule for SingleStageBuild {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let [stage] = subject.build.stages.as_slice() else { return };
        let whole_image = matches!(stage.base, Base::Image(_) | Base::Unknown(_));
        if !whole_image || takes_from_elsewhere(stage) {
            return;
        }
        let Some((command, what)) = last_build(subject, stage) else { return };
        if !runs_what_was_built(subject, stage, command) {
            return;
        }
        let title = &command.known.title;
        let message = format!("the image ships what only `{title}` needs: {what}");
        let diagnostic = report.add(Self::META, command.command.range, message);
        diagnostic.help = Some(format!(
            "build in a stage of its own, and `COPY --from` it what `{title}` makes into one that only runs"
        ));
    }
}

/// Whether files of another image are copied: then this file is the last part of a build that spans several.
fn takes_from_elsewhere(stage: &Stage) -> bool {
    let mut transfers = stage.steps.iter().filter_map(|step| step.transfer());
    transfers.any(|transfer| matches!(transfer.supply, crate::model::Supply::Image(_)))
}

/// The last command of the stage whose tools are not needed afterwards, and what these are.
fn last_build<'s>(subject: &Subject<'_>, stage: &'s Stage) -> Option<(&'s KnownCommand, String)> {
    stage.steps.iter().rev().find_map(|step| {
        let run = step.run()?;
        let (command, what) = run.commands.iter().rev().find_map(|command| Some((command, build_only(command)?)))?;
        let instruction = subject.file.instructions().get(step.instruction)?;
        let rest = subject.file.source().get(command.command.range.end..instruction.range.end)?;
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
fn runs_what_was_built(subject: &Subject<'_>, stage: &Stage, built: &KnownCommand) -> bool {
    let bodies = subject.file.instructions().get(stage.from..).unwrap_or_default().iter();
    let texts: Vec<LogicalText> = bodies
        .filter_map(|instruction| match &instruction.body {
            Body::Cmd(command) | Body::Entrypoint(command) => Some(script_of(command)),
            _ => None,
        })
        .collect();
    let interpreted = built.known.spec().build_only.as_ref().is_some_and(|only| !only.when.is_empty());
    let commands: Vec<SimpleCommand> = texts.iter().flat_map(|text| shell::read(text).commands).collect();
    let by_path = || commands.iter().filter_map(|command| command.words.first()).any(|word| word.raw.contains('/'));
    let ends_well = !commands.is_empty() && !commands.iter().any(|command| may_build(subject, command, interpreted));
    // What was compiled is run by its path; a bare name may be a tool that compiles again.
    ends_well && (interpreted || by_path())
}

/// Whether a command that the container runs may build, or is there for someone who does.
fn may_build(subject: &Subject<'_>, command: &SimpleCommand, interpreted: bool) -> bool {
    let recognition = subject.build.inputs.catalog.recognize(command, &|_| None);
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
