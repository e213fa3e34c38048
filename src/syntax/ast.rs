//! The tree: plain data, every node with its range in the source.

use super::error::SyntaxError;
use super::tokens::Token;
use crate::text::{LineIndex, LogicalText, TextRange};

/// A parsed Dockerfile.
#[derive(Clone, Debug)]
pub struct Dockerfile {
    pub(super) source: String,
    pub(super) line_index: LineIndex,
    /// The character that continues lines and escapes others: `\` unless `# escape=` says otherwise.
    pub(super) escape: char,
    pub(super) directives: Vec<Directive>,
    pub(super) instructions: Vec<Instruction>,
    pub(super) comments: Vec<Comment>,
    pub(super) errors: Vec<SyntaxError>,
    pub(super) tokens: Vec<Token>,
}

impl Dockerfile {
    /// The text the tree was made of.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where the lines of the source begin.
    pub fn line_index(&self) -> &LineIndex {
        &self.line_index
    }

    /// The escape character.
    pub fn escape(&self) -> char {
        self.escape
    }

    /// Parser directives, in order: `syntax`, `escape`, `check`.
    pub fn directives(&self) -> &[Directive] {
        &self.directives
    }

    /// The value of the directive of that (lower-case) name.
    pub fn directive(&self, name: &str) -> Option<&Word> {
        self.directives.iter().find(|directive| directive.name == name).map(|directive| &directive.value)
    }

    /// Instructions in order, the ones that could not be read included (as [`Body::Malformed`]).
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// All comment lines in order, those inside continuations included, parser directives not.
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    /// What `BuildKit` would reject.
    pub fn errors(&self) -> &[SyntaxError] {
        &self.errors
    }

    /// Every byte of the source, in order.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The line break that the file uses: `\r\n` where its first line ends so, else `\n`.
    pub fn newline(&self) -> &'static str {
        match self.source.find('\n') {
            Some(at) if self.source[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }
}

/// A comment at the top that steers the parser: `# syntax=docker/dockerfile:1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The whole line without its line break.
    pub range: TextRange,
    /// Lower-case name.
    pub name: String,
    /// The value, trimmed.
    pub value: Word,
}

/// A comment line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// From `#` to the end of the line, without its line break.
    pub range: TextRange,
    /// The text after `#`, trimmed.
    pub text: String,
    /// Whether it stands inside an instruction, between continued lines.
    pub inside: bool,
}

/// A piece of text between blanks, or a value.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Word {
    /// The text with line continuations removed. Quotes, escapes and variables stand as written;
    /// in JSON form the string is decoded.
    pub text: String,
    /// Where it stands, in JSON form with its quotes.
    pub range: TextRange,
}

/// One instruction with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// From the keyword to the last byte of the instruction (heredoc bodies and terminators included), without the
    /// line break that ends it.
    pub range: TextRange,
    /// First and last line, from 1, as `BuildKit` counts them (heredoc bodies included).
    pub lines: (usize, usize),
    /// Which instruction.
    pub keyword: Keyword,
    /// Where its name stands; for a nested instruction of `ONBUILD`, the nested name.
    pub keyword_range: TextRange,
    /// `--name=value` flags, in order.
    pub flags: Vec<Flag>,
    /// The arguments, read as the instruction wants them.
    pub body: Body,
    /// All text after the keyword and the flags, trimmed, continuations and comments removed.
    pub arguments: LogicalText,
    /// Heredocs in the order in which they were opened.
    pub heredocs: Vec<Heredoc>,
    /// The block of comment lines directly above (no blank line between, none of them empty): from the first `#` to the
    /// last byte of the block, without its line break.
    pub attached_comments: Option<TextRange>,
}

impl Instruction {
    /// The first flag of that name, in any case.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name.eq_ignore_ascii_case(name))
    }

    /// The value of the first flag of that name.
    pub fn flag_value(&self, name: &str) -> Option<&str> {
        self.flag(name).and_then(|flag| flag.value.as_ref()).map(|value| value.text.as_str())
    }
}

/// The instructions of a Dockerfile.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the variants are the instructions' own names")]
pub enum Keyword {
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
    /// None that is known.
    Unknown,
}

const NAMES: [(&str, Keyword); 18] = [
    ("ADD", Keyword::Add),
    ("ARG", Keyword::Arg),
    ("CMD", Keyword::Cmd),
    ("COPY", Keyword::Copy),
    ("ENTRYPOINT", Keyword::Entrypoint),
    ("ENV", Keyword::Env),
    ("EXPOSE", Keyword::Expose),
    ("FROM", Keyword::From),
    ("HEALTHCHECK", Keyword::Healthcheck),
    ("LABEL", Keyword::Label),
    ("MAINTAINER", Keyword::Maintainer),
    ("ONBUILD", Keyword::Onbuild),
    ("RUN", Keyword::Run),
    ("SHELL", Keyword::Shell),
    ("STOPSIGNAL", Keyword::Stopsignal),
    ("USER", Keyword::User),
    ("VOLUME", Keyword::Volume),
    ("WORKDIR", Keyword::Workdir),
];

impl Keyword {
    /// The names of the instructions, in capitals.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The instruction of that name, in any case.
    pub fn from_name(name: &str) -> Self {
        NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or(Keyword::Unknown, |(_, keyword)| *keyword)
    }
}

/// `--name` or `--name=value`. Quotes and escapes are resolved in name and value, as `BuildKit` does with flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// From the dashes to the end of the value.
    pub range: TextRange,
    /// The name without dashes.
    pub name: String,
    /// The value after `=`; `None` where there is no `=`.
    pub value: Option<Word>,
}

/// `<<NAME` and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// The name without quotes.
    pub name: String,
    /// Whether variables are expanded in the body: the name has no quotes.
    pub expand: bool,
    /// Whether leading tabs are removed: `<<-`.
    pub chomp: bool,
    /// File descriptor before `<<`; 0 where none stands.
    pub descriptor: u32,
    /// `<<-'NAME'` in the instruction's line.
    pub opener: TextRange,
    /// The body, from after the opener's line to the terminator's line.
    pub body: TextRange,
    /// The terminator's line without its line break; empty at the end of the file where it is missing.
    pub terminator: TextRange,
}

/// The arguments of an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are the instructions' own names")]
pub enum Body {
    From(From),
    Run(Command),
    Cmd(Command),
    Entrypoint(Command),
    Healthcheck(Healthcheck),
    Shell(Vec<Word>),
    Copy(Transfer),
    Add(Transfer),
    Env(Vec<Pair>),
    Label(Vec<Pair>),
    Arg(Vec<ArgDeclaration>),
    Expose(Vec<Word>),
    Volume(Vec<Word>),
    Workdir(Word),
    User(Word),
    Stopsignal(Word),
    Maintainer(Word),
    Onbuild(Box<Instruction>),
    /// What could not be read; a [`SyntaxError`] says why.
    Malformed,
}

/// `FROM image AS alias`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct From {
    /// Image reference or stage name, variables as written.
    pub image: Word,
    /// The stage's name as written.
    pub alias: Option<Word>,
}

/// What `RUN`, `CMD` and `ENTRYPOINT` execute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Text for the stage's shell, without heredoc bodies.
    Shell(LogicalText),
    /// A JSON array: the program and its arguments, no shell.
    Exec(Vec<Word>),
}

/// The two forms of `HEALTHCHECK`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Healthcheck {
    /// `NONE`.
    None,
    /// `CMD …`.
    Cmd(Command),
}

/// The arguments of `COPY` and `ADD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What is copied.
    pub sources: Vec<Source>,
    /// Where it goes.
    pub destination: Word,
    /// Whether the arguments are a JSON array.
    pub json: bool,
}

/// One source of a `COPY` or `ADD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A path, a pattern or a URL.
    Path(Word),
    /// The body of the heredoc of that index in [`Instruction::heredocs`].
    Heredoc(usize),
}

/// `key=value`, or the older `key value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub key: Word,
    /// The value as written, quotes included.
    pub value: Word,
}

/// One declaration of an `ARG`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgDeclaration {
    /// The name.
    pub name: Word,
    /// The default as written, quotes included; `None` where there is no `=`.
    pub default: Option<Word>,
}
