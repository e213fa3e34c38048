//! Expansions inside words: where substitutions stand, what a default is, and whether a brace expands.

use super::extent;
use super::word::Reading;
use crate::text::TextRange;

/// The substitutions of a text in which `'` and `"` are plain characters, such as the body of a here document.
pub(super) fn substitutions_of(text: &str, range: TextRange) -> Reading {
    let mut reading = Reading::default();
    let bytes = text.as_bytes().get(..range.end).unwrap_or_default();
    scan_substitutions(bytes, range.start, range.end, &mut reading.substitutions, &mut reading.backquoted);
    reading
}

pub(super) fn scan_substitutions(
    bytes: &[u8],
    start: usize,
    end: usize,
    substitutions: &mut Vec<TextRange>,
    backquoted: &mut Vec<TextRange>,
) {
    let mut at = start;
    while at < end {
        let opens = match bytes[at] {
            b'\\' => {
                at += 2;
                continue;
            }
            b'$' => bytes.get(at + 1) == Some(&b'(') && extent::arithmetic_end(bytes, at + 1).is_none(),
            b'`' => true,
            _ => false,
        };
        if !opens {
            at += 1;
            continue;
        }
        let Some(close) = extent::end(bytes, at) else { return };
        match bytes[at] {
            b'$' => substitutions.push(TextRange::new(at + 2, close - 1)),
            _ => backquoted.push(TextRange::new(at + 1, close - 1)),
        }
        at = close;
    }
}

/// The default of `${NAME:-…}` where it is plain text.
pub(super) fn plain_default(default: &str) -> Option<String> {
    let inner = default.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(default);
    let inner = inner.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(inner);
    (!inner.contains(['$', '`', '\\', '"', '\'', '*', '?', '[', '~', ' ', '\t', '\n'])).then(|| inner.to_owned())
}

/// What a `{` turned out to be.
pub(super) enum Brace {
    /// `{a,b}` or `{1..3}`, ending before that offset.
    Expansion(usize),
    Plain,
    Unclear,
}

/// The longest brace expansion that is looked at, so that many `{` do not cost a pass over the rest each.
const LONGEST_BRACE: usize = 1024;

pub(super) fn brace_end(bytes: &[u8], at: usize) -> Brace {
    let mut depth = 0_usize;
    let mut expands = false;
    for (offset, byte) in bytes[at..].iter().take(LONGEST_BRACE).enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => {
                return if expands { Brace::Expansion(at + offset + 1) } else { Brace::Plain };
            }
            b'}' => depth -= 1,
            b',' if depth == 1 => expands = true,
            b'.' if depth == 1 => expands |= bytes.get(at + offset + 1) == Some(&b'.'),
            b'`' | b'(' => return Brace::Unclear,
            _ => {}
        }
    }
    if bytes.len() - at > LONGEST_BRACE { Brace::Unclear } else { Brace::Plain }
}
