//! Where the lines of a changed Dockerfile come from.

use crate::text::{TextEdit, TextRange};

/// For each line of a draft, the line of the original that it comes from; `None` for one that is new or blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origins(Vec<Option<usize>>);

/// A part of an edited text.
struct Piece {
    /// Where it stands afterwards.
    range: TextRange,
    /// The line of the text before, from 0; `None` for what is inserted.
    line: Option<usize>,
    /// Whether it is what stood there before.
    kept: bool,
}

impl Origins {
    /// Those of the original itself.
    pub(super) fn of(original: &str) -> Self {
        Self((1..=original.split('\n').count()).map(Some).collect())
    }

    /// The line of the original that a line comes from; both count from 1.
    pub(super) fn line(&self, number: usize) -> Option<usize> {
        *self.0.get(number.checked_sub(1)?)?
    }

    /// The same; of a new line, that of the next one that is not new, or of the last.
    pub(super) fn nearest(&self, number: usize) -> usize {
        let (before, from) = self.0.split_at(number.saturating_sub(1).min(self.0.len()));
        let mut known = from.iter().chain(before.iter().rev()).flatten();
        known.next().copied().unwrap_or(1)
    }

    /// Those of what an edit makes of `text`, whose lines these are. A line that keeps something of an old one comes from
    /// it; one that is taken out at one place and put in at another is the same line.
    pub(super) fn after(&self, text: &str, edit: &TextEdit) -> Self {
        let result = edit.apply(text);
        let pieces = pieces(text, edit);
        let mut taken = taken_out(text, edit);
        let mut start = 0;
        let lines = result.split('\n').map(|line| {
            let range = TextRange::new(start, start + line.len());
            start = range.end + 1;
            let of = |kept: bool| {
                let inside = |piece: &&Piece| {
                    let shared = piece.range.start.max(range.start)..piece.range.end.min(range.end);
                    piece.kept == kept && result.get(shared).is_some_and(|text| !text.trim().is_empty())
                };
                pieces.iter().find(inside).and_then(|piece| piece.line)
            };
            let moved = || {
                let place = taken.iter().position(|(_, old)| *old == line)?;
                Some(taken.remove(place).0)
            };
            let old = of(true).or_else(moved).or_else(|| of(false));
            old.and_then(|old| *self.0.get(old)?)
        });
        Self(lines.collect())
    }
}

/// What an edit keeps and what it puts in, in the order of the new text.
fn pieces(text: &str, edit: &TextEdit) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut done, mut at) = (0, 0);
    let mut add = |length: usize, line: Option<usize>, kept: bool| {
        pieces.push(Piece { range: TextRange::new(at, at + length), line, kept });
        at += length;
    };
    let keep = |start: usize, end: usize, add: &mut dyn FnMut(usize, Option<usize>, bool)| {
        let lines = text.get(start..end).unwrap_or_default().split_inclusive('\n');
        for (line, kept) in (line_at(text, start)..).zip(lines) {
            add(kept.len(), Some(line), true);
        }
    };
    for change in edit.changes() {
        if text.get(done..change.range.start).is_none() {
            continue;
        }
        keep(done, change.range.start, &mut add);
        // What takes the place of a part of the file comes from where that part began.
        let replaced = (!change.range.is_empty()).then(|| line_at(text, change.range.start));
        add(change.replacement.len(), replaced, false);
        done = change.range.end;
    }
    keep(done, text.len(), &mut add);
    pieces
}

/// The lines of which an edit takes something out, with their numbers from 0.
fn taken_out<'t>(text: &'t str, edit: &TextEdit) -> Vec<(usize, &'t str)> {
    let mut start = 0;
    let lines = text.split('\n').enumerate().filter(|(_, line)| {
        let range = TextRange::new(start, start + line.len());
        start = range.end + 1;
        edit.changes().iter().any(|change| change.range.start < range.end && change.range.end > range.start)
    });
    lines.collect()
}

fn line_at(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or_default().matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "FROM a\nCOPY . .\nRUN b && c\nCMD d\n";

    fn range(part: &str) -> TextRange {
        let start = TEXT.find(part).expect("the part stands in the text");
        TextRange::new(start, start + part.len())
    }

    #[test]
    fn a_line_that_moves_keeps_its_number() {
        let taken = TextEdit::replace(range("COPY . .\n"), "");
        let edit = taken.union(&TextEdit::insert(range("CMD").start, "COPY . .\n")).unwrap();
        let origins = Origins::of(TEXT).after(TEXT, &edit);
        assert_eq!(origins.0, [Some(1), Some(3), Some(2), Some(4), None]);
    }

    #[test]
    fn both_parts_of_a_line_that_is_split_come_from_it() {
        let edit = TextEdit::replace(range(" && "), "\nRUN ");
        let origins = Origins::of(TEXT).after(TEXT, &edit);
        assert_eq!(origins.0, [Some(1), Some(2), Some(3), Some(3), Some(4), None]);
        let next = edit.apply(TEXT);
        let moved = TextEdit::insert(0, "# new\n");
        assert_eq!(origins.after(&next, &moved).line(5), Some(3));
    }

    #[test]
    fn a_new_line_has_none_but_stands_in_front_of_one() {
        let origins = Origins::of(TEXT).after(TEXT, &TextEdit::insert(range("RUN").start, "COPY x .\n"));
        assert_eq!((origins.line(3), origins.nearest(3), origins.line(4)), (None, 3, Some(3)));
        assert_eq!((origins.line(0), origins.line(99), origins.nearest(99)), (None, None, 4));
        assert_eq!(Origins::of("").nearest(1), 1);
    }
}
