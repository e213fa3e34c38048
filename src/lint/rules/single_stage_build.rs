//! `single-stage-build`: the image that ships is the one that builds.

use crate::ecosystem::Effect;
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Base, KnownCommand, Stage};
use crate::shell;
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
    /// `ENTRYPOINT`, they run a build or a command of the build's tools that is not known to do without, or the step
    /// cleans up behind itself.
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

/// Whether the image has something to run, and none of it is a build.
fn runs_what_was_built(subject: &Subject<'_>, stage: &Stage, built: &KnownCommand) -> bool {
    let bodies = subject.file.instructions().get(stage.from..).unwrap_or_default().iter();
    let texts: Vec<LogicalText> = bodies
        .filter_map(|instruction| match &instruction.body {
            Body::Cmd(command) | Body::Entrypoint(command) => Some(script_of(command)),
            _ => None,
        })
        .collect();
    let depends_on_project = built.known.spec().build_only.as_ref().is_some_and(|only| !only.when.is_empty());
    !texts.is_empty() && !texts.iter().any(|text| may_build(subject, text, depends_on_project))
}

/// Whether a script that the container runs may build. One whose text is not known may, where a build in a running
/// container is usual.
fn may_build(subject: &Subject<'_>, text: &LogicalText, is_usual: bool) -> bool {
    let script = shell::read(text);
    let catalog = subject.build.inputs.catalog;
    script.commands.iter().any(|command| {
        let recognition = catalog.recognize(command, &|_| None);
        let builds = recognition.candidates.iter().any(|found| {
            !found.spec().starts && matches!(found.effect(), Effect::Build | Effect::Install | Effect::Generate)
        });
        let file = command.words.iter().any(|word| word.raw.rsplit('.').next() == Some("sh"));
        builds || (is_usual && file)
    })
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
