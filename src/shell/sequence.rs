//! The outermost list of a script: the commands that run one after another in the script's own shell.

use brush_parser::ast::{AndOr, Command, CompoundCommand, Pipeline, SeparatorOperator, SourceLocation};

use super::walk::{location_of, parse};
use crate::text::{LogicalText, TextRange};

/// One command of the outermost list of a script; a pipeline and a compound command are one each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Where, in the source, without the operator that follows.
    pub range: TextRange,
    /// What the shell reads there, continuations and comments within them left out.
    pub text: String,
    /// How it follows the one before; [`Join::Next`] for the first.
    pub join: Join,
    /// What it is.
    pub form: Form,
    /// Which item of the list it stands in: `a && b; c` has two.
    pub item: usize,
}

/// How a command follows the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// `&&`: it runs where the one before has succeeded.
    And,
    /// `;` or a line break: it runs unless the one before has ended the script.
    Next,
}

/// What an [`Element`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A program with its words, or assignments.
    Simple,
    /// A pipeline of several commands, or a subshell: each runs in a shell of its own.
    Apart,
    /// Anything else: it may change the shell's state, or treat exit codes in its own way.
    Compound,
}

/// The commands of a script's outermost list, in order; `None` where the script cannot be read, runs something in the
/// background, or has a here document.
pub fn sequence(text: &LogicalText) -> Option<Vec<Element>> {
    let script = text.as_str();
    if script.contains("<<") {
        return None;
    }
    let program = parse(text, TextRange::new(0, script.len()), &mut std::collections::HashMap::new()).ok()?;
    let mut starts: Vec<(usize, Join, Form, usize)> = Vec::new();
    for (item, list) in program.complete_commands.iter().flat_map(|list| &list.0).enumerate() {
        if matches!(list.1, SeparatorOperator::Async) {
            return None;
        }
        starts.push((start_of(&list.0.first)?, Join::Next, form_of(&list.0.first), item));
        if list.0.additional.iter().any(|next| matches!(next, AndOr::Or(_))) {
            // `a && b || c`: what follows `||` concerns the whole item.
            starts.last_mut()?.2 = Form::Compound;
            continue;
        }
        for next in &list.0.additional {
            let AndOr::And(pipeline) = next else { continue };
            starts.push((start_of(pipeline)?, Join::And, form_of(pipeline), item));
        }
    }
    elements(text, &starts)
}

/// Cuts the script at the starts of its commands.
fn elements(text: &LogicalText, starts: &[(usize, Join, Form, usize)]) -> Option<Vec<Element>> {
    let script = text.as_str();
    let first = starts.first()?.0;
    if !script.get(..first)?.trim().is_empty() {
        return None;
    }
    let mut found = Vec::new();
    for (index, (start, join, form, item)) in starts.iter().enumerate() {
        let piece = match starts.get(index + 1) {
            None => {
                let rest = script.get(*start..)?.trim_end();
                without_separator(rest)
            }
            Some((end, Join::And, ..)) => script.get(*start..*end)?.trim_end().strip_suffix("&&")?,
            Some((end, Join::Next, ..)) => {
                let rest = script.get(*start..*end)?;
                let trimmed = rest.trim_end();
                // Between two items stands `;` or a line break.
                let separated = trimmed.ends_with(';') || rest[trimmed.len()..].contains('\n');
                separated.then(|| without_separator(trimmed))?
            }
        };
        let piece = without_comments(piece.trim_end());
        let range = TextRange::new(*start, start + piece.len());
        // An escaped blank would have been cut off.
        if piece.ends_with('\\') || !is_one_command(piece) && *form != Form::Compound {
            return None;
        }
        found.push(Element {
            range: text.source_range(range),
            text: piece.to_owned(),
            join: *join,
            form: *form,
            item: *item,
        });
    }
    Some(found)
}

/// Comments on lines of their own belong to what follows.
fn without_comments(piece: &str) -> &str {
    match piece.rsplit_once('\n') {
        Some((before, last)) if last.trim_start().starts_with('#') => without_comments(before.trim_end()),
        _ => piece,
    }
}

fn without_separator(piece: &str) -> &str {
    match piece.strip_suffix(';') {
        Some(rest) if !rest.ends_with('\\') => rest,
        _ => piece,
    }
}

/// Whether a piece reads on its own as one pipeline, so that nothing of its neighbours is in it.
fn is_one_command(piece: &str) -> bool {
    let alone = LogicalText::contiguous(piece, 0);
    let parsed = parse(&alone, TextRange::new(0, piece.len()), &mut std::collections::HashMap::new());
    let Ok(program) = parsed else { return false };
    let mut items = program.complete_commands.iter().flat_map(|list| &list.0);
    matches!((items.next(), items.next()), (Some(only), None)
        if only.0.additional.is_empty() && matches!(only.1, SeparatorOperator::Sequence))
}

fn start_of(pipeline: &Pipeline) -> Option<usize> {
    location_of(pipeline.location().as_ref()).map(|range| range.start)
}

fn form_of(pipeline: &Pipeline) -> Form {
    if pipeline.bang || pipeline.timed.is_some() {
        return Form::Compound;
    }
    match pipeline.seq.as_slice() {
        [Command::Simple(_)] => Form::Simple,
        [Command::Compound(CompoundCommand::Subshell(_), _)] | [_, _, ..] => Form::Apart,
        _ => Form::Compound,
    }
}
