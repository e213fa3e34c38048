//! Scripts: what the shell of an instruction receives; and blocks: all lines that go with an instruction.

use super::ast::{Body, Command, Healthcheck, Heredoc, Instruction};
use super::heredocs::Opener;
use super::lines::BYTE_ORDER_MARK;
use crate::text::{LogicalText, TextRange};

impl Instruction {
    /// The text that the stage's shell executes, with its places in `source`, the text of the file.
    ///
    /// That is the command, followed by its heredocs; where the command is nothing but an opener, it is the heredoc's
    /// body. `None` for JSON form, for a body that begins with `#!` (it is executed as a file), and for instructions
    /// that execute nothing. The instruction within an `ONBUILD` has its own script.
    pub fn script(&self, source: &str) -> Option<LogicalText> {
        let (Body::Run(Command::Shell(command))
        | Body::Cmd(Command::Shell(command))
        | Body::Entrypoint(Command::Shell(command))
        | Body::Healthcheck(Healthcheck::Cmd(Command::Shell(command)))) = &self.body
        else {
            return None;
        };
        let Some(first) = self.heredocs.first() else { return Some(command.clone()) };
        if !matches!(Opener::parse(command.as_str()), Ok(Some(_))) {
            return Some(self.with_heredocs(command, source));
        }
        let body = first.body.of(source);
        if body.starts_with("#!") {
            return None;
        }
        let mut script = LogicalText::new();
        push_body(&mut script, first.body, source, first.chomp);
        Some(script)
    }

    /// The command and after it, on lines of their own, the heredocs as `BuildKit` puts them together again.
    fn with_heredocs(&self, command: &LogicalText, source: &str) -> LogicalText {
        let mut script = command.clone();
        // A heredoc at the very end of the file has no line of its own.
        let has_lines =
            |heredoc: &&Heredoc| source.get(..heredoc.body.start).is_some_and(|before| before.ends_with('\n'));
        for heredoc in self.heredocs.iter().filter(has_lines) {
            script.push("\n", heredoc.body.start - 1);
            push_body(&mut script, heredoc.body, source, false);
            let terminator = heredoc.terminator.of(source);
            let name = terminator.trim_start_matches('\t');
            if name == heredoc.name {
                script.push(name, heredoc.terminator.end - name.len());
            } else {
                script.push(terminator, heredoc.terminator.start);
            }
        }
        script
    }

    /// The instruction on one line for people, cut after `longest` characters.
    pub fn one_line(&self, source: &str, longest: usize) -> String {
        let words = self.range.of(source).split_whitespace().filter(|word| *word != "\\");
        let joined = words.collect::<Vec<_>>().join(" ");
        match joined.char_indices().nth(longest) {
            Some((end, _)) => format!("{}…", &joined[..end]),
            None => joined,
        }
    }

    /// The lines that go with the instruction: comments attached to it, the instruction and its line break. This is what
    /// moves when the instruction moves.
    pub fn block(&self, source: &str) -> TextRange {
        let first = self.attached_comments.map_or(self.range.start, |comments| comments.start);
        let before = source.get(..first).unwrap_or_default();
        let start = match before.rfind('\n') {
            Some(at) => at + 1,
            None if before.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len_utf8(),
            None => 0,
        };
        let after = source.get(self.range.end..).unwrap_or_default();
        let end = after.find('\n').map_or(source.len(), |at| self.range.end + at + 1);
        TextRange::new(start, end)
    }
}

/// Appends a heredoc's body, without the tabs that begin its lines where `chomp` says so.
fn push_body(script: &mut LogicalText, body: TextRange, source: &str, chomp: bool) {
    if !chomp {
        return script.push(body.of(source), body.start);
    }
    let mut at = body.start;
    for line in body.of(source).split_inclusive('\n') {
        let kept = line.trim_start_matches('\t');
        script.push(kept, at + line.len() - kept.len());
        at += line.len();
    }
}
