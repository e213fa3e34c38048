//! Bodies: the arguments of each instruction, read as the instruction wants them.

mod healthcheck;
mod pairs;
mod stage;
mod transfer;

use super::ast::{Body, Command, Healthcheck, Heredoc, Keyword, Word};
use super::error::SyntaxError;
use super::json::Form;
use super::words;
use crate::text::{LogicalText, TextRange};

/// What a body is read from.
pub(super) struct Arguments<'a> {
    pub(super) keyword: Keyword,
    pub(super) text: &'a LogicalText,
    /// Of the arguments, in `HEALTHCHECK` of what follows its type.
    pub(super) form: Form,
    pub(super) heredocs: &'a [Heredoc],
    pub(super) escape: char,
}

impl Arguments<'_> {
    fn range(&self) -> TextRange {
        self.text.source_range(TextRange::new(0, self.text.as_str().len()))
    }
}

/// Whether the arguments may be a JSON array.
pub(super) fn may_be_json(keyword: Keyword) -> bool {
    use Keyword::{Add, Cmd, Copy, Entrypoint, Healthcheck, Run, Shell, Volume};
    matches!(keyword, Add | Cmd | Copy | Entrypoint | Healthcheck | Run | Shell | Volume)
}

/// The form of the arguments, in `HEALTHCHECK` of what follows its type.
pub(super) fn form(arguments: &LogicalText, keyword: Keyword) -> Form {
    if keyword == Keyword::Healthcheck {
        return Form::read(&arguments.slice(healthcheck::command(arguments)));
    }
    Form::read(arguments)
}

/// Whether the instruction may open heredocs.
pub(super) fn may_hold_heredocs(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::Add | Keyword::Copy | Keyword::Run)
}

/// Whether `BuildKit` looks at no flag of such an instruction.
pub(super) fn ignores_flags(body: &Body) -> bool {
    matches!(body, Body::Healthcheck(Healthcheck::None))
}

/// Reads the arguments; what is wrong with them goes to `errors`.
pub(super) fn read(arguments: Arguments<'_>, keyword: TextRange, errors: &mut Vec<SyntaxError>) -> Body {
    if matches!(arguments.form, Form::OtherArray) {
        let message = "a JSON array may hold strings only";
        errors.push(SyntaxError::text(arguments.range(), message));
        return Body::Malformed;
    }
    let body = match arguments.keyword {
        Keyword::From => stage::from(&arguments, errors),
        Keyword::Copy => transfer::read(&arguments).map(Body::Copy),
        Keyword::Add => transfer::read(&arguments).map(Body::Add),
        Keyword::Env => pairs::read(&arguments, errors).map(Body::Env),
        Keyword::Label => pairs::read(&arguments, errors).map(Body::Label),
        Keyword::Arg => pairs::declarations(&arguments).map(Body::Arg),
        Keyword::Healthcheck => healthcheck::read(arguments).map(Body::Healthcheck),
        Keyword::Shell => shell(arguments),
        Keyword::Volume => volume(arguments),
        Keyword::Run => Ok(Body::Run(command(arguments))),
        Keyword::Cmd => Ok(Body::Cmd(command(arguments))),
        Keyword::Entrypoint => Ok(Body::Entrypoint(command(arguments))),
        Keyword::Expose => some(words::between_blanks(arguments.text)).map(Body::Expose),
        Keyword::Workdir => one(&arguments).map(Body::Workdir),
        Keyword::User => one(&arguments).map(Body::User),
        Keyword::Stopsignal => one(&arguments).map(Body::Stopsignal),
        Keyword::Maintainer => one(&arguments).map(Body::Maintainer),
        Keyword::Onbuild | Keyword::Unknown => Ok(Body::Malformed),
    };
    body.unwrap_or_else(|fault| {
        errors.push(fault.at(keyword));
        Body::Malformed
    })
}

/// Why arguments cannot be read.
enum Fault {
    /// None stand there.
    Missing,
    /// Anything else.
    Error(SyntaxError),
}

impl Fault {
    fn at(self, keyword: TextRange) -> SyntaxError {
        match self {
            Self::Missing => SyntaxError::instruction(keyword, "the instruction has no arguments"),
            Self::Error(error) => error,
        }
    }
}

impl std::convert::From<SyntaxError> for Fault {
    fn from(error: SyntaxError) -> Self {
        Self::Error(error)
    }
}

fn some(words: Vec<Word>) -> Result<Vec<Word>, Fault> {
    if words.is_empty() { Err(Fault::Missing) } else { Ok(words) }
}

fn one(arguments: &Arguments<'_>) -> Result<Word, Fault> {
    words::whole(arguments.text).ok_or(Fault::Missing)
}

/// A command may be empty.
fn command(arguments: Arguments<'_>) -> Command {
    match arguments.form {
        Form::Strings(words) => Command::Exec(words),
        _ => Command::Shell(arguments.text.clone()),
    }
}

fn shell(arguments: Arguments<'_>) -> Result<Body, Fault> {
    let range = arguments.range();
    match arguments.form {
        Form::Strings(words) => some(words).map(Body::Shell),
        _ if arguments.text.as_str().is_empty() => Err(Fault::Missing),
        _ => Err(SyntaxError::instruction(range, "the arguments of `SHELL` must be a JSON array")
            .with_help("write `SHELL [\"/bin/bash\", \"-c\"]`")
            .into()),
    }
}

fn volume(arguments: Arguments<'_>) -> Result<Body, Fault> {
    let paths = match arguments.form {
        Form::Strings(words) => words,
        _ => words::between_blanks(arguments.text),
    };
    if let Some(empty) = paths.iter().find(|path| path.text.trim().is_empty()) {
        return Err(SyntaxError::instruction(empty.range, "the path of a volume cannot be empty").into());
    }
    some(paths).map(Body::Volume)
}
