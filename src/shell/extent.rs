//! Extents: where a quoted or substituted piece of shell text ends.
//!
//! An *opener* is `'`, `"`, a backquote, `$(`, `${` or `(`; its *extent* reaches to the matching closer. Nothing here
//! allocates text or recurses, so hostile nesting costs neither stack nor more than one pass.

/// How many openers may stand in one another.
pub(super) const MAX_NESTING: usize = 48;

/// What is open at a point of the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Double,
    /// `(` and `$(`.
    Paren,
    /// `${`.
    Brace,
}

/// The offset after the closer of the opener at `start`; `None` where it is not closed or nests too deeply.
///
/// `text` ends where the script ends. `start` must point at an opener.
pub(super) fn end(text: &[u8], start: usize) -> Option<usize> {
    let mut stack = Vec::new();
    let mut at = start;
    loop {
        at = step(text, at, start, &mut stack)?;
        if stack.is_empty() {
            return Some(at);
        }
        if stack.len() > MAX_NESTING {
            return None;
        }
    }
}

/// Takes one character or one self-contained piece; returns the offset after it.
fn step(text: &[u8], at: usize, start: usize, stack: &mut Vec<Open>) -> Option<usize> {
    let byte = *text.get(at)?;
    let top = stack.last().copied();
    match byte {
        b'\\' if at + 1 < text.len() => return Some(at + 2),
        b'`' => return closing(text, at + 1, b'`', true),
        b'$' => return Some(dollar(text, at, stack)),
        b'\'' if single_quotes_count(stack) => return closing(text, at + 1, b'\'', at > 0 && text[at - 1] == b'$'),
        b'"' if top == Some(Open::Double) => drop(stack.pop()),
        b'"' => stack.push(Open::Double),
        b'(' if top.is_none() || top == Some(Open::Paren) => stack.push(Open::Paren),
        b')' if top == Some(Open::Paren) => drop(stack.pop()),
        b'}' if top == Some(Open::Brace) => drop(stack.pop()),
        b'#' if top == Some(Open::Paren) && at > start && starts_comment(text[at - 1]) => {
            return Some(line_end(text, at));
        }
        _ => {}
    }
    Some(at + 1)
}

fn dollar(text: &[u8], at: usize, stack: &mut Vec<Open>) -> usize {
    match text.get(at + 1) {
        Some(b'(') => stack.push(Open::Paren),
        Some(b'{') => stack.push(Open::Brace),
        _ => return at + 1,
    }
    at + 2
}

/// Inside double quotes, and inside `${…}` within them, `'` is a plain character.
fn single_quotes_count(stack: &[Open]) -> bool {
    match stack {
        [.., Open::Double] | [.., Open::Double, Open::Brace] => false,
        [] | [..] => true,
    }
}

/// Whether a `#` after `before` starts a comment.
pub(super) fn starts_comment(before: u8) -> bool {
    matches!(before, b' ' | b'\t' | b'\n' | b';' | b'(' | b'&' | b'|')
}

/// The offset of the newline that ends the line of `at`, or the end of the text.
pub(super) fn line_end(text: &[u8], at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')).map_or(text.len(), |line| at + line)
}

/// The offset after the next `quote` from `at` on; with `escapes`, a backslash takes the character after it along.
fn closing(text: &[u8], mut at: usize, quote: u8, escapes: bool) -> Option<usize> {
    loop {
        match *text.get(at)? {
            b'\\' if escapes => at += 1,
            byte if byte == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
}

/// Where `text[start..]` opens with `((`, the offset after the matching `))` of an arithmetic expression.
pub(super) fn arithmetic_end(text: &[u8], start: usize) -> Option<usize> {
    if text.get(start..start + 2)? != b"((" {
        return None;
    }
    let outer = end(text, start)?;
    let inner = end(text, start + 1)?;
    (inner + 1 == outer).then_some(outer)
}

/// Whether a byte may stand in a variable's name.
pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The offset after the variable's name at `at`; `at` itself where none stands there.
pub(super) fn name_end(text: &[u8], at: usize) -> usize {
    if text.get(at).is_none_or(u8::is_ascii_digit) {
        return at;
    }
    text[at..].iter().position(|byte| !is_name_byte(*byte)).map_or(text.len(), |length| at + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(text: &str) -> Option<&str> {
        end(text.as_bytes(), 0).map(|end| &text[..end])
    }

    #[test]
    fn finds_the_closer() {
        assert_eq!(extent("'a\"b' c"), Some("'a\"b'"));
        assert_eq!(extent("\"a $(b \"c)\" ')') d\" e"), Some("\"a $(b \"c)\" ')') d\""));
        assert_eq!(extent("${a:-\"}\"} b"), Some("${a:-\"}\"}"));
        assert_eq!(extent("\"${a:-it's}\" b"), Some("\"${a:-it's}\""));
        assert_eq!(extent("$(a # it's)\n) b"), Some("$(a # it's)\n)"));
        assert_eq!(extent("`a \\` b` c"), Some("`a \\` b`"));
        assert_eq!(extent("$(a"), None);
        assert_eq!(extent(&"$(".repeat(100_000)), None);
    }
}
