//! The fix of an `ARG` that holds a secret: the `RUN`s that read it mount the secret as that variable.

use crate::diagnostic::{Fix, Safety};
use crate::lint::Subject;
use crate::model::{Base, Shell, StepId};
use crate::syntax::{ArgDeclaration, Body, Command, Instruction};
use crate::text::{Change, TextEdit, TextRange};

/// The first minor version of the Dockerfile syntax 1 in which a secret can be mounted as a variable
/// (<https://docs.docker.com/reference/dockerfile/#run---mounttypesecret>).
const FIRST_MINOR: u32 = 10;

/// Replaces the argument, where nothing but `RUN`s of its stage read it.
pub(super) fn secret_mount(subject: &Subject<'_>, id: StepId, declared: &ArgDeclaration) -> Option<Fix> {
    let name = declared.name.text.as_str();
    let instruction = subject.build.instruction(id);
    let Body::Arg(declarations) = &instruction.body else { return None };
    let alone = declarations.len() == 1 && declared.default.is_none() && instruction.attached_comments.is_none();
    let inherited = subject.build.stages.iter().any(|stage| stage.base == Base::Stage(id.stage));
    let known_before = subject.build.step(id).before.variable(name).is_some();
    if !alone || inherited || known_before || !can_mount_as_variable(subject) {
        return None;
    }
    let readers = readers(subject, id, name)?;
    let mut changes = vec![Change { range: line(subject, instruction), replacement: String::new() }];
    changes.extend(readers.iter().map(|reader| Change {
        range: TextRange::empty(reader.keyword_range.end),
        replacement: format!(" --mount=type=secret,id={name},env={name}"),
    }));
    Some(Fix {
        title: format!("Mount `{name}` as a secret where it is read"),
        safety: Safety::Unsafe,
        argument: format!(
            "the build must be given `--secret id={name}` in the place of `--build-arg {name}`, and steps that do not \
             mention `{name}` no longer have it"
        ),
        edit: TextEdit::new(changes).ok()?,
        files: Vec::new(),
    })
}

/// The `RUN`s that read the variable; `None` where something else does, or nothing.
fn readers<'s>(subject: &Subject<'s>, id: StepId, name: &str) -> Option<Vec<&'s Instruction>> {
    let mut readers = Vec::new();
    for (index, step) in subject.build.stages[id.stage].steps.iter().enumerate().skip(id.step + 1) {
        let reader = subject.build.instruction(StepId { step: index, ..id });
        let text = reader.range.of(subject.file.source());
        if !text.contains(name) {
            continue;
        }
        let shell = matches!(step.before.shell, Shell::Posix { .. });
        let Body::Run(Command::Shell(_)) = &reader.body else { return None };
        if !shell || reader.flags.iter().any(|flag| flag.range.of(subject.file.source()).contains(name)) {
            return None;
        }
        readers.push(reader);
    }
    (!readers.is_empty()).then_some(readers)
}

/// Whether the syntax of the file is new enough; without a `# syntax=` line the builder's own counts.
fn can_mount_as_variable(subject: &Subject<'_>) -> bool {
    let Some(syntax) = subject.file.directive("syntax") else { return true };
    let Some((image, tag)) = syntax.text.split_once(':') else { return false };
    let version = tag.split('-').next().unwrap_or_default();
    let mut parts = version.split('.').map(str::parse::<u32>);
    let recent = match (parts.next(), parts.next()) {
        (Some(Ok(1)), None) => true,
        (Some(Ok(1)), Some(Ok(minor))) => minor >= FIRST_MINOR,
        _ => false,
    };
    image.ends_with("docker/dockerfile") && recent
}

/// An instruction with the line break that ends it.
fn line(subject: &Subject<'_>, instruction: &Instruction) -> TextRange {
    let source = subject.file.source();
    let rest = source.get(instruction.range.end..).unwrap_or_default();
    let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
    TextRange::new(instruction.range.start, instruction.range.end + length)
}
