//! Where a comment that silences a finding goes, and what it says.

use crate::diagnostic::Diagnostic;
use crate::lint::builtin;
use crate::syntax::Dockerfile;
use crate::text::TextEdit;

/// What stands where the user is to say why.
const REASON: &str = "reason: say why this is right here";

/// The comment that silences this finding: above its instruction or, where it belongs to none, for the whole file. `None`
/// for syntax errors and for comments, which cannot be silenced this way.
pub(super) fn edit(file: &Dockerfile, diagnostic: &Diagnostic) -> Option<TextEdit> {
    let rule = diagnostic.rule;
    if [builtin::SyntaxProblem::META.name, builtin::UnknownSuppression::META.name].contains(&rule) {
        return None;
    }
    let instructions = file.instructions();
    let around = instructions.iter().find(|instruction| {
        instruction.range.contains(diagnostic.range.start) || instruction.range == diagnostic.range
    });
    let (place, scope) = match around {
        Some(instruction) => (instruction.range.start, ""),
        None => (instructions.first()?.range.start, "global "),
    };
    let source = file.source();
    let start = source.get(..place)?.rfind('\n').map_or(0, |at| at + 1);
    Some(TextEdit::insert(start, format!("# layerwise {scope}ignore={rule} {REASON}{}", file.newline())))
}
