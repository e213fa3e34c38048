//! Instructions: a command line read as name, flags, arguments and heredoc openers.

use super::ast::{Body, Flag, Heredoc, Instruction, Keyword};
use super::body::{self, Arguments};
use super::error::SyntaxError;
use super::head::Head;
use super::heredocs::{self, Opener};
use super::json::Form;
use super::mount::Mount;
use crate::text::{LogicalText, TextRange};

/// All names, for suggestions.
const NAMES: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Reads the instruction of a command line. Its range, lines and heredoc bodies are still to be filled in.
pub(super) fn read(line: &LogicalText, escape: char, errors: &mut Vec<SyntaxError>) -> Instruction {
    let head = Head::read(line, escape);
    let name = head.keyword.of(line.as_str());
    let keyword = Keyword::from_name(name);
    let mut instruction = Instruction {
        range: TextRange::default(),
        lines: (0, 0),
        keyword,
        keyword_range: line.source_range(head.keyword),
        arguments: line.slice(head.arguments),
        flags: head.flags,
        body: Body::Malformed,
        heredocs: Vec::new(),
        attached_comments: None,
    };
    if keyword == Keyword::Unknown {
        errors.push(unknown(&instruction, name));
    } else if keyword == Keyword::Onbuild {
        onbuild(&mut instruction, escape, errors);
    } else {
        fill(&mut instruction, line, escape, errors);
    }
    instruction
}

fn unknown(instruction: &Instruction, name: &str) -> SyntaxError {
    let shown: String = name.chars().take(40).collect();
    SyntaxError::instruction(instruction.keyword_range, format!("unknown instruction `{shown}`"))
        .suggesting(name, &NAMES)
}

fn fill(instruction: &mut Instruction, line: &LogicalText, escape: char, errors: &mut Vec<SyntaxError>) {
    let form = if body::may_be_json(instruction.keyword) {
        body::form(&instruction.arguments, instruction.keyword)
    } else {
        Form::Text
    };
    let heredocs = if body::may_hold_heredocs(instruction.keyword) && !form.is_json() {
        openers(line, instruction, errors)
    } else {
        Vec::new()
    };
    let arguments =
        Arguments { keyword: instruction.keyword, text: &instruction.arguments, form, heredocs: &heredocs, escape };
    instruction.body = body::read(arguments, instruction.keyword_range, errors);
    if !body::ignores_flags(&instruction.body) {
        super::flags::check(instruction.keyword, &instruction.flags, errors);
    }
    if instruction.keyword == Keyword::Run {
        errors.extend(mount_errors(&instruction.flags));
    }
    instruction.heredocs = heredocs;
}

fn mount_errors(flags: &[Flag]) -> impl Iterator<Item = SyntaxError> {
    let mounts = flags.iter().filter(|flag| flag.name == "mount").filter_map(|flag| flag.value.as_ref());
    mounts.filter_map(|options| Mount::parse(options).err())
}

/// The heredocs that a line opens, with their bodies still to be read.
fn openers(line: &LogicalText, instruction: &Instruction, errors: &mut Vec<SyntaxError>) -> Vec<Heredoc> {
    let opened = |(opener, range): (Opener, TextRange)| heredocs::opened(opener, range, line);
    match heredocs::openers(line.as_str()) {
        Ok(found) => found.into_iter().map(opened).collect(),
        Err(message) => {
            errors.push(SyntaxError::text(instruction.keyword_range, format!("a heredoc's name: {message}")));
            Vec::new()
        }
    }
}

/// Reads the instruction within an `ONBUILD`. One level only: `BuildKit` forbids more.
fn onbuild(instruction: &mut Instruction, escape: char, errors: &mut Vec<SyntaxError>) {
    super::flags::check(instruction.keyword, &instruction.flags, errors);
    if instruction.arguments.as_str().is_empty() {
        let message = "`ONBUILD` has no instruction";
        errors.push(SyntaxError::instruction(instruction.keyword_range, message));
        return;
    }
    let head = Head::read(&instruction.arguments, escape);
    let nested = Keyword::from_name(head.keyword.of(instruction.arguments.as_str()));
    if matches!(nested, Keyword::Onbuild | Keyword::From | Keyword::Maintainer) {
        let range = instruction.arguments.source_range(head.keyword);
        let name = head.keyword.of(instruction.arguments.as_str()).to_uppercase();
        errors.push(SyntaxError::instruction(range, format!("`{name}` is not allowed within `ONBUILD`")));
        return;
    }
    let nested = read(&instruction.arguments, escape, errors);
    instruction.heredocs.clone_from(&nested.heredocs);
    instruction.body = Body::Onbuild(Box::new(nested));
}
