//! Two `RUN` steps as one: what the second does joins the first by `&&`.

use crate::{
    model::{Build, Shell, StepId},
    shell::{self, Directory, Guard},
    syntax::{Body, Command, Keyword},
    text::{TextEdit, TextRange},
};

/// Commands that change the shell which the rest of a script runs in.
const STATEFUL: [&str; 19] = [
    "cd", "pushd", "popd", "set", "shopt", "export", "unset", "readonly", "declare", "local", "umask", "ulimit",
    "trap", "alias", "exec", "eval", ".", "source", "exit",
];

/// Joins a step with the next. `None` unless both are plain lists of commands in shell form, without flags, heredocs or
/// comments, and no state of the shell can flow from one to the other.
pub fn join(build: &Build<'_>, first: StepId) -> Option<TextEdit> {
    let second = StepId { step: first.step + 1, ..first };
    build.stages.get(second.stage)?.steps.get(second.step)?;
    let file = build.inputs.file;
    let (start, end) = (script(build, first)?, script(build, second)?);
    let between = file.source().get(start.end..end.start)?;
    let (blank, keyword) = between.split_once(|character: char| character.is_ascii_alphabetic())?;
    let breaks = blank.chars().all(char::is_whitespace) && keyword.trim().eq_ignore_ascii_case("UN");
    let (escape, newline) = (file.escape(), file.newline());
    breaks.then(|| TextEdit::replace(TextRange::new(start.end, end.start), format!(" {escape}{newline}    && ")))
}

/// Where the script of a step stands, if it is a plain list of commands.
fn script(build: &Build<'_>, id: StepId) -> Option<TextRange> {
    let instruction = build.instruction(id);
    let Body::Run(Command::Shell(text)) = &instruction.body else { return None };
    let plain = instruction.keyword == Keyword::Run && instruction.flags.is_empty() && instruction.heredocs.is_empty();
    let Shell::Posix { .. } = build.step(id).before.shell else { return None };
    let source = instruction.range.of(build.inputs.file.source());
    if !plain || source.contains(['#', '(', '`', ';']) || text.as_str().trim().is_empty() {
        return None;
    }
    let script = shell::read(text);
    let simple = script.commands.iter().all(|command| {
        command.guard == Guard::default()
            && command.directory == Directory::Start
            && command.program().is_some_and(|program| !STATEFUL.contains(&program))
    });
    let parts = text.as_str().split("&&");
    let assigns = parts.into_iter().any(|part| is_assignment(part.trim()));
    let readable = script.unreadable.is_empty() && !script.commands.is_empty();
    (readable && simple && !assigns)
        .then_some(instruction.arguments.source_range(TextRange::new(0, instruction.arguments.as_str().len())))
}

/// Whether a command of a list sets variables and does nothing else.
fn is_assignment(part: &str) -> bool {
    let mut words = part.split_whitespace();
    words.next().is_none_or(|word| word.contains('=')) && words.all(|word| word.contains('='))
}
