//! An edit of the Dockerfile as a change: which steps have another key than every step of the build before.

use super::{Dirt, KeyText, Profile, Reason};
use crate::model::{Action, Build, StepId, Transfer};
use crate::syntax::{Body, Command, Instruction, Source, expand};

impl Dirt {
    /// The steps of `after` whose own key stands in no step of `before`: they were written anew, or find other variables,
    /// another directory or another shell. Stages are compared by their places.
    pub fn of_edit(before: &Build<'_>, after: &Build<'_>, profile: Profile) -> Self {
        let mut dirt = Self::default();
        for (index, stage) in after.stages.iter().enumerate() {
            let old = before.stages.get(index);
            if old.is_none_or(|old| old.base != stage.base) {
                dirt.add(stage.from, Reason::Edited);
            }
            let known = keys(before, profile, index);
            let mut chain = known.iter().filter(|key| !key.free).peekable();
            for key in keys(after, profile, index) {
                let same = if key.free {
                    known.iter().any(|other| other.free && other.text == key.text)
                } else {
                    chain.next().is_some_and(|other| other.text == key.text)
                };
                if !same {
                    let instruction = stage.steps.get(key.step).map_or(stage.from, |step| step.instruction);
                    dirt.add(instruction, Reason::Edited);
                }
            }
        }
        dirt
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (instruction, reasons) in other.into_steps() {
            for reason in reasons {
                self.add(instruction, reason);
            }
        }
        self
    }
}

/// What a step adds to a cache key, the content of files and the values of build arguments left out.
struct Key {
    /// Index of the step in its stage.
    step: usize,
    text: String,
    /// Whether it does not depend on the steps before.
    free: bool,
}

/// The keys of a stage's steps, those left out that stand in no key.
fn keys(build: &Build<'_>, profile: Profile, stage: usize) -> Vec<Key> {
    let Some(found) = build.stages.get(stage) else { return Vec::new() };
    let ids = (0..found.steps.len()).map(|step| StepId { stage, step });
    ids.filter_map(|id| {
        let free = build.step(id).transfer().is_some_and(|transfer| profile.link && transfer.is_linked());
        Some(Key { step: id.step, text: key_of(build, profile, id)?, free })
    })
    .collect()
}

fn key_of(build: &Build<'_>, profile: Profile, id: StepId) -> Option<String> {
    let step = build.step(id);
    let instruction = build.instruction(id);
    let name = format!("{:?}", instruction.keyword);
    let rest = match &step.action {
        Action::Run(_) => format!("{} {}", run_text(build, instruction), surroundings(build, id, profile)),
        Action::Transfer(_) => transfer_text(build, id, profile),
        Action::Workdir(path) if profile.paths == KeyText::Expanded => path.as_str().to_owned(),
        Action::Workdir(_) | Action::Malformed => instruction.arguments.as_str().to_owned(),
        Action::Argument(names) if profile.metadata_keys() && !profile.argument_default => names.join(" "),
        _ => match profile.metadata? {
            KeyText::Written => instruction.arguments.as_str().to_owned(),
            KeyText::Expanded => words_of(instruction.arguments.as_str(), build, id),
        },
    };
    Some(format!("{name} {rest}"))
}

/// The command of a `RUN`, its flags and its heredocs.
fn run_text(build: &Build<'_>, instruction: &Instruction) -> String {
    let source = build.inputs.file.source();
    let command = match &instruction.body {
        Body::Run(Command::Exec(words)) => format!("{:?}", words.iter().map(|word| &word.text).collect::<Vec<_>>()),
        _ => instruction.arguments.as_str().to_owned(),
    };
    let flags = instruction.flags.iter().map(|flag| flag.range.of(source));
    let bodies = instruction.heredocs.iter().map(|heredoc| heredoc.body.of(source));
    flags.chain([command.as_str()]).chain(bodies).collect::<Vec<_>>().join("\n")
}

/// What a `RUN` finds: variables in the order in which they were last set, directory, user and shell. Where all
/// instructions are in the key, the earlier steps stand for these, save for the values of build arguments.
fn surroundings(build: &Build<'_>, id: StepId, profile: Profile) -> String {
    let state = &build.step(id).before;
    let mut variables: Vec<_> = state.variables().collect();
    variables.sort_by_key(|(name, variable)| (variable.instruction, name.to_owned()));
    // Where it stands in the file does not matter, only the order.
    let variables: Vec<String> =
        variables.iter().map(|(name, variable)| format!("{name}={:?}", variable.partial)).collect();
    if profile.metadata_keys() {
        return variables.join(" ");
    }
    let shell = build.ids_to(id).find(|id| matches!(build.step(*id).action, Action::Shell));
    let shell = shell.map(|id| build.instruction(id).arguments.as_str());
    format!("{} {} {:?} {shell:?}", variables.join(" "), state.directory.as_str(), state.user)
}

/// What a `COPY` or `ADD` names, and what it does with it.
fn transfer_text(build: &Build<'_>, id: StepId, profile: Profile) -> String {
    let instruction = build.instruction(id);
    let source = build.inputs.file.source();
    let (Body::Copy(arguments) | Body::Add(arguments)) = &instruction.body else { return String::new() };
    let value = |text: &str| match profile.paths {
        KeyText::Expanded => words_of(text, build, id),
        KeyText::Written => text.to_owned(),
    };
    let destination = match (profile.paths, build.step(id).transfer().and_then(|found| found.destination.as_ref())) {
        (KeyText::Expanded, Some(path)) => path.as_str().to_owned(),
        _ => arguments.destination.text.clone(),
    };
    let sources = arguments.sources.iter().map(|part| match part {
        Source::Path(word) => value(&word.text),
        Source::Heredoc(index) => {
            instruction.heredocs.get(*index).map(|heredoc| heredoc.body.of(source).to_owned()).unwrap_or_default()
        }
    });
    let flags = instruction.flags.iter().filter(|flag| !flag.name.eq_ignore_ascii_case("from"));
    let flags = flags.map(|flag| value(flag.range.of(source)));
    let from = instruction.flag_value("from").map(|from| match build.step(id).transfer().and_then(Transfer::stage) {
        Some(stage) => stage.to_string(),
        None => value(from),
    });
    sources.chain(flags).chain(from).chain([destination]).collect::<Vec<_>>().join("\n")
}

/// A text with the values of its variables; unknown ones leave nothing.
fn words_of(text: &str, build: &Build<'_>, id: StepId) -> String {
    let state = &build.step(id).before;
    expand(text, build.inputs.file.escape(), &|name| state.partial(name))
        .map_or_else(|_| text.to_owned(), |found| found.text)
}
