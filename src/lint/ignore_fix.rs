//! The fix of findings about an ignore file: lines at its end.

use super::Subject;
use super::phrase::{enumerated, quoted};
use crate::context::EntryKind;
use crate::diagnostic::{FileEdit, Fix, Safety};
use crate::rewrite::{IgnoreLine, extended};
use crate::text::TextEdit;

/// Adds the lines that keep the image, or all of them where none does. `None` where the ignore file cannot be written.
pub(super) fn add_lines(subject: &Subject<'_>, lines: &[IgnoreLine]) -> Option<Fix> {
    if lines.is_empty() || !is_writable(subject) {
        return None;
    }
    let safe: Vec<&IgnoreLine> = lines.iter().filter(|line| line.keeps_image).collect();
    let (chosen, safety) =
        if safe.is_empty() { (lines.iter().collect(), Safety::Unsafe) } else { (safe, Safety::Safe) };
    let patterns: Vec<String> = chosen.iter().map(|line| line.pattern.clone()).collect();
    let named = enumerated(&patterns.iter().map(|pattern| quoted(pattern)).collect::<Vec<_>>());
    let path = subject.ignore_path;
    Some(Fix {
        title: match subject.ignore_text {
            None => format!("Create `{path}` with {named}"),
            Some(_) => format!("Add {named} to `{path}`"),
        },
        safety,
        argument: argument(&chosen, safety),
        edit: TextEdit::default(),
        files: vec![FileEdit { path: path.to_owned(), text: extended(subject.ignore_text, path, &patterns) }],
    })
}

/// Whether the ignore file lies in the context, or can be created there, and its text is known byte by byte.
fn is_writable(subject: &Subject<'_>) -> bool {
    let Some(text) = subject.ignore_text else { return true };
    let entry = subject.context().and_then(|context| context.unfiltered().entry(subject.ignore_path));
    entry.is_some_and(|entry| entry.kind == EntryKind::File) && !text.contains(char::REPLACEMENT_CHARACTER)
}

fn argument(lines: &[&IgnoreLine], safety: Safety) -> String {
    let matched: Vec<String> = lines.iter().flat_map(|line| &line.matched).map(|path| quoted(path)).collect();
    match (safety, matched.as_slice()) {
        (Safety::Safe, []) => "none of these stands in the build context today".to_owned(),
        (Safety::Safe, _) => {
            format!(
                "the build makes {} itself, and empties it first or git leaves it out, so that no clean checkout has it",
                enumerated(&matched)
            )
        }
        _ => format!("{} would no longer be copied, and a step or the image may need it", enumerated(&matched)),
    }
}
