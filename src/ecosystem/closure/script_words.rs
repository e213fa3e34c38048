//! A one-line script of a manifest as simple commands.
//!
//! Only what needs no shell knowledge is read: words, quotes, and the operators `&&`, `||` and `;`. Everything else
//! makes the script unreadable, which the caller reports.

use crate::shell::{Part, ShellWord};
use crate::text::TextRange;

/// The commands of a script, each as its words; `None` where it needs a shell to be understood.
pub(super) fn commands(script: &str) -> Option<Vec<Vec<ShellWord>>> {
    let mut reader = Reader::default();
    let mut rest = script.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            ' ' | '\t' | '\n' | '\r' => reader.end_word(),
            '\'' => {
                reader.open = true;
                loop {
                    match rest.next()? {
                        '\'' => break,
                        other => reader.literal.push(other),
                    }
                }
            }
            '"' => {
                reader.open = true;
                loop {
                    match rest.next()? {
                        '"' => break,
                        '\\' => reader.literal.push(rest.next()?),
                        '$' | '`' => return None,
                        other => reader.literal.push(other),
                    }
                }
            }
            ';' => reader.end_command()?,
            '&' | '|' if rest.peek() == Some(&next) => {
                rest.next();
                reader.end_command()?;
            }
            '*' | '?' | '[' => reader.pattern(next),
            '&' | '|' | '<' | '>' | '(' | ')' | '$' | '`' | '\\' | '#' | '~' | '{' | '}' | '!' => return None,
            other => {
                reader.open = true;
                reader.literal.push(other);
            }
        }
    }
    if !reader.words.is_empty() || reader.open {
        reader.end_command()?;
    }
    Some(reader.commands)
}

#[derive(Default)]
struct Reader {
    commands: Vec<Vec<ShellWord>>,
    words: Vec<ShellWord>,
    parts: Vec<Part>,
    literal: String,
    /// Whether a word has begun.
    open: bool,
}

impl Reader {
    fn pattern(&mut self, character: char) {
        self.open = true;
        self.end_literal();
        self.parts.push(Part::Pattern(character.to_string()));
    }

    fn end_literal(&mut self) {
        if !self.literal.is_empty() {
            self.parts.push(Part::Literal(std::mem::take(&mut self.literal)));
        }
    }

    fn end_word(&mut self) {
        if !self.open {
            return;
        }
        self.open = false;
        self.end_literal();
        let parts = std::mem::take(&mut self.parts);
        let raw = parts.iter().map(part_text).collect();
        self.words.push(ShellWord { raw, parts, range: TextRange::default() });
    }

    fn end_command(&mut self) -> Option<()> {
        self.end_word();
        let words = std::mem::take(&mut self.words);
        (!words.is_empty()).then(|| self.commands.push(words))
    }
}

fn part_text(part: &Part) -> &str {
    match part {
        Part::Literal(text) | Part::Pattern(text) => text,
        Part::Variable { .. } | Part::Unknown => "",
    }
}
