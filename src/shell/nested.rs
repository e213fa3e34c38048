//! Scripts inside words: the text that an inner shell sees, with the way back to the source.

use super::extent;
use crate::text::{LogicalText, TextRange};

/// The text of the word at `range` with its quotes resolved and its expansions left as they are: what `sh -c WORD` reads.
pub(super) fn unquoted(map: &LogicalText, range: TextRange) -> LogicalText {
    let text = map.as_str();
    let bytes = text.as_bytes().get(..range.end).unwrap_or_default();
    let mut inner = LogicalText::new();
    let mut at = range.start;
    let mut in_double = false;
    while at < bytes.len() {
        let (keep, next) = match bytes[at] {
            b'"' => {
                in_double = !in_double;
                (at..at, at + 1)
            }
            b'\'' if !in_double => {
                let end = extent::end(bytes, at).unwrap_or(bytes.len());
                (at + 1..end.saturating_sub(1).max(at + 1), end)
            }
            b'\'' => match expanding_quote(bytes, at) {
                Some(close) => {
                    inner.push("\"", map.source_offset(at));
                    push(map, &mut inner, at + 1, close);
                    inner.push("\"", map.source_offset(close));
                    (close..close, close + 1)
                }
                None => plain(bytes, at),
            },
            b'\\' => escape(bytes, at, in_double),
            b'`' => substitution(bytes, at),
            b'$' if matches!(bytes.get(at + 1), Some(b'(' | b'{')) => substitution(bytes, at),
            _ => plain(bytes, at),
        };
        push(map, &mut inner, keep.start, keep.end);
        at = next;
    }
    inner
}

/// The text between backquotes with their escapes resolved.
pub(super) fn unescaped(map: &LogicalText, range: TextRange) -> LogicalText {
    let bytes = map.as_str().as_bytes().get(..range.end).unwrap_or_default();
    let mut inner = LogicalText::new();
    let mut at = range.start;
    let mut kept = at;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        if matches!(bytes.get(at + 1), Some(b'\\' | b'$' | b'`')) {
            push(map, &mut inner, kept, at);
            kept = at + 1;
        }
        at += 2;
    }
    push(map, &mut inner, kept, range.end);
    inner
}

/// The body of a here document without the tabs that `<<-` takes off.
pub(super) fn without_tabs(map: &LogicalText, range: TextRange) -> LogicalText {
    let bytes = map.as_str().as_bytes().get(..range.end).unwrap_or_default();
    let mut inner = LogicalText::new();
    let mut at = range.start;
    while at < bytes.len() {
        let tabs = bytes[at..].iter().take_while(|byte| **byte == b'\t').count();
        let end = (extent::line_end(bytes, at) + 1).min(bytes.len());
        push(map, &mut inner, (at + tabs).min(end), end);
        at = end;
    }
    inner
}

/// In `sh -c "a '$X'"` the outer shell expands `$X`, although the inner one sees it in quotes. Where `'` at `at` opens such
/// a piece, the offset of the `'` that closes it; the piece then reads the same in double quotes.
fn expanding_quote(bytes: &[u8], at: usize) -> Option<usize> {
    let length = bytes[at + 1..].iter().position(|byte| matches!(byte, b'\'' | b'"' | b'\\'))?;
    let close = at + 1 + length;
    let expands = bytes[at + 1..close].iter().any(|byte| matches!(byte, b'$' | b'`'));
    (bytes[close] == b'\'' && expands).then_some(close)
}

fn escape(bytes: &[u8], at: usize, in_double: bool) -> (std::ops::Range<usize>, usize) {
    let next = (at + 2).min(bytes.len());
    match bytes.get(at + 1) {
        Some(b'\n') => (at..at, next),
        Some(b'$' | b'`' | b'"' | b'\\') => (at + 1..next, next),
        Some(_) if in_double => (at..at + 1, at + 1),
        Some(byte) if byte.is_ascii() => (at + 1..next, next),
        // The bytes of a longer character are plain.
        _ => (at + 1..at + 1, at + 1),
    }
}

fn substitution(bytes: &[u8], at: usize) -> (std::ops::Range<usize>, usize) {
    let end = extent::end(bytes, at).unwrap_or(bytes.len());
    (at..end, end)
}

fn plain(bytes: &[u8], at: usize) -> (std::ops::Range<usize>, usize) {
    let special = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\' | b'`' | b'$');
    let end = bytes[at + 1..].iter().position(special).map_or(bytes.len(), |length| at + 1 + length);
    (at..end, end)
}

/// Appends `start..end` of the outer text, piece by piece where the source has something between.
fn push(map: &LogicalText, inner: &mut LogicalText, start: usize, end: usize) {
    for (piece, source) in map.pieces_of(TextRange::new(start, end)) {
        inner.push(piece, source);
    }
}
