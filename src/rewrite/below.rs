//! Whether a declaration may move below a later step of its stage: a variable, a label or another piece of the image's
//! configuration.

use crate::{
    model::{Action, Build, StepId},
    syntax::{Body, Instruction, Keyword, Pair, variables},
};

/// Whether the step at `moved`, which declares something, leaves the same configuration below the step at `other`: neither
/// changes what the other one mentions, and they do not set the same. What `other` executes is not looked at.
pub(super) fn may_stand_below(build: &Build<'_>, moved: StepId, other: StepId) -> bool {
    let (own, below) = (declared(build, moved), declared(build, other));
    let meet = |names: &[String], others: &[String]| names.iter().any(|name| others.contains(name));
    !matches!(build.step(other).action, Action::Malformed)
        && !meet(own, below)
        && !meet(&mentioned(build, moved), below)
        && !meet(own, &mentioned(build, other))
        && !sets_the_same(build.instruction(moved), build.instruction(other))
}

/// The variables that a step declares.
pub(super) fn declared<'b>(build: &'b Build<'_>, id: StepId) -> &'b [String] {
    match &build.step(id).action {
        Action::Environment(names) | Action::Argument(names) => names,
        _ => &[],
    }
}

/// The variables that stand in a step and that a builder or the step's shell puts in: what containers execute later is kept
/// as it is written (<https://docs.docker.com/reference/dockerfile/#environment-replacement>).
pub(super) fn mentioned(build: &Build<'_>, id: StepId) -> Vec<String> {
    let instruction = build.instruction(id);
    match instruction.keyword {
        Keyword::Cmd
        | Keyword::Entrypoint
        | Keyword::Healthcheck
        | Keyword::Shell
        | Keyword::Maintainer
        | Keyword::Onbuild => Vec::new(),
        _ => variables(instruction.range.of(build.inputs.file.source()), build.inputs.file.escape()),
    }
}

/// The pairs of a `LABEL`.
pub(super) fn labels(instruction: &Instruction) -> &[Pair] {
    match &instruction.body {
        Body::Label(pairs) => pairs,
        _ => &[],
    }
}

/// Whether the later of two instructions takes back something of the earlier one.
fn sets_the_same(one: &Instruction, other: &Instruction) -> bool {
    match one.keyword {
        _ if one.keyword != other.keyword => false,
        Keyword::Label => share_label(labels(one), labels(other)),
        // Ports add up; variables are compared by name.
        Keyword::Expose | Keyword::Env | Keyword::Arg => false,
        _ => true,
    }
}

/// Whether two `LABEL`s set the same name, or may because a name is not written plainly.
fn share_label(own: &[Pair], others: &[Pair]) -> bool {
    let name = |pair: &Pair| pair.key.text.trim_matches(['"', '\'']).to_owned();
    let names: Vec<String> = own.iter().map(name).collect();
    let is_open = |name: &str| name.contains(['$', '"', '\'', '\\', '`']);
    names.iter().any(|name| is_open(name))
        || others.iter().map(name).any(|other| is_open(&other) || names.contains(&other))
}
