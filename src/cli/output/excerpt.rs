//! The text that is shown of a file: control characters taken out, lines of unreasonable length cut.

use crate::text::TextRange;

/// Bytes of a line that are shown.
const LONGEST: usize = 240;

/// What stands for the rest of a line.
const CUT: &str = " …";

/// A text to show, with the way from places of the file to places in it.
#[derive(Debug)]
pub(super) struct Excerpt {
    pub(super) text: String,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// Where it starts in the file.
    start: usize,
    /// Where it starts in the excerpt.
    shown: usize,
    /// How many bytes of it are in the excerpt.
    kept: usize,
}

impl Excerpt {
    pub(super) fn new(source: &str) -> Self {
        let mut excerpt = Self { text: String::with_capacity(source.len().min(1 << 20)), lines: Vec::new() };
        let mut start = 0;
        for line in source.split_inclusive('\n') {
            excerpt.push(start, line);
            start += line.len();
        }
        excerpt
    }

    fn push(&mut self, start: usize, line: &str) {
        let content = line.trim_end_matches(['\n', '\r']);
        let kept = floor_boundary(content, LONGEST);
        self.lines.push(Line { start, shown: self.text.len(), kept });
        self.text.extend(content.get(..kept).unwrap_or_default().chars().map(visible));
        if kept < content.len() {
            self.text.push_str(CUT);
        }
        if line.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// The part of the excerpt that shows `range`.
    pub(super) fn range(&self, range: TextRange) -> std::ops::Range<usize> {
        let start = self.offset(range.start);
        start..self.offset(range.end).max(start)
    }

    fn offset(&self, offset: usize) -> usize {
        let after = self.lines.partition_point(|line| line.start <= offset);
        let line = after.checked_sub(1).and_then(|index| self.lines.get(index));
        line.map_or(0, |line| line.shown + (offset - line.start).min(line.kept))
    }
}

/// One line to show, without its line break.
pub(super) fn printable(line: &str) -> String {
    let content = line.trim_end_matches(['\n', '\r']);
    let kept = floor_boundary(content, LONGEST);
    let cut = if kept < content.len() { CUT } else { "" };
    content.get(..kept).unwrap_or_default().chars().map(visible).chain(cut.chars()).collect()
}

/// Characters that could steer the terminal become question marks of the same number of bytes.
pub(in crate::cli) fn visible(character: char) -> char {
    match character {
        '\t' => character,
        _ if character.is_ascii_control() => '?',
        _ if character.is_control() => '¿',
        _ => character,
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    (0..=at).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_long_lines_and_keeps_places() {
        let source = format!("FROM a\r\nRUN {}\u{1b}é\nUSER x", "é".repeat(500));
        let excerpt = Excerpt::new(&source);
        assert!(excerpt.text.len() < 300, "{}", excerpt.text);
        let user = source.find("USER").unwrap();
        assert_eq!(&excerpt.text[excerpt.range(TextRange::new(user, user + 4))], "USER");
        let late = excerpt.range(TextRange::new(700, 702));
        assert!(excerpt.text.is_char_boundary(late.start) && late.is_empty());
    }

    #[test]
    fn takes_out_what_steers_a_terminal() {
        assert_eq!(printable("RUN \u{1b}[2J\t\u{9b}x\n"), "RUN ?[2J\t¿x");
        assert!((char::MIN..=char::MAX).all(|each| visible(each).len_utf8() == each.len_utf8()));
    }
}
