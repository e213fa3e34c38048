//! The text of two `RUN`s made of one.

use crate::{
    model::{Build, StagePath, StepId},
    shell::{Element, Join},
    syntax::Instruction,
    text::{TextEdit, TextRange},
};

/// The setup that the second part needs: a `cd` is not needed where a later one names a directory from the root, nor where
/// they lead to the directory that the step starts in.
pub(super) fn kept_setup(elements: &[Element], start: &StagePath) -> Vec<usize> {
    let target = |index: usize| elements[index].text.strip_prefix("cd ").map(str::trim);
    let moves: Vec<usize> = (0..elements.len()).filter(|index| target(*index).is_some()).collect();
    let from_root = |index: &usize| target(*index).is_some_and(|path| path.starts_with('/'));
    let first = moves.iter().rposition(from_root).unwrap_or(0);
    let end = moves[first..].iter().filter_map(|index| target(*index)).fold(start.clone(), |at, path| at.join(path));
    let is_known = moves.iter().filter_map(|index| target(*index)).all(|path| !path.contains(['$', '~', '`', '\\']));
    let needed = match is_known {
        true if end == *start => &[][..],
        true => &moves[first..],
        false => &moves[..],
    };
    (0..elements.len()).filter(|index| !moves.contains(index) || needed.contains(index)).collect()
}

/// The edit that cuts a `RUN` in front of the element at `cut`, where the second part begins with these elements again;
/// `None` where its parts cannot be told apart in the source.
pub(super) fn edit(
    build: &Build<'_>,
    id: StepId,
    elements: &[Element],
    setup: &[usize],
    cut: usize,
) -> Option<TextEdit> {
    let file = build.inputs.file;
    let halves =
        Halves { source: file.source(), newline: file.newline(), instruction: build.instruction(id), elements };
    match halves.instruction.heredocs.as_slice() {
        [] => halves.in_lines(setup, cut),
        [heredoc] => {
            let inside = elements.iter().all(|element| heredoc.body.contains_range(element.range));
            let closed = !heredoc.terminator.is_empty();
            (inside && closed).then(|| halves.in_heredoc(heredoc.body, heredoc.terminator, setup, cut)).flatten()
        }
        _ => None,
    }
}

struct Halves<'a> {
    source: &'a str,
    newline: &'a str,
    instruction: &'a Instruction,
    elements: &'a [Element],
}

impl Halves<'_> {
    fn between(&self, start: usize, end: usize) -> Option<&str> {
        self.source.get(start..end)
    }

    /// `RUN a && b` as two instructions; comments between the parts stand in front of the second.
    fn in_lines(&self, setup: &[usize], cut: usize) -> Option<TextEdit> {
        let whole = self.instruction.range;
        let head = self.between(whole.start, self.elements.first()?.range.start)?;
        let (last, next) = (self.elements.get(cut - 1)?, self.elements.get(cut)?);
        let gap = self.between(last.range.end, next.range.start)?;
        if has_comment(head) || self.between(last.range.end, whole.end)?.is_empty() {
            return None;
        }
        let comments: Vec<&str> = gap.lines().map(str::trim).filter(|line| line.starts_with('#')).collect();
        let mut text = self.newline.to_owned();
        for comment in comments {
            text = text + comment + self.newline;
        }
        text = text + head + &self.setup(setup, " ")?;
        Some(TextEdit::replace(TextRange::new(last.range.end, next.range.start), text))
    }

    /// `RUN <<EOF` with a line for each command as two such instructions.
    fn in_heredoc(&self, body: TextRange, terminator: TextRange, setup: &[usize], cut: usize) -> Option<TextEdit> {
        let (last, next) = (self.elements.get(cut - 1)?, self.elements.get(cut)?);
        let head = self.between(self.instruction.range.start, body.start)?;
        let gap = self.between(last.range.end, next.range.start)?;
        let separator = gap.trim_start_matches([' ', '\t', ';', '&', '\\']);
        // Each part has its own lines: what stands on a line with the cut would change its form.
        if !separator.starts_with(['\n', '\r']) {
            return None;
        }
        let close = terminator.of(self.source);
        let rest = separator.trim_start_matches(['\n', '\r']);
        if rest.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#')) {
            return None;
        }
        let nl = self.newline;
        let text = format!("{nl}{close}{nl}{head}{}{rest}", self.setup(setup, nl)?);
        Some(TextEdit::replace(TextRange::new(last.range.end, next.range.start), text))
    }

    /// The setup again, with the operators that stand after its parts.
    fn setup(&self, setup: &[usize], line_end: &str) -> Option<String> {
        let mut text = String::new();
        for index in setup.iter().copied() {
            let written = self.elements[index].range.of(self.source);
            if written.contains('\n') {
                return None;
            }
            let operator = match self.elements.get(index + 1)?.join {
                Join::And => " && ",
                Join::Next if line_end == " " => "; ",
                Join::Next => line_end,
            };
            text = text + written + operator;
        }
        Some(text)
    }
}

fn has_comment(text: &str) -> bool {
    text.lines().skip(1).any(|line| line.trim_start().starts_with('#'))
}
