//! Positions as editors count them: lines and columns from 0, columns in the units that client and server agreed on.
//!
//! Every position is valid: a column past the end of its line is that end, a line past the last is the end of the text,
//! and a column within a character is the start of that character.

use ls_types::{Position, PositionEncodingKind, Range};

use crate::text::TextRange;

/// The unit of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Encoding {
    /// Bytes of UTF-8.
    Utf8,
    /// Units of UTF-16; what holds where a client names nothing.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// The encoding of that name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Utf8, Self::Utf16, Self::Utf32].into_iter().find(|encoding| encoding.kind().as_str() == name)
    }

    /// Its name in the protocol.
    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    fn width(self, character: char) -> usize {
        match self {
            Self::Utf8 => character.len_utf8(),
            Self::Utf16 => character.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// The lines of one text. Unlike in Dockerfiles, a lone `\r` ends a line too.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    /// First byte of each line, and the byte after its last that is no line break.
    bounds: Vec<(usize, usize)>,
}

impl Lines {
    /// Finds the lines of `text`.
    pub(super) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let (mut bounds, mut start, mut at) = (Vec::new(), 0, 0);
        while let Some(byte) = bytes.get(at) {
            let width = match byte {
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
                b'\r' | b'\n' => 1,
                _ => 0,
            };
            if width > 0 {
                bounds.push((start, at));
                start = at + width;
            }
            at += width.max(1);
        }
        bounds.push((start, text.len()));
        Self { bounds }
    }

    /// The byte at a position of `text`, which must be the text that the lines are of.
    pub(super) fn offset(&self, text: &str, position: Position, encoding: Encoding) -> usize {
        let Some((start, end)) = self.bounds.get(position.line as usize) else { return text.len() };
        let line = text.get(*start..*end).unwrap_or_default();
        let mut column = 0;
        for (at, character) in line.char_indices() {
            column += encoding.width(character);
            if column > position.character as usize {
                return start + at;
            }
        }
        *end
    }

    /// The position of the byte at `offset`.
    pub(super) fn position(&self, text: &str, offset: usize, encoding: Encoding) -> Position {
        let line = self.bounds.partition_point(|(start, _)| *start <= offset).saturating_sub(1);
        let (start, end) = self.bounds.get(line).copied().unwrap_or_default();
        let before = text.get(start..offset.min(end)).unwrap_or_default();
        let column: usize = before.chars().map(|character| encoding.width(character)).sum();
        Position { line: line as u32, character: column as u32 }
    }

    /// The bytes of a range. One that ends before it starts is empty.
    pub(super) fn bytes(&self, text: &str, range: Range, encoding: Encoding) -> TextRange {
        TextRange::new(self.offset(text, range.start, encoding), self.offset(text, range.end, encoding))
    }

    /// The range of some bytes.
    pub(super) fn range(&self, text: &str, bytes: TextRange, encoding: Encoding) -> Range {
        Range { start: self.position(text, bytes.start, encoding), end: self.position(text, bytes.end, encoding) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_in_each_unit() {
        let text = "FROM a\r\nRUN é😀x\rEND";
        let lines = Lines::new(text);
        let x = text.find('x').unwrap();
        for (encoding, column) in [(Encoding::Utf8, 10), (Encoding::Utf16, 7), (Encoding::Utf32, 6)] {
            let position = Position { line: 1, character: column };
            assert_eq!(lines.position(text, x, encoding), position, "{encoding:?}");
            assert_eq!(lines.offset(text, position, encoding), x, "{encoding:?}");
        }
        assert_eq!(lines.position(text, text.len(), Encoding::Utf16), Position { line: 2, character: 3 });
    }

    #[test]
    fn every_position_is_valid() {
        let text = "é😀\r\nb";
        let lines = Lines::new(text);
        let at = |line, character, encoding| lines.offset(text, Position { line, character }, encoding);
        assert_eq!(at(0, 99, Encoding::Utf16), 6);
        assert_eq!(at(0, 2, Encoding::Utf16), 2, "within a pair of surrogates");
        assert_eq!(at(0, 1, Encoding::Utf8), 0, "within a character");
        assert_eq!(at(9, 0, Encoding::Utf8), text.len());
        assert_eq!(at(u32::MAX, u32::MAX, Encoding::Utf32), text.len());
        let backwards = Range { start: Position { line: 1, character: 1 }, end: Position::default() };
        assert!(lines.bytes(text, backwards, Encoding::Utf16).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn offsets_come_back(text in "[a-zé😀\r\n ]{0,40}") {
            let lines = Lines::new(&text);
            for (offset, character) in text.char_indices() {
                if matches!(character, '\r' | '\n') {
                    continue;
                }
                for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                    let position = lines.position(&text, offset, encoding);
                    proptest::prop_assert_eq!(lines.offset(&text, position, encoding), offset);
                }
            }
        }
    }
}
