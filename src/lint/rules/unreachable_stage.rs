//! `unreachable-stage`: a stage that no build uses.

use crate::diagnostic::Label;
use crate::lint::meta::declare_rule;
use crate::lint::{Meta, Reporter, Rule, Subject};
use crate::model::{Build, Stage, Supply};

/// Names that are nearer to each other are taken for a slip of the pen.
const SIMILAR: f64 = 0.9;

declare_rule! {
    /// ## What it does
    /// Finds stages that no later stage starts from, copies from or mounts, and that nobody can ask for: stages without a
    /// name, and stages whose name a later stage takes away. A stage with a name is reported only where a `--from` all but
    /// spells that name.
    ///
    /// ## Why is this bad?
    /// `BuildKit` leaves such a stage out, so that what stands there never reaches an image; a builder that runs every stage
    /// loses the time. Often a `COPY --from` is missing, or names another image by a slip.
    ///
    /// ## Example
    /// ```dockerfile
    /// FROM golang:1.23
    /// RUN go install example.com/tool@v1.0.0
    ///
    /// FROM debian:12
    /// CMD ["/usr/local/bin/tool"]
    /// ```
    ///
    /// Use instead:
    /// ```dockerfile
    /// FROM golang:1.23
    /// RUN go install example.com/tool@v1.0.0
    ///
    /// FROM debian:12
    /// COPY --from=0 /go/bin/tool /usr/local/bin/tool
    /// CMD ["/usr/local/bin/tool"]
    /// ```
    ///
    /// ## Known problems
    /// A stage with a name may be built with `--target`, by hand, in CI or by a compose file, so it is left alone. One
    /// without a name that is built by its number, as in `--target=0`, needs a name to say so.
    ///
    /// ## References
    /// - [Docker: multi-stage builds](https://docs.docker.com/build/building/multi-stage/)
    UnreachableStage {
        name: "unreachable-stage",
        aliases: [],
        since: "0.2.0",
        severity: Warning,
        fix: None,
    }
}

impl Rule for UnreachableStage {
    fn meta(&self) -> &'static Meta {
        Self::META
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Reporter) {
        let build = subject.build;
        let Some(last) = build.target(None).filter(|_| !names_unknown_stages(build)) else { return };
        let used = used(build);
        for (index, stage) in build.stages.iter().enumerate().filter(|(index, _)| *index != last) {
            if used[index] {
                continue;
            }
            let Some(from) = subject.file.instructions().get(stage.from) else { continue };
            let Some(Problem { message, label, help }) = problem(subject, index, stage) else { continue };
            let diagnostic = report.add(Self::META, from.range, message);
            diagnostic.related.extend(label);
            diagnostic.help = Some(help.to_owned());
        }
    }
}

/// Stages that another one starts from, copies from or mounts, whether or not that one is used itself.
fn used(build: &Build<'_>) -> Vec<bool> {
    let mut used = vec![false; build.stages.len()];
    for source in build.stages.iter().flat_map(Stage::sources) {
        if let Some(used) = used.get_mut(source) {
            *used = true;
        }
    }
    used
}

/// What is wrong with a stage.
struct Problem {
    message: String,
    label: Option<Label>,
    help: &'static str,
}

fn problem(subject: &Subject<'_>, index: usize, stage: &Stage) -> Option<Problem> {
    let build = subject.build;
    let Some(name) = &stage.name else {
        return Some(Problem {
            message: "no other stage uses this one, and it has no name to build it by".to_owned(),
            label: None,
            help: "copy from it, remove it, or give it a name for `--target`",
        });
    };
    let later = build.stages.iter().skip(index + 1).find(|later| later.name.as_ref() == Some(name));
    if let Some(later) = later {
        let range = subject.file.instructions().get(later.from)?.range;
        let label = Label { range, message: format!("this stage is called `{name}` too") };
        return Some(Problem {
            message: format!("no other stage uses this one, and a later one takes its name `{name}`"),
            label: Some(label),
            help: "give each stage a name of its own",
        });
    }
    let (id, slip) = build.steps().filter(|(id, _)| id.stage > index).find_map(|(id, step)| {
        let Supply::Image(image) = &step.transfer()?.supply else { return None };
        // Images have a registry, a path, a tag or a digest more often than not.
        let is_plain = !image.contains(['/', ':', '@', '.']);
        let is_near = strsim::jaro_winkler(&image.to_lowercase(), name) >= SIMILAR;
        (is_plain && is_near).then(|| (id, image.clone()))
    })?;
    let label = Label { range: build.instruction(id).range, message: format!("`{slip}` is an image, no stage") };
    Some(Problem {
        message: format!("no other stage uses `{name}`, though `--from={slip}` may mean it"),
        label: Some(label),
        help: "spell both names the same",
    })
}

/// Whether a variable that only the build knows may name any stage.
fn names_unknown_stages(build: &Build<'_>) -> bool {
    build.steps().any(|(_, step)| {
        let copies = step.transfer().is_some_and(|transfer| transfer.supply == Supply::Unknown);
        let mounts = step.run().is_some_and(|run| {
            run.mounts.iter().any(|mount| mount.mount.from.as_deref().is_some_and(|from| from.contains('$')))
        });
        copies || mounts
    })
}
