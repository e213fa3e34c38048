//! Text that a reader joined out of pieces of the source, with the way back to the source.

use super::TextRange;

/// Text without the line continuations and comments that the source has inside it.
///
/// The shell that runs a `RUN` sees this text; [`LogicalText::source_range`] says where a piece of it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LogicalText {
    text: String,
    /// `(offset in text, offset in source)` of each piece, ascending in both.
    pieces: Vec<(usize, usize)>,
}

impl LogicalText {
    /// No text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Text that stands in the source in one piece, from `source_start` on.
    pub fn contiguous(text: &str, source_start: usize) -> Self {
        let mut logical = Self::new();
        logical.push(text, source_start);
        logical
    }

    /// No text, in a place of the source.
    pub fn empty_at(source_start: usize) -> Self {
        Self { text: String::new(), pieces: vec![(0, source_start)] }
    }

    /// Appends a piece that stands at `source_start` of the source, after every piece pushed before.
    pub fn push(&mut self, piece: &str, source_start: usize) {
        if piece.is_empty() {
            return;
        }
        self.pieces.push((self.text.len(), source_start));
        self.text.push_str(piece);
    }

    /// The part of the text that `range` covers, with the same places in the source.
    #[must_use]
    pub fn slice(&self, range: TextRange) -> Self {
        let mut part = Self::empty_at(self.source_offset(range.start));
        let first = self.pieces.partition_point(|(start, _)| *start <= range.start).saturating_sub(1);
        for (index, (start, source)) in self.pieces.iter().enumerate().skip(first) {
            if *start >= range.end {
                break;
            }
            let end = self.pieces.get(index + 1).map_or(self.text.len(), |(next, _)| *next).min(range.end);
            let from = (*start).max(range.start);
            part.push(self.text.get(from..end).unwrap_or_default(), source + (from - start));
        }
        part
    }

    /// The joined text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The pieces that make up a range of the joined text, each with its offset in the source. A range that does not fit
    /// the text has none.
    pub fn pieces_of(&self, range: TextRange) -> impl Iterator<Item = (&str, usize)> {
        let first = self.pieces.partition_point(|(start, _)| *start <= range.start).saturating_sub(1);
        let pieces = self.pieces.get(first..).unwrap_or_default();
        pieces.iter().enumerate().take_while(move |(_, (start, _))| *start < range.end).filter_map(
            move |(index, (start, source))| {
                let end = pieces.get(index + 1).map_or(self.text.len(), |(next, _)| *next).min(range.end);
                let from = range.start.max(*start);
                let piece = self.text.get(from..end).filter(|piece| !piece.is_empty())?;
                Some((piece, source + (from - start)))
            },
        )
    }

    /// The offset in the source of the byte at `offset` of the joined text.
    pub fn source_offset(&self, offset: usize) -> usize {
        let piece = self.pieces.partition_point(|(start, _)| *start <= offset);
        match piece.checked_sub(1).and_then(|index| self.pieces.get(index)) {
            Some((start, source)) => source + (offset - start),
            None => self.pieces.first().map_or(0, |(_, source)| *source),
        }
    }

    /// The range in the source that a range of the joined text covers, continuations between its pieces included.
    pub fn source_range(&self, range: TextRange) -> TextRange {
        let start = self.source_offset(range.start);
        if range.is_empty() {
            return TextRange::empty(start);
        }
        TextRange::new(start, self.source_offset(range.end - 1) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_its_way_back_across_a_continuation() {
        let source = "RUN a \\\n  b";
        let mut logical = LogicalText::new();
        logical.push("a ", 4);
        logical.push("  b", 8);
        assert_eq!(logical.as_str(), "a   b");
        assert_eq!(logical.source_range(TextRange::new(4, 5)).of(source), "b");
        assert_eq!(logical.source_range(TextRange::new(0, 5)).of(source), "a \\\n  b");
        assert_eq!(logical.pieces_of(TextRange::new(1, 4)).collect::<Vec<_>>(), [(" ", 5), ("  ", 8)]);
    }

    #[test]
    fn slices_keep_their_places() {
        let mut logical = LogicalText::new();
        logical.push("abc", 10);
        logical.push("def", 20);
        let part = logical.slice(TextRange::new(1, 5));
        assert_eq!(part.as_str(), "bcde");
        assert_eq!((part.source_offset(0), part.source_offset(1), part.source_offset(2)), (11, 12, 20));
        let nothing = logical.slice(TextRange::empty(4));
        assert_eq!((nothing.as_str(), nothing.source_offset(0)), ("", 21));
    }
}
