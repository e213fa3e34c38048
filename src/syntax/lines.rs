//! Lines: the source cut at `\n`, and the escape character that continues a line on the next.

use crate::text::TextRange;

/// The byte order mark that may open a file.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Longest line that `BuildKit` reads, line break included (its scanner's buffer, Go's `bufio.MaxScanTokenSize`).
pub(super) const LONGEST_LINE: usize = 64 * 1024;

/// One line of the source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    /// Without the line break and every `\r` before it.
    pub(super) content: TextRange,
    /// Offset after the line break.
    pub(super) end: usize,
}

impl Line {
    /// Whether `BuildKit` refuses the line for its length. A line without a break needs one byte of room more.
    pub(super) fn is_too_long(self, source: &str) -> bool {
        let break_missing = !TextRange::new(self.content.start, self.end).of(source).ends_with('\n');
        self.end - self.content.start + usize::from(break_missing) > LONGEST_LINE
    }

    /// The content without blanks at its start.
    pub(super) fn trimmed_start(self, source: &str) -> TextRange {
        let content = self.content.of(source);
        TextRange::new(self.content.start + content.len() - content.trim_start().len(), self.content.end)
    }
}

/// The lines of a source, a byte order mark left out.
pub(super) struct Lines<'s> {
    source: &'s str,
    at: usize,
    number: usize,
}

impl<'s> Lines<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        let at = if source.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
        Self { source, at, number: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let rest = self.source.get(self.at..).filter(|rest| !rest.is_empty())?;
        let line = rest.find('\n').map_or(rest, |at| &rest[..=at]);
        let start = self.at;
        self.at += line.len();
        self.number += 1;
        let content = line.trim_end_matches(['\r', '\n']);
        Some(Line { number: self.number, content: TextRange::new(start, start + content.len()), end: self.at })
    }
}

/// Where the escape character stands in `content` if it continues the line: last but blanks, and not escaped itself.
pub(super) fn continuation(content: &str, escape: char) -> Option<usize> {
    let before = content.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!before.ends_with(escape)).then_some(before.len())
}

/// Whether the line is a comment.
pub(super) fn is_comment(content: &str) -> bool {
    content.trim_start().starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_lines_without_their_breaks() {
        let source = "\u{feff}a\r\n\nb\r\r\nc";
        let lines: Vec<_> = Lines::new(source).map(|line| (line.number, line.content.of(source))).collect();
        assert_eq!(lines, [(1, "a"), (2, ""), (3, "b"), (4, "c")]);
    }

    #[test]
    fn an_escaped_escape_does_not_continue() {
        assert_eq!(continuation(r"a \", '\\'), Some(2));
        assert_eq!(continuation("a \\ \t", '\\'), Some(2));
        assert_eq!(continuation(r"\", '\\'), Some(0));
        assert_eq!(continuation(r"a \\", '\\'), None);
        assert_eq!(continuation(r"a \\\", '\\'), None);
        assert_eq!(continuation(r"a `", '\\'), None);
        assert_eq!(continuation(r"a `", '`'), Some(2));
    }

    #[test]
    fn the_longest_line_counts_its_break() {
        let fits = format!("{}\n", "x".repeat(LONGEST_LINE - 1));
        assert!(!Lines::new(&fits).next().unwrap().is_too_long(&fits));
        let open = "x".repeat(LONGEST_LINE);
        assert!(Lines::new(&open).next().unwrap().is_too_long(&open));
        assert!(!Lines::new(&open[1..]).next().unwrap().is_too_long(&open[1..]));
    }
}
