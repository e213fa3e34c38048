//! Comments that silence findings.
//!
//! | comment | silences |
//! |---|---|
//! | `# layerwise ignore=rule,rule reason` | the next instruction, or the one it stands in |
//! | `# layerwise global ignore=rule reason` | the whole file |
//! | `# hadolint ignore=DL3006`, `# hadolint global ignore=DL3006` | likewise, by the aliases of the rules |
//! | `# check=skip=Name,Name` as a parser directive | the whole file, by the aliases of the rules |
//! | `# check=skip=Name` above an instruction | that instruction |
//!
//! `all` stands for every rule. Names of other tools that no rule answers to are passed over; a name that no rule has in
//! a comment of ours is a finding ([`builtin::UnknownSuppression`]).

use std::collections::{BTreeMap, BTreeSet};

use super::{Reporter, builtin, named, suggest};
use crate::diagnostic::{Diagnostic, Fix, Safety};
use crate::syntax::{Dockerfile, Instruction};
use crate::text::{TextEdit, TextRange};

/// What the comments of one file silence.
#[derive(Debug, Default)]
pub struct Suppressions {
    file: Silenced,
    /// By the index of the instruction.
    instructions: BTreeMap<usize, Silenced>,
}

#[derive(Debug, Default)]
struct Silenced {
    all: bool,
    rules: BTreeSet<&'static str>,
}

impl Silenced {
    fn covers(&self, rule: &str) -> bool {
        self.rules.contains(rule) || self.all && rule != builtin::SyntaxProblem::META.name
    }
}

impl Suppressions {
    /// Reads the comments of a file; names that no rule has are reported.
    pub fn read(file: &Dockerfile, report: &mut Reporter) -> Self {
        let mut suppressions = Self::default();
        if let Some(value) = file.directive("check") {
            for name in skipped_checks(&value.text).into_iter().flat_map(names) {
                suppressions.file.add(name);
            }
        }
        for comment in file.comments() {
            let text = comment.range.of(file.source());
            let Some(request) = Request::read(text) else { continue };
            let Some(silenced) = suppressions.target(file.instructions(), comment.range, request.global) else {
                continue;
            };
            for name in names(request.names) {
                if !silenced.add(name) && request.ours {
                    report_unknown(name, text, comment.range, report);
                }
            }
        }
        suppressions
    }

    /// Whether a comment silences this finding.
    pub fn covers(&self, diagnostic: &Diagnostic, instructions: &[Instruction]) -> bool {
        self.file.covers(diagnostic.rule)
            || instruction_at(instructions, diagnostic.range.start)
                .and_then(|index| self.instructions.get(&index))
                .is_some_and(|silenced| silenced.covers(diagnostic.rule))
    }

    /// What a comment at `range` acts on: the file, the instruction around it, or the next one.
    fn target(&mut self, instructions: &[Instruction], range: TextRange, global: bool) -> Option<&mut Silenced> {
        if global {
            return Some(&mut self.file);
        }
        let next = instructions.partition_point(|instruction| instruction.range.end <= range.start);
        (next < instructions.len()).then(|| self.instructions.entry(next).or_default())
    }
}

impl Silenced {
    /// Adds what goes by that name; false where nothing does.
    fn add(&mut self, name: &str) -> bool {
        if name.eq_ignore_ascii_case("all") {
            self.all = true;
            return true;
        }
        let before = named(name).next().is_some();
        self.rules.extend(named(name).map(|meta| meta.name));
        before
    }
}

/// The instruction that holds the byte at `offset`, or ends there.
fn instruction_at(instructions: &[Instruction], offset: usize) -> Option<usize> {
    let index = instructions.partition_point(|instruction| instruction.range.start <= offset).checked_sub(1)?;
    (offset <= instructions.get(index)?.range.end).then_some(index)
}

/// What one comment asks for.
struct Request<'a> {
    /// The list of names and the reason after it.
    names: &'a str,
    /// For the whole file.
    global: bool,
    /// In our own notation.
    ours: bool,
}

impl<'a> Request<'a> {
    /// Reads a comment from its `#` on.
    fn read(comment: &'a str) -> Option<Self> {
        let text = comment.strip_prefix('#')?.trim();
        if let Some(names) = text.strip_prefix("check").and_then(after_equals).and_then(skipped_checks) {
            return Some(Self { names, global: false, ours: false });
        }
        let (text, ours) = match text.strip_prefix("layerwise") {
            Some(rest) => (rest, true),
            None => (text.strip_prefix("hadolint")?, false),
        };
        let text = after_blank(text)?;
        let (text, global) = match text.strip_prefix("global").and_then(after_blank) {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let names = text.strip_prefix("ignore").and_then(after_equals)?;
        Some(Self { names, global, ours })
    }
}

fn after_blank(text: &str) -> Option<&str> {
    let rest = text.trim_start();
    (rest.len() < text.len()).then_some(rest)
}

fn after_equals(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix('=').map(str::trim_start)
}

/// The list after `skip=` of a `check` value: `skip=A,B;error=true`.
fn skipped_checks(value: &str) -> Option<&str> {
    value.split(';').find_map(|option| option.trim().strip_prefix("skip").and_then(after_equals))
}

/// The names of a comma-separated list, up to the first blank that no comma stands next to.
fn names(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let text = rest?.trim_start();
        let end = text.find(|character: char| character == ',' || character.is_whitespace()).unwrap_or(text.len());
        let (name, after) = text.split_at(end);
        rest = after.trim_start().strip_prefix(',');
        Some(name)
    })
    .filter(|name| !name.is_empty())
}

fn report_unknown(name: &str, comment: &str, range: TextRange, report: &mut Reporter) {
    let start = range.start + (name.as_ptr() as usize - comment.as_ptr() as usize);
    let place = TextRange::new(start, start + name.len());
    let message = format!("there is no rule `{name}` to ignore");
    let diagnostic = report.add(builtin::UnknownSuppression::META, place, message);
    let Some(suggestion) = suggest(name) else {
        diagnostic.help = Some("`layerwise rules` lists all rules".to_owned());
        return;
    };
    diagnostic.help = Some(format!("did you mean `{suggestion}`?"));
    diagnostic.fix = Some(Fix {
        title: format!("Ignore `{suggestion}`"),
        safety: Safety::Safe,
        argument: "a comment never reaches the image".to_owned(),
        edit: TextEdit::replace(place, suggestion),
        files: Vec::new(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_notation() {
        for (comment, expected) in [
            ("# layerwise ignore=a,b because", Some((false, true, vec!["a", "b"]))),
            ("#layerwise  global ignore = a , b", Some((true, true, vec!["a", "b"]))),
            ("# hadolint ignore=DL3006,DL3007", Some((false, false, vec!["DL3006", "DL3007"]))),
            ("# hadolint global ignore=DL3006", Some((true, false, vec!["DL3006"]))),
            ("# check=error=true;skip=A, B", Some((false, false, vec!["A", "B"]))),
            ("# check=skip=all", Some((false, false, vec!["all"]))),
            ("# check=error=true", None),
            ("# layerwise is good", None),
            ("# layerwiseignore=a", None),
            ("# please ignore=a", None),
        ] {
            let read = Request::read(comment)
                .map(|request| (request.global, request.ours, names(request.names).collect::<Vec<_>>()));
            assert_eq!(read, expected, "{comment}");
        }
    }
}
