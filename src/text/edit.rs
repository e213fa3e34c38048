//! Edits: sets of replacements that do not overlap.

use super::TextRange;

/// One replacement: the bytes of `range` become `replacement`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is replaced; empty for an insertion.
    pub range: TextRange,
    /// What stands there afterwards.
    pub replacement: String,
}

/// Why changes cannot form one edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Two changes want the same bytes.
    #[error("two changes overlap at byte {0}")]
    Overlap(usize),
}

/// Changes to one text. Invariant: sorted by range and disjoint; two insertions may share a place and keep their order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TextEdit {
    changes: Vec<Change>,
}

impl TextEdit {
    /// An edit of the given changes.
    ///
    /// # Errors
    /// [`EditError::Overlap`] if two of them touch the same bytes.
    pub fn new(mut changes: Vec<Change>) -> Result<Self, EditError> {
        changes.sort_by_key(|change| change.range);
        for pair in changes.windows(2) {
            if pair[1].range.start < pair[0].range.end {
                return Err(EditError::Overlap(pair[1].range.start));
            }
        }
        Ok(Self { changes })
    }

    /// Replaces the bytes of `range`.
    pub fn replace(range: TextRange, replacement: impl Into<String>) -> Self {
        Self { changes: vec![Change { range, replacement: replacement.into() }] }
    }

    /// Inserts at `offset`.
    pub fn insert(offset: usize, text: impl Into<String>) -> Self {
        Self::replace(TextRange::empty(offset), text)
    }

    /// The changes, sorted and disjoint.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether the edit changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Both edits as one.
    ///
    /// # Errors
    /// [`EditError::Overlap`] if they touch the same bytes.
    pub fn union(&self, other: &Self) -> Result<Self, EditError> {
        Self::new(self.changes.iter().chain(&other.changes).cloned().collect())
    }

    /// The text after the edit. Changes past the end of `source` are left out.
    pub fn apply(&self, source: &str) -> String {
        let mut result = String::with_capacity(source.len());
        let mut done = 0;
        for change in &self.changes {
            let Some(kept) = source.get(done..change.range.start) else { continue };
            result.push_str(kept);
            result.push_str(&change.replacement);
            done = change.range.end;
        }
        result.push_str(source.get(done..).unwrap_or_default());
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applies_disjoint_changes_and_refuses_overlap() {
        let first = TextEdit::replace(TextRange::new(0, 1), "A");
        let second = TextEdit::insert(2, "-");
        assert_eq!(second.union(&first).unwrap().apply("abc"), "Ab-c");
        assert_eq!(first.union(&TextEdit::replace(TextRange::new(0, 2), "")), Err(EditError::Overlap(0)));
    }
}
